import { isOpen, propertySchema, deref } from "./builtinSchemas.ts";
import { isArray, isObject } from "./json.ts";
import { createSeen } from "./seen.ts";
import type { Json, JsonObject, MutableObject } from "./json.ts";
import type { Schema } from "./schemaTypes.ts";

export interface Pruned<T> {
  readonly value: T;
  /** Paths of the fields that the schema does not know, such as `spec.steps[0].wieght`. */
  readonly unknown: readonly string[];
}

/** Drops fields that the schema does not declare. */
export function prune(object: JsonObject, schema: Schema): Pruned<JsonObject> {
  const unknown: string[] = [];
  const value = pruneValue(object, schema, "", unknown);
  return { value: isObject(value) ? value : {}, unknown: unknown.toSorted() };
}

const clean = createSeen();

function pruneValue(value: Json, schema: Schema, path: string, unknown: string[]): Json {
  if (typeof value !== "object" || value === null || clean.has(value, schema)) return value;
  const known = unknown.length;
  const pruned = isArray(value) ? pruneItems(value, schema, path, unknown) : pruneObject(value, schema, path, unknown);
  return unknown.length === known && clean.add(value, schema) ? value : pruned;
}

function pruneItems(value: readonly Json[], { items }: Schema, path: string, unknown: string[]): readonly Json[] {
  if (items === undefined) return value;
  return value.map((item, index) => pruneValue(item, deref(items), `${path}[${index}]`, unknown));
}

const TYPE_META = ["apiVersion", "kind", "metadata"];

function pruneObject(value: JsonObject, schema: Schema, path: string, unknown: string[]): JsonObject {
  const out: MutableObject = {};
  for (const [key, child] of Object.entries(value)) {
    if (child === undefined) continue;
    const below = propertySchema(schema, key);
    const childPath = path === "" ? key : `${path}.${key}`;
    if (below !== undefined) out[key] = pruneValue(child, below, childPath, unknown);
    else if (isOpen(schema) || (schema["x-kubernetes-embedded-resource"] === true && TYPE_META.includes(key))) {
      out[key] = child;
    } else unknown.push(childPath);
  }
  return out;
}
