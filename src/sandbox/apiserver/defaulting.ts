import { deref, propertySchema } from "./builtinSchemas.ts";
import { isArray, isObject, sharing } from "./json.ts";
import { createSeen } from "./seen.ts";
import type { Json, JsonObject, MutableObject } from "./json.ts";
import type { Schema } from "./schemaTypes.ts";

/**
 * Fills in the schema's defaults, and drops nulls of fields that are not nullable (a null with a default becomes the
 * default), as the API server does for custom resources before validation.
 */
export function withDefaults(object: JsonObject, schema: Schema): JsonObject {
  const value = defaultValue(object, schema);
  return isObject(value) ? value : object;
}

const complete = createSeen();

function defaultValue(value: Json, schema: Schema): Json {
  if (typeof value !== "object" || value === null || complete.has(value, schema)) return value;
  const defaulted = isArray(value) ? defaultItems(value, schema) : defaultObject(value, schema);
  const isUnchanged = Object.isFrozen(value) && sharing(defaulted, value) === value;
  return isUnchanged && complete.add(value, schema) ? value : defaulted;
}

function defaultItems(value: readonly Json[], { items }: Schema): readonly Json[] {
  return items === undefined ? value : value.map((item) => defaultValue(item, deref(items)));
}

function defaultObject(value: JsonObject, schema: Schema): JsonObject {
  const out: MutableObject = {};
  for (const [key, child] of Object.entries(value)) {
    if (child === undefined) continue;
    const below = propertySchema(schema, key);
    if (child === null && below !== undefined && below.nullable !== true) continue;
    out[key] = below === undefined ? child : defaultValue(child, below);
  }
  for (const [key, declared] of Object.entries(schema.properties ?? {})) {
    const below = deref(declared);
    if (out[key] === undefined && below.default !== undefined) out[key] = defaultValue(below.default, below);
  }
  return out;
}
