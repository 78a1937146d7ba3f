import { createHash } from "node:crypto";
import type { KubeObject } from "../kube/port.ts";

const MANAGED_BY_LABEL = "app.kubernetes.io/managed-by";
const MANAGER = "aviary";
/** Which canary an object of ours serves, by the base name of its backends. */
const FOR_LABEL = "aviary.dev/for";
/** Fingerprint of what was applied, so that a field taken out of it is noticed beside fields that others filled in. */
const APPLIED_ANNOTATION = "aviary.dev/applied";

/** An object that Aviary makes for the canary of base name `name`: with our labels, and what tells whether it is current. */
export function owned<T extends KubeObject>(object: T, name: string): T {
  const labels = { ...object.metadata.labels, [MANAGED_BY_LABEL]: MANAGER, [FOR_LABEL]: name };
  const labelled = { ...object, metadata: { ...object.metadata, labels } };
  const annotations = { ...object.metadata.annotations, [APPLIED_ANNOTATION]: fingerprint(labelled) };
  return { ...labelled, metadata: { ...labelled.metadata, annotations } };
}

/** Whether Aviary made this object for the canary of base name `name`. */
export function isOwned(object: KubeObject, name: string): boolean {
  const labels = object.metadata.labels ?? {};
  return labels[MANAGED_BY_LABEL] === MANAGER && labels[FOR_LABEL] === name;
}

/** Whether applying `desired`, as `owned` gives it, would change nothing. */
export function isApplied(desired: KubeObject, actual: KubeObject): boolean {
  return covers(actual, desired);
}

/** Whether everything in `part` is in `whole`; lists must have the same length, maps may have more. */
function covers(whole: unknown, part: unknown): boolean {
  if (Array.isArray(part)) {
    return (
      Array.isArray(whole) && whole.length === part.length && part.every((item, index) => covers(whole[index], item))
    );
  }
  if (isRecord(part)) {
    return isRecord(whole) && Object.entries(part).every(([key, value]) => covers(whole[key], value));
  }
  return whole === part;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fingerprint(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(value)))
    .digest("hex")
    .slice(0, 16);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, sorted(entry)]));
}
