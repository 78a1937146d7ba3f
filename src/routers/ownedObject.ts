import type { KubeObject } from "../kube/port.ts";
import { fingerprint } from "../lib/fingerprint.ts";
import { canonical, covers } from "../lib/json.ts";
import { isOurs, MANAGED_BY } from "../lib/names.ts";

/** Which canary an object of ours serves, by the base name of its backends. */
const FOR_LABEL = "aviary.dev/for";
/** Fingerprint of what was applied, so that a field taken out of it is noticed beside fields that others filled in. */
const APPLIED_ANNOTATION = "aviary.dev/applied";

/** An object that Aviary makes for the canary of base name `name`: with our labels, and what tells whether it is current. */
export function owned<T extends KubeObject>(object: T, name: string): T {
  const labels = { ...object.metadata.labels, ...MANAGED_BY, [FOR_LABEL]: name };
  const labelled = { ...object, metadata: { ...object.metadata, labels } };
  const annotations = { ...object.metadata.annotations, [APPLIED_ANNOTATION]: fingerprint(canonical(labelled), 16) };
  return { ...labelled, metadata: { ...labelled.metadata, annotations } };
}

/** Whether Aviary made this object for the canary of base name `name`. */
export function isOwned(object: KubeObject, name: string): boolean {
  return isOurs(object) && object.metadata.labels?.[FOR_LABEL] === name;
}

/** Whether applying `desired`, as `owned` gives it, would change nothing. */
export function isApplied(desired: KubeObject, actual: KubeObject): boolean {
  return covers(actual, desired);
}
