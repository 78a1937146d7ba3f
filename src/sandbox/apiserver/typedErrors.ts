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
  const errors: string[] = [];
  for (const [key, child] of Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const below = propertySchema(schema, key);
    if (below === undefined && !isOpen(schema)) {
      // The real server stops at the first one, too.
      errors.push(`${path}.${key}: field not declared in schema`);
      break;
    }
    if (below !== undefined && child !== undefined && child !== null) {
      errors.push(...typedErrors(child, below, `${path}.${key}`));
    }
  }
  return errors;
}

function listErrors(value: readonly Json[], schema: Schema, path: string): string[] {
  const items = schema.items === undefined ? {} : deref(schema.items);
  const errors = value.flatMap((item, index) => typedErrors(item, items, `${path}[${index}]`));
  if (listKind(schema) === "atomic") return errors;
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    const element = itemElement(item, schema);
    if (element === "k:{}") {
      const keys = JSON.stringify(schema["x-kubernetes-list-map-keys"] ?? []).replaceAll(",", " ");
      errors.push(
        `${path}: element ${index}: associative list with keys has an element that omits all key fields ${keys} (and doesn't have default values for any key fields)`,
      );
      continue;
    }
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
  if (isAny || got === expected[0]) return undefined;
  return `${expected[1]}, got ${typeof value === "object" ? `&{${goText(value)}}` : got}`;
}

/** A value as Go prints it. */
function goText(value: Json | undefined): string {
  if (isArray(value)) return `[${value.map((item) => goText(item)).join(" ")}]`;
  if (!isObject(value)) return value === null || value === undefined ? "<nil>" : String(value);
  const keys = Object.keys(value).toSorted();
  return `map[${keys.map((key) => `${key}:${goText(value[key])}`).join(" ")}]`;
}
