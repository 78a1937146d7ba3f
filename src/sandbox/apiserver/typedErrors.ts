import { deref, isOpen, propertySchema } from "./builtinSchemas.ts";
import { itemElement, listKind, pathsOf } from "./fieldSet.ts";
import { isArray, isObject } from "./json.ts";
import type { Json } from "./json.ts";
import type { Schema } from "./schemaTypes.ts";

/** What keeps a value from being merged by its schema, in the words of server-side apply. */
export function typedErrors(value: Json, schema: Schema, path = ""): string[] {
  const expected = mismatch(value, schema);
  if (expected !== undefined) return [`${path}: expected ${expected}`];
  if (isArray(value)) return listErrors(value, schema, path);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    if (child === undefined || child === null) return [];
    const below = propertySchema(schema, key);
    if (below !== undefined) return typedErrors(child, below, `${path}.${key}`);
    return isOpen(schema) ? [] : [`${path}.${key}: field not declared in schema`];
  });
}

function listErrors(value: readonly Json[], schema: Schema, path: string): string[] {
  const items = schema.items === undefined ? {} : deref(schema.items);
  const errors = value.flatMap((item, index) => typedErrors(item, items, `${path}[${index}]`));
  if (listKind(schema) === "atomic") return errors;
  const seen = new Set<string>();
  for (const item of value) {
    const element = itemElement(item, schema);
    if (seen.has(element)) {
      const [shown = ""] = pathsOf({
        member: false,
        children: new Map([[element, { member: true, children: new Map() }]]),
      });
      errors.push(`${path}: duplicate entries for key ${shown}`);
    }
    seen.add(element);
  }
  return errors;
}

/** What stands in sentences for the JSON types. */
const EXPECTED: Readonly<Record<string, readonly [got: string, words: string]>> = {
  object: ["map", "map"],
  array: ["list", "list"],
  string: ["string", "string"],
  boolean: ["boolean", "boolean"],
  integer: ["number", "numeric (int or float)"],
  number: ["number", "numeric (int or float)"],
};

function mismatch(value: Json, schema: Schema): string | undefined {
  const got = isArray(value) ? "list" : isObject(value) ? "map" : typeof value;
  const expected = EXPECTED[schema.type ?? ""];
  const isAny = value === null || schema["x-kubernetes-int-or-string"] === true || expected === undefined;
  return isAny || got === expected[0] ? undefined : `${expected[1]}, got ${got}`;
}
