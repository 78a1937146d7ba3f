/** JSON as the API server stores it, and the few operations on it that every module here needs. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json | undefined };
export type MutableObject = { [key: string]: Json | undefined };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isArray(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

/** The value as an object; an empty one when it is something else. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

export function arrayOf(value: unknown): readonly Json[] {
  return isArray(value) ? value : [];
}

export function stringOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** The value at a path of keys, or undefined when a step is missing. */
export function at(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let current: Json | undefined = value;
  for (const key of path) {
    if (!isObject(current)) return undefined;
    current = current[key];
  }
  return current;
}

/** A copy of `object` with the value at `path` set, or removed when `value` is undefined. The input is not changed. */
export function withValue(object: JsonObject, path: readonly string[], value: Json | undefined): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined) return object;
  if (rest.length > 0) return { ...object, [key]: withValue(objectOf(object[key]), rest, value) };
  if (value !== undefined) return { ...object, [key]: value };
  const copy: MutableObject = { ...object };
  delete copy[key];
  return copy;
}

function definedKeys(object: JsonObject): string[] {
  return Object.keys(object).filter((key) => object[key] !== undefined);
}

/** The same value with every part that equals its counterpart in `old` replaced by that, so that `===` tells what changed. */
export function sharing<T extends Json | undefined>(value: T, old: Json | undefined): T {
  if (value === old) return value;
  if (isArray(value)) {
    if (!isArray(old)) return value;
    const items = value.map((item, index) => sharing(item, old[index]));
    return (items.length === old.length && items.every((item, index) => item === old[index]) ? old : items) as T;
  }
  if (!isObject(value) || !isObject(old)) return value;
  const out: MutableObject = {};
  const keys = definedKeys(value);
  for (const key of keys) out[key] = sharing(value[key], old[key]);
  const same = keys.length === definedKeys(old).length && keys.every((key) => out[key] === old[key]);
  return (same ? old : out) as T;
}

/** A deep copy without undefined values, frozen all the way down, so that what is stored can be handed out as it is. */
export function frozen<T extends Json | undefined>(value: T): T {
  if (isArray(value)) {
    return (Object.isFrozen(value) ? value : Object.freeze(value.map((item) => frozen(item)))) as T;
  }
  if (!isObject(value) || Object.isFrozen(value)) return value;
  const copy: MutableObject = {};
  for (const [key, child] of Object.entries(value)) if (child !== undefined) copy[key] = frozen(child);
  return Object.freeze(copy) as T;
}

/** `metadata` of an object. */
export function metaOf(object: JsonObject): JsonObject {
  return objectOf(object["metadata"]);
}

export function nameOf(object: JsonObject): string {
  return stringOf(metaOf(object)["name"]);
}

export function namespaceOf(object: JsonObject): string {
  return stringOf(metaOf(object)["namespace"]);
}

/** Labels or annotations as strings. */
export function stringMap(value: unknown): Readonly<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const [key, item] of Object.entries(objectOf(value))) if (typeof item === "string") out[key] = item;
  return out;
}
