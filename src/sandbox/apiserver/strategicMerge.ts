import { deref, propertySchema } from "./builtinSchemas.ts";
import { isArray, isObject } from "./json.ts";
import { sameJson } from "../../lib/json.ts";
import type { Json, JsonObject, MutableObject } from "./json.ts";
import type { Schema } from "./schemaTypes.ts";
import { badRequest } from "./status.ts";

const DELETE_PRIMITIVES = "$deleteFromPrimitiveList/";
const ELEMENT_ORDER = "$setElementOrder/";
const RETAIN_KEYS = "$retainKeys";
const DIRECTIVE = "$patch";

/**
 * Kubernetes' strategic merge patch. Lists with a merge key are merged item by item; the directives `$patch`
 * (replace, delete, merge), `$deleteFromPrimitiveList/…`, `$setElementOrder/…` and `$retainKeys` are honoured.
 */
export function strategicMerge(target: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  const directive = patch[DIRECTIVE];
  if (directive === "replace") return withoutDirectives(patch);
  if (directive === "delete") return {};
  const out: MutableObject = retained(target, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined || key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(ELEMENT_ORDER)) continue;
    if (key.startsWith(DELETE_PRIMITIVES)) deletePrimitives(out, key.slice(DELETE_PRIMITIVES.length), value);
    else if (value === null) delete out[key];
    else out[key] = mergeValue(out[key], value, propertySchema(schema, key), patch[ELEMENT_ORDER + key]);
  }
  for (const [key, order] of Object.entries(patch)) {
    const field = key.startsWith(ELEMENT_ORDER) ? key.slice(ELEMENT_ORDER.length) : undefined;
    if (field === undefined || patch[field] !== undefined || !isArray(out[field])) continue;
    const mergeKey = propertySchema(schema, field)?.["x-kubernetes-patch-merge-key"];
    out[field] = ordered(out[field], { order, live: out[field], mergeKey });
  }
  return out;
}

function retained(target: JsonObject, patch: JsonObject): MutableObject {
  const keys = patch[RETAIN_KEYS];
  if (!isArray(keys)) return { ...target };
  return Object.fromEntries(Object.entries(target).filter(([key]) => keys.includes(key)));
}

function mergeValue(old: Json | undefined, value: Json, schema: Schema | undefined, order: Json | undefined): Json {
  if (isObject(value)) return strategicMerge(isObject(old) ? old : {}, value, schema ?? {});
  if (!isArray(value) || schema?.["x-kubernetes-patch-strategy"]?.includes("merge") !== true) return value;
  const current = isArray(old) ? old : [];
  const mergeKey = schema["x-kubernetes-patch-merge-key"];
  const merged =
    mergeKey === undefined ? mergePrimitives(current, value) : mergeByKey(current, value, { mergeKey, schema });
  return ordered(merged, { order, live: current, mergeKey });
}

function mergePrimitives(current: readonly Json[], patch: readonly Json[]): Json[] {
  return [...current, ...patch.filter((item) => !current.some((known) => sameJson(known, item)))];
}

interface KeyedList {
  readonly mergeKey: string;
  readonly schema: Schema;
}

function mergeByKey(current: readonly Json[], patch: readonly Json[], list: KeyedList): Json[] {
  const { mergeKey } = list;
  const itemSchema = list.schema.items === undefined ? {} : deref(list.schema.items);
  const items = patch.filter((item): item is JsonObject => isObject(item));
  const replacing = items.some((item) => item[DIRECTIVE] === "replace" && item[mergeKey] === undefined);
  let out: Json[] = replacing ? [] : [...current];
  for (const item of items) {
    const key = item[mergeKey];
    if (key === undefined) {
      if (item[DIRECTIVE] === "replace") continue;
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
    }
    const matches = (known: Json) => isObject(known) && sameJson(known[mergeKey], key);
    if (item[DIRECTIVE] === "delete") out = out.filter((known) => !matches(known));
    else {
      const index = out.findIndex(matches);
      const merged = strategicMerge(index < 0 ? {} : (out[index] as JsonObject), item, itemSchema);
      if (index < 0) out.push(merged);
      else out[index] = merged;
    }
  }
  return out;
}

function deletePrimitives(out: MutableObject, field: string, values: Json): void {
  const current = out[field];
  if (!isArray(current) || !isArray(values)) return;
  out[field] = current.filter((item) => !values.some((value) => sameJson(value, item)));
}

interface Ordering {
  readonly order: Json | undefined;
  /** The list as it was before the patch. */
  readonly live: readonly Json[];
  readonly mergeKey: string | undefined;
}

/**
 * Puts the items that the order names in that order. Each of the others goes before the first of these that stood
 * after it, and none overtakes another, as `mergeSortedSlice` of k8s.io/apimachinery has it.
 */
function ordered(list: readonly Json[], { order, live, mergeKey }: Ordering): readonly Json[] {
  if (!isArray(order)) return list;
  const placeIn = (items: readonly Json[], item: Json) =>
    items.findIndex((known) =>
      mergeKey === undefined
        ? sameJson(known, item)
        : isObject(known) && isObject(item) && sameJson(known[mergeKey], item[mergeKey]),
    );
  const rank = (item: Json) => placeIn(order, item);
  const named = list.filter((item) => rank(item) >= 0).toSorted((a, b) => rank(a) - rank(b));
  const others = list.filter((item) => rank(item) < 0);
  const stoodBefore = (one: Json, other: Json) => {
    const place = placeIn(live, one);
    return place >= 0 && place < placeIn(live, other);
  };
  const out: Json[] = [];
  let next = 0;
  for (const item of named) {
    for (let other = others[next]; other !== undefined && stoodBefore(other, item); other = others[next]) {
      out.push(other);
      next += 1;
    }
    out.push(item);
  }
  return [...out, ...others.slice(next)];
}

function withoutDirectives(patch: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(patch).filter(([key]) => key !== DIRECTIVE));
}
