import type { JsonObject, MutableObject } from "./json.ts";
import { apiVersionOf } from "./resources.ts";
import type { Resource } from "./resources.ts";

/** Event fields as they are called in core/v1 (left) and in events.k8s.io/v1 (right). One storage serves both. */
const EVENT_FIELDS: readonly (readonly [string, string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
  ["reportingComponent", "reportingController"],
];

const isNewEvent = (resource: Resource): boolean => resource.group === "events.k8s.io";

function renamed(object: JsonObject, names: ReadonlyMap<string, string>): JsonObject {
  const out: MutableObject = {};
  for (const [key, value] of Object.entries(object)) out[names.get(key) ?? key] = value;
  return out;
}

const toStored = new Map(EVENT_FIELDS.map(([core, events]) => [events, core]));
const toServed = new Map(EVENT_FIELDS);

/** The form in which an object is kept. */
export function stored(resource: Resource, object: JsonObject): JsonObject {
  return isNewEvent(resource) ? renamed(object, toStored) : object;
}

/** The form in which an object is served: under the requested version, events in the words of their group. */
export function served(resource: Resource, object: JsonObject): JsonObject {
  const apiVersion = apiVersionOf(resource);
  const converted = isNewEvent(resource) ? renamed(object, toServed) : object;
  return converted["apiVersion"] === apiVersion ? converted : Object.freeze({ ...converted, apiVersion });
}
