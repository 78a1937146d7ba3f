import { deref, propertySchema } from "./builtinSchemas.ts";
import {
  EMPTY,
  childrenOf,
  compare,
  difference,
  fieldElement,
  fieldsOf,
  intersection,
  isAtomicMap,
  isEmpty,
  itemElement,
  listKind,
  pathsOf,
  toFieldsV1,
  union,
} from "./fieldSet.ts";
import type { FieldSet } from "./fieldSet.ts";
import { isArray, isObject } from "./json.ts";
import { sameJson } from "../../lib/json.ts";
import type { Json, JsonObject, MutableObject } from "./json.ts";
import { isSameWriter, ownable, readOwners, withOwners } from "./managedFields.ts";
import type { Owner, Writer } from "./managedFields.ts";
import type { Schema } from "./schemaTypes.ts";
import { ApiError } from "./status.ts";
import type { StatusCause } from "./status.ts";

export interface ApplyInput {
  /** What is stored, or undefined when the apply creates the object. */
  readonly live: JsonObject | undefined;
  readonly config: JsonObject;
  readonly schema: Schema;
  readonly writer: Writer;
  readonly force: boolean;
  /** Fields that are taken over without force: what the same client applied before in another way. */
  readonly tolerated?: FieldSet;
}

/**
 * Server-side apply: merges the configuration into the live object, removes what this manager applied before and
 * no longer does (unless somebody else owns it too), and records the ownership.
 * Throws 409 with one cause for each field that another manager owns with a different value, unless forced.
 */
export function serverSideApply(input: ApplyInput): JsonObject {
  const { live, config, schema, writer } = input;
  const owners = live === undefined ? [] : readOwners(live);
  const mine = owners.find((owner) => isSameWriter(owner, writer, "Apply"));
  const others = owners.filter((owner) => owner !== mine);
  const applied = ownable(fieldsOf(config, schema));
  const merged = live === undefined ? config : (merge(live, config, schema) as JsonObject);
  const change = compare(live ?? {}, merged, schema);
  const written = ownable(union(change.added, change.modified));
  if (!input.force) refuseConflicts(others, difference(written, input.tolerated ?? EMPTY));
  const left = others.map((owner) => ({ ...owner, fields: difference(owner.fields, written) }));
  const keep = left.reduce((sum, owner) => union(sum, owner.fields), applied);
  const last = mine?.fields ?? EMPTY;
  const pruned = removeDropped(merged, schema, last, keep) as JsonObject;
  const unchanged = mine !== undefined && sameJson(toFieldsV1(mine.fields), toFieldsV1(applied));
  const entry: Owner = { ...writer, operation: "Apply", fields: applied, time: unchanged ? mine.time : writer.time };
  return withOwners(pruned, [...left, entry]);
}

/** Merges an applied value into a live one by the schema's list and map types. */
export function merge(live: Json | undefined, applied: Json, schema: Schema | undefined): Json {
  if (isArray(applied)) return mergeList(isArray(live) ? live : [], applied, schema);
  if (!isObject(applied) || !isObject(live) || isAtomicMap(schema)) return applied;
  const out: MutableObject = { ...live };
  for (const [key, value] of Object.entries(applied)) {
    if (value === undefined) continue;
    out[key] = merge(live[key], value, schema === undefined ? undefined : propertySchema(schema, key));
  }
  return out;
}

function mergeList(live: readonly Json[], applied: readonly Json[], schema: Schema | undefined): readonly Json[] {
  if (schema === undefined || listKind(schema) === "atomic") return applied;
  const items = schema.items === undefined ? undefined : deref(schema.items);
  const out = new Map(live.map((item) => [itemElement(item, schema), item]));
  for (const item of applied) {
    const element = itemElement(item, schema);
    out.set(element, listKind(schema) === "map" ? merge(out.get(element), item, items) : item);
  }
  return [...out.values()];
}

/** Takes out what is in `last` and not in `keep`, with everything below it. */
function removeDropped(value: Json, schema: Schema | undefined, last: FieldSet, keep: FieldSet): Json {
  const children = childrenOf(value, schema);
  if (children === undefined || last.children.size === 0) return value;
  const gone = (element: string) => {
    const kept = keep.children.get(element);
    return last.children.has(element) && (kept === undefined || isEmpty(kept));
  };
  const below = (element: string, child: Json, childSchema: Schema | undefined) =>
    removeDropped(child, childSchema, last.children.get(element) ?? EMPTY, keep.children.get(element) ?? EMPTY);
  if (isArray(value)) {
    return [...children]
      .filter(([element]) => !gone(element))
      .map(([element, child]) => below(element, child.value, child.schema));
  }
  const out: MutableObject = {};
  for (const key of Object.keys(value as JsonObject)) {
    const element = fieldElement(key);
    const child = children.get(element);
    if (child !== undefined && !gone(element)) out[key] = below(element, child.value, child.schema);
  }
  return out;
}

function refuseConflicts(others: readonly Owner[], written: FieldSet): void {
  const conflicts = others.flatMap((owner) =>
    pathsOf(intersection(owner.fields, written)).map((field) => ({ owner: ownerText(owner), field })),
  );
  if (conflicts.length === 0) return;
  const causes: StatusCause[] = conflicts.map(({ owner, field }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${owner}`,
    field,
  }));
  throw new ApiError({ code: 409, reason: "Conflict", message: conflictMessage(conflicts), details: { causes } });
}

function conflictMessage(conflicts: readonly { readonly owner: string; readonly field: string }[]): string {
  const [only] = conflicts;
  if (conflicts.length === 1 && only !== undefined) {
    return `Apply failed with 1 conflict: conflict with ${only.owner}: ${only.field}`;
  }
  const owners = [...new Set(conflicts.map(({ owner }) => owner))].toSorted();
  const lines = owners.flatMap((owner) => [
    `conflicts with ${owner}:`,
    ...conflicts.filter((conflict) => conflict.owner === owner).map(({ field }) => `- ${field}`),
  ]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`;
}

function ownerText(owner: Owner): string {
  const subresource = owner.subresource === "" ? "" : ` with subresource ${JSON.stringify(owner.subresource)}`;
  const using = owner.operation === "Update" ? ` using ${owner.apiVersion}` : "";
  return `${JSON.stringify(owner.manager)}${subresource}${using}`;
}
