import { deref, propertySchema } from "./builtinSchemas.ts";
import { canonical } from "../../lib/json.ts";
import { rememberByObject } from "../../lib/remember.ts";
import { isArray, isObject } from "./json.ts";
import { sameJson } from "../../lib/json.ts";
import type { Json, JsonObject, MutableObject } from "./json.ts";
import type { Schema } from "./schemaTypes.ts";

/**
 * A set of field paths as in `managedFields`: a tree whose keys are path elements in the notation of fieldsV1
 * (`f:name`, `k:{"name":"a"}`, `v:"x"`). `member` says that the path itself is in the set.
 */
export interface FieldSet {
  readonly member: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

export const EMPTY: FieldSet = { member: false, children: new Map() };
const MEMBER: FieldSet = { member: true, children: new Map() };

export function isEmpty(set: FieldSet): boolean {
  return !set.member && set.children.size === 0;
}

// Where nothing changes, the answer is `a` itself, so that what was made of it is found again.

export function union(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map(a.children);
  let same = a.member || !b.member;
  for (const [key, child] of b.children) {
    const mine = a.children.get(key);
    const both = mine === undefined ? child : union(mine, child);
    same &&= both === mine;
    children.set(key, both);
  }
  return same ? a : { member: a.member || b.member, children };
}

export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return left(a, b, { member: a.member && !b.member, take: difference });
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [key, child] of a.children) {
    const common = intersection(child, b.children.get(key) ?? EMPTY);
    if (!isEmpty(common)) children.set(key, common);
  }
  return { member: a.member && b.member, children };
}

interface Taking {
  readonly member: boolean;
  readonly take: (a: FieldSet, b: FieldSet) => FieldSet;
}

/** What is left of `a`: its children as they are where `b` has none of that name. */
function left(a: FieldSet, b: FieldSet, { member, take }: Taking): FieldSet {
  const children = new Map<string, FieldSet>();
  let same = member === a.member;
  for (const [key, child] of a.children) {
    const other = b.children.get(key);
    const rest = other === undefined ? child : take(child, other);
    same &&= rest === child;
    if (!isEmpty(rest)) children.set(key, rest);
  }
  return same ? a : { member, children };
}

/** `a` without the paths of `b` and everything below them. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  if (b.member) return EMPTY;
  return left(a, b, { member: a.member, take: recursiveDifference });
}

/** The `fieldsV1` form, frozen. Sets never change, and most of one is part of the next, so that it is made once for each. */
export const toFieldsV1 = rememberByObject((set: FieldSet): JsonObject => {
  const out: MutableObject = {};
  if (set.member && set.children.size > 0) out["."] = NO_FIELDS;
  for (const key of [...set.children.keys()].toSorted()) out[key] = toFieldsV1(set.children.get(key) ?? EMPTY);
  if (!set.member) made.set(out, set);
  return Object.freeze(out);
});

const NO_FIELDS: JsonObject = Object.freeze({});
/** The sets behind what was made of them. */
const made = new WeakMap<JsonObject, FieldSet>();

export function fromFieldsV1(fields: Json | undefined): FieldSet {
  return isObject(fields) ? (made.get(fields) ?? parseFields(fields, true)) : EMPTY;
}

function parseFields(fields: Json | undefined, root: boolean): FieldSet {
  if (!isObject(fields)) return EMPTY;
  const keys = Object.keys(fields);
  const children = new Map<string, FieldSet>();
  for (const key of keys) if (key !== ".") children.set(key, parseFields(fields[key], false));
  return { member: keys.includes(".") || (keys.length === 0 && !root), children };
}

/** All member paths as in the sentences of conflicts: `.spec.containers[name="a"].image`. */
export function pathsOf(set: FieldSet, prefix = ""): string[] {
  const children = [...set.children].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const members = children.filter(([, child]) => child.member).map(([key]) => prefix + elementText(key));
  return [...members, ...children.flatMap(([key, child]) => pathsOf(child, prefix + elementText(key)))];
}

function elementText(element: string): string {
  const text = element.slice(2);
  if (element.startsWith("f:")) return `.${text}`;
  if (element.startsWith("v:")) return `[=${text}]`;
  if (element.startsWith("i:")) return `[${text}]`;
  const keys = JSON.parse(text) as JsonObject;
  return `[${Object.entries(keys)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(",")}]`;
}

/** How a list is merged, and what identifies its items. */
export function listKind(schema: Schema | undefined): "atomic" | "set" | "map" {
  return schema?.["x-kubernetes-list-type"] ?? "atomic";
}

export function isAtomicMap(schema: Schema | undefined): boolean {
  return schema?.["x-kubernetes-map-type"] === "atomic";
}

