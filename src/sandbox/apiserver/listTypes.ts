import { deref, propertySchema } from "./builtinSchemas.ts";
import { canonical } from "../../lib/json.ts";
import { isArray, isObject } from "./json.ts";
import type { Json, JsonObject, MutableObject } from "./json.ts";
import { createSeen } from "./seen.ts";
import type { Schema } from "./schemaTypes.ts";
import type { FieldError } from "./status.ts";

/** Duplicate items in lists of type set and map; only the first repetition of each is named, as by the real server. */
export function duplicateItems(value: JsonObject, schema: Schema): readonly FieldError[] {
  return below(value, schema, "");
}

const clean = createSeen();

function below(value: Json, schema: Schema, path: string): readonly FieldError[] {
  if (typeof value !== "object" || value === null || clean.has(value, schema)) return NONE;
  const errors = duplicatesIn(value, schema, path);
  if (errors.length === 0) clean.add(value, schema);
  return errors;
}

const NONE: readonly FieldError[] = [];

function duplicatesIn(value: readonly Json[] | JsonObject, schema: Schema, path: string): readonly FieldError[] {
  if (isArray(value)) {
    const items = schema.items === undefined ? undefined : deref(schema.items);
    const nested = items === undefined ? [] : value.flatMap((item, index) => below(item, items, `${path}[${index}]`));
    return [...duplicates(value, schema, path), ...nested];
  }
  return Object.entries(value).flatMap(([key, child]) => {
    const childSchema = propertySchema(schema, key);
    if (child === undefined || childSchema === undefined) return NONE;
    return below(child, childSchema, path === "" ? key : `${path}.${key}`);
  });
}

function duplicates(value: readonly Json[], schema: Schema, path: string): FieldError[] {
  const type = schema["x-kubernetes-list-type"];
  if (type !== "set" && type !== "map") return [];
  const seen = new Map<string, number>();
  const errors: FieldError[] = [];
  value.forEach((item, index) => {
    const identity = type === "set" ? item : keysOf(item, schema);
    const text = canonical(identity);
    const times = seen.get(text) ?? 0;
    seen.set(text, times + 1);
    if (times !== 1) return;
    errors.push({ type: "FieldValueDuplicate", field: `${path}[${index}]`, value: identity, detail: "" });
  });
  return errors;
}

function keysOf(item: Json, schema: Schema): JsonObject {
  const keys: MutableObject = {};
  if (!isObject(item)) return keys;
  for (const key of schema["x-kubernetes-list-map-keys"] ?? []) {
    if (item[key] !== undefined) keys[key] = item[key];
  }
  return keys;
}
