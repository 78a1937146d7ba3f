import type { Labels } from "../kube/objects.ts";
import { withEnding } from "../lib/labels.ts";

/** The selector label that tells the primary's pods from the target's. */
export interface PrimaryLabel {
  readonly key: string;
  /** `<value>-primary`. */
  readonly value: string;
}

const PREFERRED = ["app", "name", "app.kubernetes.io/name"] as const;

/**
 * The label of the target's selector that the primary gets another value for: `app`, `name` or
 * `app.kubernetes.io/name`, else the first in the order of the alphabet. Derived once and then kept in the status,
 * since selectors cannot change.
 */
export function primaryLabelOf(matchLabels: Labels | undefined): PrimaryLabel | undefined {
  const labels = matchLabels ?? {};
  const key = PREFERRED.find((name) => name in labels) ?? Object.keys(labels).sort()[0];
  const value = key === undefined ? undefined : labels[key];
  if (key === undefined || value === undefined) return undefined;
  return { key, value: withEnding(value, "-primary") };
}

/** Whether a selector with these labels selects pods that have those. */
export function selects(selector: Labels | undefined, pods: Labels): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => pods[key] === value);
}
