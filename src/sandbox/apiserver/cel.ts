import { celValue, compileCel, optional } from "./celEnvironment.ts";
import { deref, propertySchema } from "./builtinSchemas.ts";
import { canonical } from "../../lib/json.ts";
import { isArray, isObject } from "./json.ts";
import { sameJson } from "../../lib/json.ts";
import { createSeen } from "./seen.ts";
import type { Json, JsonObject } from "./json.ts";
import type { Schema, ValidationRule } from "./schemaTypes.ts";
import type { FieldError, FieldErrorType } from "./status.ts";

export interface CelResult {
  readonly errors: readonly FieldError[];
  /** Sentences for rules that are broken by parts that did not change. */
  readonly warnings: readonly string[];
}

interface Node {
  readonly schema: Schema;
  readonly value: Json;
  readonly old: Json | undefined;
  readonly path: string;
  readonly errors: FieldError[];
  readonly warnings: string[];
}

/**
 * Evaluates the x-kubernetes-validations rules of a schema. Transition rules (those that name `oldSelf`) run only
 * where there is an old value to compare with, unless they ask for an optional one.
 */
export function validateCel(value: JsonObject, schema: Schema, old?: JsonObject): CelResult {
  const errors: FieldError[] = [];
  const warnings: string[] = [];
  visit({ schema, value, old, path: "", errors, warnings });
  return { errors, warnings };
}

/** No rule is broken in them. */
const clean = createSeen();

function visit(node: Node): void {
  const { schema, value, errors, warnings } = node;
  if (value === null) return;
  const isUntouched = typeof value === "object" && value === node.old;
  if (isUntouched && clean.has(value, schema)) return;
  const known = errors.length + warnings.length;
  visitRules(node);
  if (isUntouched && errors.length + warnings.length === known) clean.add(value, schema);
}

function visitRules(node: Node): void {
  const { schema, value } = node;
  for (const rule of schema["x-kubernetes-validations"] ?? []) runRule(rule, node);
  if (isArray(value)) visitItems(node, value);
  else if (isObject(value)) visitFields(node, value);
}

function visitFields(node: Node, value: JsonObject): void {
  for (const key of Object.keys(value).toSorted()) {
    const child = value[key];
    const below = propertySchema(node.schema, key);
    if (child === undefined || below === undefined) continue;
    const old = isObject(node.old) ? node.old[key] : undefined;
    const isMapKey = node.schema.properties?.[key] === undefined;
    const path = isMapKey ? `${node.path}[${key}]` : node.path === "" ? key : `${node.path}.${key}`;
    visit({ ...node, schema: below, value: child, old, path });
  }
}

function visitItems(node: Node, value: readonly Json[]): void {
  if (node.schema.items === undefined) return;
  const items = deref(node.schema.items);
  const old = oldItems(node);
  value.forEach((item, index) => {
    visit({ ...node, schema: items, value: item, old: old(item), path: `${node.path}[${index}]` });
  });
}

/** Only lists with keys have old items to compare with. */
function oldItems(node: Node): (item: Json) => Json | undefined {
  const keys = node.schema["x-kubernetes-list-map-keys"];
  if (node.schema["x-kubernetes-list-type"] !== "map" || keys === undefined || !isArray(node.old)) {
    return () => undefined;
  }
  const keyOf = (item: Json) => canonical(keys.map((key) => (isObject(item) ? (item[key] ?? null) : null)));
  const known = new Map(node.old.map((item) => [keyOf(item), item]));
  return (item) => known.get(keyOf(item));
}

const NAMES_OLD_SELF = /\boldSelf\b/;

function runRule(rule: ValidationRule, node: Node): void {
  const usesOld = NAMES_OLD_SELF.test(rule.rule);
  if (usesOld && node.old === undefined && rule.optionalOldSelf !== true) return;
  const variables = variablesOf(rule, node);
  let passed: unknown;
  try {
    passed = compileCel(rule.rule)(variables);
  } catch (error) {
    node.errors.push(evaluationError(rule, node, error));
    return;
  }
  if (passed === true) return;
  const failure = failureOf(rule, node, messageOf(rule, variables));
  if (!usesOld && node.old !== undefined && node.path !== "" && sameJson(node.old, node.value)) {
    node.warnings.push(`${failure.field}: ${failure.detail}`);
  } else node.errors.push(failure);
}

function variablesOf(rule: ValidationRule, node: Node): Readonly<Record<string, unknown>> {
  const self = celValue(node.value, node.schema);
  const old = node.old === undefined || node.old === null ? undefined : celValue(node.old, node.schema);
  if (rule.optionalOldSelf === true) return { self, oldSelf: optional(old) };
  return old === undefined ? { self } : { self, oldSelf: old };
}

const shownRule = (rule: ValidationRule): string => (rule.message ?? rule.rule).trim();

function evaluationError(rule: ValidationRule, node: Node, error: unknown): FieldError {
  const why = (error instanceof Error ? error.message : "evaluation failed").split("\n")[0] ?? "";
  const sentence = why.charAt(0).toLowerCase() + why.slice(1);
  return {
    type: "FieldValueInvalid",
    field: node.path === "" ? "<nil>" : node.path,
    value: node.schema.type ?? "",
    detail: `${sentence} evaluating rule: ${shownRule(rule)}`,
  };
}

function messageOf(rule: ValidationRule, variables: Readonly<Record<string, unknown>>): string {
  const fallback = rule.message === undefined ? `failed rule: ${rule.rule.trim()}` : rule.message.trim();
  if (rule.messageExpression === undefined) return fallback;
  try {
    const message = compileCel(rule.messageExpression)(variables);
    const text = typeof message === "string" ? message.trim() : "";
    return text === "" || text.includes("\n") ? fallback : text;
  } catch {
    return fallback;
  }
}

const REASONS: Readonly<Record<string, FieldErrorType>> = {
  FieldValueForbidden: "FieldValueForbidden",
  FieldValueRequired: "FieldValueRequired",
  FieldValueDuplicate: "FieldValueDuplicate",
};

function failureOf(rule: ValidationRule, node: Node, detail: string): FieldError {
  const field = `${node.path}${rule.fieldPath ?? ""}`.replace(/^\./, "");
  const isComposite = node.schema.type === "object" || node.schema.type === "array";
  return {
    type: REASONS[rule.reason ?? ""] ?? "FieldValueInvalid",
    field: field === "" ? "<nil>" : field,
    detail: rule.reason === "FieldValueDuplicate" ? "" : detail,
    value: isComposite ? undefined : node.value,
  };
}
