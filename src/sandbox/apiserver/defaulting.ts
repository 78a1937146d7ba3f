import { deref, propertySchema } from "./builtinSchemas.ts";
import { isArray, isObject } from "./json.ts";
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

function defaultValue(value: Json, schema: Schema): Json {
  if (isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => defaultValue(item, deref(items)));
  }
  return isObject(value) ? defaultObject(value, schema) : value;
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