/** Path element of an item in a set or map list. Keys that are left out take the schema's default. */
export function itemElement(item: Json, schema: Schema): string {
  if (listKind(schema) === "set") return `v:${canonical(item)}`;
  const items = schema.items === undefined ? {} : deref(schema.items);
  const keys: MutableObject = {};
  for (const key of schema["x-kubernetes-list-map-keys"] ?? []) {
    const value = (isObject(item) ? item[key] : undefined) ?? items.properties?.[key]?.default;
    if (value !== undefined) keys[key] = value;
  }
  return `k:${canonical(keys)}`;
}

export const fieldElement = (key: string): string => `f:${key}`;

/** All paths of a value: its leaves, the items of keyed lists, and the keys of maps. */
export function fieldsOf(value: Json | undefined, schema: Schema | undefined): FieldSet {
  if (isArray(value) && schema !== undefined && listKind(schema) !== "atomic") {
    const items = schema.items === undefined ? undefined : deref(schema.items);
    const children = new Map<string, FieldSet>();
    for (const item of value) {
      const below = listKind(schema) === "map" ? fieldsOf(item, items) : EMPTY;
      children.set(itemElement(item, schema), { member: true, children: below.children });
    }
    return { member: value.length === 0, children };
  }
  if (!isObject(value) || isAtomicMap(schema) || Object.keys(value).length === 0) return MEMBER;
  const children = new Map<string, FieldSet>();
  for (const [key, child] of Object.entries(value)) {
    if (child === undefined) continue;
    const below = fieldsOf(child, schema === undefined ? undefined : propertySchema(schema, key));
    const isMapKey = schema?.properties?.[key] === undefined;
    children.set(fieldElement(key), { member: below.member || isMapKey, children: below.children });
  }
  return { member: false, children };
}

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

const NOTHING: Comparison = { added: EMPTY, modified: EMPTY, removed: EMPTY };

/** What differs between two values of one schema. */
export function compare(before: Json | undefined, after: Json | undefined, schema: Schema | undefined): Comparison {
  if (sameJson(before, after)) return NOTHING;
  if (before === undefined) return { ...NOTHING, added: withContainers(fieldsOf(after, schema), schema) };
  if (after === undefined) return { ...NOTHING, removed: withSelf(fieldsOf(before, schema)) };
  const left = childrenOf(before, schema);
  const right = childrenOf(after, schema);
  if (left === undefined || right === undefined) return { ...NOTHING, modified: MEMBER };
  const added = new Map<string, FieldSet>();
  const modified = new Map<string, FieldSet>();
  const removed = new Map<string, FieldSet>();
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    const a = left.get(key);
    const b = right.get(key);
    const below = compare(a?.value, b?.value, (a ?? b)?.schema);
    if (!isEmpty(below.added)) added.set(key, below.added);
    if (!isEmpty(below.modified)) modified.set(key, below.modified);
    if (!isEmpty(below.removed)) removed.set(key, below.removed);
  }
  const set = (children: Map<string, FieldSet>): FieldSet => ({ member: false, children });
  return { added: set(added), modified: set(modified), removed: set(removed) };
}

function withSelf(set: FieldSet): FieldSet {
  return { member: true, children: set.children };
}

/** What was added as a whole is owned with its maps and lists, but not with Go's plain structures: those are always there. */
function withContainers(set: FieldSet, schema: Schema | undefined): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [element, child] of set.children) {
    children.set(element, withContainers(child, schema === undefined ? undefined : elementSchema(schema, element)));
  }
  return { member: set.member || schema?.["x-struct"] !== true, children };
}

function elementSchema(schema: Schema, element: string): Schema | undefined {
  if (element.startsWith("f:")) return propertySchema(schema, element.slice(2));
  return schema.items === undefined ? undefined : deref(schema.items);
}

interface Child {
  readonly value: Json;
  readonly schema: Schema | undefined;
}

/** The mergeable parts of a value by path element; undefined for a leaf (scalars, atomic lists and maps). */
export function childrenOf(value: Json, schema: Schema | undefined): ReadonlyMap<string, Child> | undefined {
  if (isArray(value)) {
    if (schema === undefined || listKind(schema) === "atomic") return undefined;
    const items = schema.items === undefined ? undefined : deref(schema.items);
    return new Map(value.map((item) => [itemElement(item, schema), { value: item, schema: items }]));
  }
  if (!isObject(value) || isAtomicMap(schema)) return undefined;
  const out = new Map<string, Child>();
  for (const [key, child] of Object.entries(value)) {
    if (child === undefined) continue;
    const below = schema === undefined ? undefined : propertySchema(schema, key);
    out.set(fieldElement(key), { value: child, schema: below });
  }
  return out;
}
