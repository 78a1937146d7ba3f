import { canonical } from "../../lib/json.ts";
import { isArray, metaOf, objectOf, stringOf, withValue } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import {
  EMPTY,
  compare,
  difference,
  fromFieldsV1,
  isEmpty,
  recursiveDifference,
  toFieldsV1,
  union,
} from "./fieldSet.ts";
import type { FieldSet } from "./fieldSet.ts";
import type { Schema } from "./schemaTypes.ts";

/** Who owns which fields, and by which kind of request. */
export interface Owner {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string;
  readonly fields: FieldSet;
}

export interface Writer {
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource: string;
  /** RFC 3339, whole seconds. */
  readonly time: string;
}

export function readOwners(object: JsonObject): readonly Owner[] {
  const entries = metaOf(object)["managedFields"];
  if (!isArray(entries)) return [];
  return entries.map((raw) => {
    const entry = objectOf(raw);
    return {
      manager: stringOf(entry["manager"]),
      operation: entry["operation"] === "Apply" ? "Apply" : "Update",
      apiVersion: stringOf(entry["apiVersion"]),
      subresource: stringOf(entry["subresource"]),
      time: stringOf(entry["time"]),
      fields: fromFieldsV1(entry["fieldsV1"]),
    };
  });
}

/** `object` with its managedFields set to the owners that own something; Apply entries come first, then by time. */
export function withOwners(object: JsonObject, owners: readonly Owner[]): JsonObject {
  const rank = (owner: Owner) => `${owner.operation === "Apply" ? 0 : 1}|${owner.time}|${owner.manager}`;
  const entries = owners
    .filter((owner) => !isEmpty(owner.fields))
    .toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))
    .map((owner) => ({
      manager: owner.manager,
      operation: owner.operation,
      apiVersion: owner.apiVersion,
      time: owner.time,
      fieldsType: "FieldsV1",
      fieldsV1: toFieldsV1(owner.fields),
      ...(owner.subresource === "" ? {} : { subresource: owner.subresource }),
    }));
  return withValue(object, ["metadata", "managedFields"], entries.length === 0 ? undefined : entries);
}

/** Fields that nobody owns, since the server or the address of the request sets them. */
const UNOWNED = fromFieldsV1({
  "f:apiVersion": {},
  "f:kind": {},
  "f:metadata": Object.fromEntries(
    [
      "f:name",
      "f:namespace",
      "f:uid",
      "f:creationTimestamp",
      "f:deletionTimestamp",
      "f:deletionGracePeriodSeconds",
      "f:generation",
      "f:generateName",
      "f:selfLink",
      "f:resourceVersion",
      "f:managedFields",
    ].map((key) => [key, {}]),
  ),
});

export function ownable(fields: FieldSet): FieldSet {
  const rest = recursiveDifference(fields, UNOWNED);
  const metadata = rest.children.get("f:metadata");
  if (metadata === undefined || !metadata.member) return { ...rest, member: false };
  const children = new Map(rest.children);
  if (metadata.children.size === 0) children.delete("f:metadata");
  else children.set("f:metadata", { member: false, children: metadata.children });
  return { member: false, children };
}

export function isSameWriter(owner: Owner, writer: Writer, operation: Owner["operation"]): boolean {
  return owner.manager === writer.manager && owner.operation === operation && owner.subresource === writer.subresource;
}

/** Field ownership after an ordinary write: what changed now belongs to the writer, what went belongs to nobody. */
export function ownersAfterUpdate(
  before: JsonObject | undefined,
  after: JsonObject,
  schema: Schema,
  writer: Writer,
): readonly Owner[] {
  const owners = requestedOwners(before, after);
  const change = compare(before ?? {}, after, schema);
  const written = ownable(union(change.added, change.modified));
  if (isEmpty(written) && isEmpty(ownable(change.removed))) return owners;
  const others = owners
    .filter((owner) => !isSameWriter(owner, writer, "Update"))
    .map((owner) => without(owner, difference(owner.fields, written), change.removed));
  const mine = owners.find((owner) => isSameWriter(owner, writer, "Update"))?.fields ?? EMPTY;
  const fields = union(recursiveDifference(mine, ownable(change.removed)), written);
  return [...others, { ...writer, operation: "Update", fields }];
}

function without(owner: Owner, fields: FieldSet, removed: FieldSet): Owner {
  return { ...owner, fields: recursiveDifference(fields, ownable(removed)) };
}

/** A request may take managedFields away or edit them (kubectl does); an absent list means: as before. */
function requestedOwners(before: JsonObject | undefined, after: JsonObject): readonly Owner[] {
  const requested: Json | undefined = metaOf(after)["managedFields"];
  if (isArray(requested) && requested.length > 0) {
    const only = requested.length === 1 && canonical(requested[0]) === "{}";
    return only ? [] : readOwners(after);
  }
  if (isArray(requested) || before === undefined) return [];
  return readOwners(before);
}
