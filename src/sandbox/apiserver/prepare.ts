import { validateCel } from "./cel.ts";
import { validateDefinition } from "./crds.ts";
import { apiVersionOf } from "./resources.ts";
import type { Resource } from "./resources.ts";
import { validateSchema } from "./schema.ts";
import { duplicateItems } from "./listTypes.ts";
import { arrayOf, at, metaOf, nameOf, numberOf, stringOf, withValue } from "./json.ts";
import { sameJson } from "../../lib/json.ts";
import type { JsonObject, MutableObject } from "./json.ts";
import { conflict, invalid } from "./status.ts";
import type { FieldError } from "./status.ts";
import { validateBuiltin, validateMeta } from "./validation.ts";

const BLOCKING = [
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
];
const SKIPPED: FieldError = {
  type: "FieldValueInvalid",
  field: "<nil>",
  value: null,
  detail:
    "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
};

/** Validates an object as its kind wants it; answers warnings, throws 422 with every error. */
export function validate(resource: Resource, object: JsonObject, old?: JsonObject): readonly string[] {
  const errors: FieldError[] = [...validateMeta(resource, object)];
  const warnings: string[] = [];
  if (resource.builtin) {
    errors.push(...validateBuiltin(resource, object, old));
    if (resource.kind === "CustomResourceDefinition") errors.push(...validateDefinition(object));
    // Typed kinds always have their status, and what is inside of it.
    const isRequired = (error: FieldError) => error.type === "FieldValueRequired" && !error.field.startsWith("status.");
    const known = errors.map((error) => error.field);
    const isNew = ({ field }: FieldError) => !known.some((other) => other === field || other.startsWith(`${field}.`));
    const missing = validateSchema(object, resource.schema, old).filter(isRequired);
    errors.push(...missing.filter(isNew));
  } else {
    errors.push(...validateSchema(object, resource.schema, old));
    errors.push(...validateScale(resource, object));
    errors.push(...duplicatesUnlessOld(resource, object, old));
    if (errors.some((error) => BLOCKING.includes(error.type))) errors.push(SKIPPED);
    else {
      const rules = validateCel(object, resource.schema, old);
      errors.push(...rules.errors);
      warnings.push(...rules.warnings);
    }
  }
  if (errors.length > 0) throw invalid(resource, nameOf(object), errors);
  return warnings;
}

/** The numbers behind the scale subresource are checked once more, under the path that the definition gives. */
function validateScale(resource: Resource, object: JsonObject): readonly FieldError[] {
  if (resource.scale === undefined) return [];
  return [resource.scale.spec, resource.scale.status].flatMap((path): FieldError[] => {
    const value = at(object, ...path);
    const field = `.${path.join(".")}`;
    if (value === undefined || (typeof value === "number" && value >= 0)) return [];
    if (typeof value === "number") {
      return [{ type: "FieldValueInvalid", field, value, detail: "should be a non-negative integer" }];
    }
    const detail = `${field} accessor error: ${String(value)} is of the type ${typeof value}, expected int64`;
    return [{ type: "FieldValueInvalid", field, value: 0, detail }];
  });
}

function duplicatesUnlessOld(
  resource: Resource,
  object: JsonObject,
  old: JsonObject | undefined,
): readonly FieldError[] {
  if (old !== undefined && duplicateItems(old, resource.schema).length > 0) return [];
  return duplicateItems(object, resource.schema);
}

/** Groups whose built-in kinds count generations; of the core group only pods do. */
const WITH_GENERATION = ["apps", "networking.k8s.io", "policy", "discovery.k8s.io", "apiextensions.k8s.io"];

export function countsGenerations(resource: Resource): boolean {
  return !resource.builtin || WITH_GENERATION.includes(resource.group) || resource.kind === "Pod";
}

/** Fields of metadata that only the server sets. */
const SERVER_META = [
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "generation",
  "resourceVersion",
  "selfLink",
];

function withServerMeta(meta: JsonObject, old: JsonObject): JsonObject {
  const out: MutableObject = { ...meta };
  for (const key of SERVER_META) {
    if (old[key] === undefined) delete out[key];
    else out[key] = old[key];
  }
  out["name"] = old["name"];
  if (old["namespace"] !== undefined) out["namespace"] = old["namespace"];
  return out;
}

/** What of an update through the main resource or a subresource takes effect, with the generation that follows. */
export function prepareUpdate(
  resource: Resource,
  old: JsonObject,
  next: JsonObject,
  subresource: string | undefined,
): JsonObject {
  checkPreconditions(resource, old, next);
  const oldMeta = metaOf(old);
  if (subresource === "status") {
    const managed = metaOf(next)["managedFields"];
    const metadata = { ...oldMeta, ...(managed === undefined ? {} : { managedFields: managed }) };
    return withValue({ ...old, metadata }, ["status"], next["status"]);
  }
  const metadata = withServerMeta(metaOf(next), oldMeta);
  const body = resource.status ? withValue(next, ["status"], old["status"]) : next;
  const object = { ...body, apiVersion: apiVersionOf(resource), kind: resource.kind, metadata };
  refuseNewFinalizers(resource, old, object);
  if (!countsGenerations(resource) || sameJson(content(resource, old), content(resource, object))) return object;
  const generation = (numberOf(oldMeta["generation"]) ?? 0) + 1;
  return { ...object, metadata: { ...metadata, generation } };
}

/** What a generation counts: everything but metadata, and status where that is a subresource. */
function content(resource: Resource, object: JsonObject): JsonObject {
  const { apiVersion: _version, metadata: _metadata, status, ...rest } = object;
  return resource.status || status === undefined ? rest : { ...rest, status };
}

const MODIFIED = "the object has been modified; please apply your changes to the latest version and try again";

function checkPreconditions(resource: Resource, old: JsonObject, next: JsonObject): void {
  const name = nameOf(old);
  const wanted = stringOf(metaOf(next)["uid"]);
  const uid = stringOf(metaOf(old)["uid"]);
  if (wanted !== "" && wanted !== uid) {
    const why = `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${uid}`;
    throw conflict(resource, name, why);
  }
  const version = stringOf(metaOf(next)["resourceVersion"]);
  if (version !== "" && version !== "0" && version !== metaOf(old)["resourceVersion"]) {
    throw conflict(resource, name, MODIFIED);
  }
}

function refuseNewFinalizers(resource: Resource, old: JsonObject, next: JsonObject): void {
  if (metaOf(old)["deletionTimestamp"] === undefined) return;
  const known = new Set(arrayOf(metaOf(old)["finalizers"]));
  const added = arrayOf(at(next, "metadata", "finalizers")).filter((item) => !known.has(item));
  if (added.length === 0) return;
  const list = added.map((item) => JSON.stringify(item)).join(", ");
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  throw invalid(resource, nameOf(old), [{ type: "FieldValueForbidden", field: "metadata.finalizers", detail }]);
}
