import { deref } from "./builtinSchemas.ts";
import { canonical } from "../../lib/json.ts";
import { isArray, isObject } from "./json.ts";
import { sameJson } from "../../lib/json.ts";
import type { Json, JsonObject } from "./json.ts";
import type { Schema } from "./schemaTypes.ts";
import type { FieldError } from "./status.ts";
import { validateNumber, validateString, typeName } from "./schemaScalars.ts";

/** Collects the errors of one object; `old` lets unchanged parts pass that were already invalid (ratcheting). */
interface Walk {
  readonly schema: Schema;
  readonly value: Json;
  readonly old: Json | undefined;
  /** As the validation library names it: `spec.steps[0]`, empty for the root. */
  readonly path: string;
  readonly errors: FieldError[];
}

/**
 * Validates an object against a structural schema and answers the field errors, in the words of kube-apiserver.
 * Parts that equal those of `old` are not reported again.
 */
export function validateSchema(value: JsonObject, schema: Schema, old?: JsonObject): readonly FieldError[] {
  const errors: FieldError[] = [];
  walk({ schema, value, old, path: "", errors });
  return errors;
}

function walk(step: Walk): void {
  // What an update leaves as it is was valid, or is let pass.
  if (step.path !== "" && step.old === step.value && typeof step.value === "object") return;
  const mine: FieldError[] = [];
  checkNode({ ...step, errors: mine });
  if (step.old !== undefined && step.path !== "" && mine.length > 0 && sameJson(step.value, step.old)) return;
  step.errors.push(...mine);
}

function checkNode(step: Walk): void {
  const { schema, value, path, errors } = step;
  if (value === null) {
    if (schema.nullable !== true && schema.type !== undefined) errors.push(typeError(path, schema, "null"));
    return;
  }
  const kind = typeName(value);
  if (!typeMatches(schema, kind)) errors.push(typeError(path, schema, kind));
  checkLogic(step);
  if (typeof value === "string") validateString(value, schema, path, errors);
  if (typeof value === "number") validateNumber(value, schema, path, errors);
  if (isArray(value)) checkArray(step, value);
  if (schema.enum !== undefined && !schema.enum.some((allowed) => sameJson(allowed, value)))
    errors.push(enumError(step));
  if (isObject(value)) checkObject(step, value);
}

function typeMatches(schema: Schema, kind: string): boolean {
  if (schema["x-kubernetes-int-or-string"] === true) return kind === "integer" || kind === "string";
  if (schema.type === undefined || schema.type === kind) return true;
  return schema.type === "number" && kind === "integer";
}

function fieldName(path: string): string {
  return path === "" ? "<nil>" : path.replace(/^\./, "");
}

function typeError(path: string, schema: Schema, kind: string): FieldError {
  const wanted = schema["x-kubernetes-int-or-string"] === true ? "integer,string" : (schema.type ?? "");
  const where = path === "" ? "" : `${path} in body`;
  const detail = `${where === "" ? " in body" : where} must be of type ${wanted}: ${JSON.stringify(kind)}`;
  return { type: "FieldValueTypeInvalid", field: fieldName(path), value: kind, detail };
}

function enumError({ schema, value, path }: Walk): FieldError {
  const shown = (schema.enum ?? []).map((item) => JSON.stringify(typeof item === "string" ? item : canonical(item)));
  return {
    type: "FieldValueNotSupported",
    field: fieldName(path),
    value,
    detail: `supported values: ${shown.join(", ")}`,
  };
}

function checkArray(step: Walk, value: readonly Json[]): void {
  const { schema, path, errors } = step;
  const size = value.length;
  if (schema.items !== undefined) {
    const items = deref(schema.items);
    const old = correlate(step, value);
    value.forEach((item, index) => {
      walk({ schema: items, value: item, old: old(index), path: `${path}[${index}]`, errors });
    });
  }
  if (schema.minItems !== undefined && size < schema.minItems) {
    const detail = `${path} in body should have at least ${schema.minItems} items`;
    errors.push({ type: "FieldValueInvalid", field: fieldName(path), value: size, detail });
  }
  if (schema.maxItems !== undefined && size > schema.maxItems) errors.push(tooMany(path, size, schema.maxItems));
  if (schema.uniqueItems === true && new Set(value.map((item) => canonical(item))).size < size) {
    const detail = `${path} in body shouldn't contain duplicates`;
    errors.push({ type: "FieldValueInvalid", field: fieldName(path), value: "", detail });
  }
}

/** The old item for each new one, for lists whose items have keys; other lists cannot be correlated. */
function correlate(step: Walk, value: readonly Json[]): (index: number) => Json | undefined {
  const keys = step.schema["x-kubernetes-list-map-keys"];
  if (step.schema["x-kubernetes-list-type"] !== "map" || keys === undefined || !isArray(step.old)) {
    return () => undefined;
  }
  const keyOf = (item: Json | undefined) => canonical(keys.map((key) => (isObject(item) ? (item[key] ?? null) : null)));
  const known = new Map(step.old.map((item) => [keyOf(item), item]));
  return (index) => known.get(keyOf(value[index]));
}

function tooMany(path: string, size: number, limit: number): FieldError {
  const detail = `must have at most ${limit} item${limit === 1 ? "" : "s"}`;
  return { type: "FieldValueTooMany", field: fieldName(path), value: size, detail };
}

function checkObject(step: Walk, value: JsonObject): void {
  const { schema, path, errors } = step;
  const keys = Object.keys(value);
  if (schema.minProperties !== undefined && keys.length < schema.minProperties) {
    const detail = `${path} in body should have at least ${schema.minProperties} properties`;
    errors.push({ type: "FieldValueInvalid", field: fieldName(path), value: keys.length, detail });
  }
  if (schema.maxProperties !== undefined && keys.length > schema.maxProperties) {
    errors.push(tooMany(path, keys.length, schema.maxProperties));
  }
  const extra = schema.additionalProperties;
  for (const key of keys.toSorted()) {
    const child = value[key];
    const declared = schema.properties?.[key] ?? (typeof extra === "object" ? extra : undefined);
    if (declared === undefined || child === undefined) continue;
    const old = isObject(step.old) ? step.old[key] : undefined;
    walk({ schema: deref(declared), value: child, old, path: path === "" ? key : `${path}.${key}`, errors });
  }
  for (const key of schema.required ?? []) {
    if (value[key] !== undefined) continue;
    errors.push({ type: "FieldValueRequired", field: fieldName(`${path}.${key}`), detail: "" });
  }
}

/** allOf, anyOf, oneOf and not; their errors carry no field, as in the real server. */
function checkLogic(step: Walk): void {
  const { schema, errors, path } = step;
  const passes = (branch: Schema) => failuresOf(step, branch).length === 0;
  const general = (detail: string) => {
    errors.push({ type: "FieldValueInvalid", field: "<nil>", value: "", detail: `${JSON.stringify(path)} ${detail}` });
  };
  if (schema.anyOf !== undefined && schema["x-kubernetes-int-or-string"] !== true && !schema.anyOf.some(passes)) {
    general("must validate at least one schema (anyOf)");
    errors.push(...fewestFailures(step, schema.anyOf));
  }
  if (schema.oneOf !== undefined) {
    const valid = schema.oneOf.filter(passes).length;
    if (valid === 0) general("must validate one and only one schema (oneOf). Found none valid");
    if (valid > 1) general(`must validate one and only one schema (oneOf). Found ${valid} valid alternatives`);
    if (valid === 0) errors.push(...fewestFailures(step, schema.oneOf));
  }
  if (schema.allOf !== undefined) {
    const failed = schema.allOf.flatMap((branch) => failuresOf(step, branch));
    errors.push(...failed);
    const none = schema.allOf.every((branch) => !passes(branch));
    if (failed.length > 0) general(`must validate all the schemas (allOf)${none ? ". None validated" : ""}`);
  }
  if (schema.not !== undefined && passes(schema.not)) general("must not validate the schema (not)");
}

function failuresOf(step: Walk, branch: Schema): FieldError[] {
  const errors: FieldError[] = [];
  checkNode({ ...step, schema: branch, errors });
  return errors;
}

function fewestFailures(step: Walk, branches: readonly Schema[]): FieldError[] {
  return branches.map((branch) => failuresOf(step, branch)).toSorted((a, b) => a.length - b.length)[0] ?? [];
}
