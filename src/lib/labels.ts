import { fingerprint } from "./fingerprint.ts";

type Labels = Readonly<Record<string, string>>;

/** Labels and annotations by which GitOps tools and Helm track what they made. */
const TRACKING = [
  /^argocd\.argoproj\.io\//,
  /\.toolkit\.fluxcd\.io\//,
  /^app\.kubernetes\.io\/(instance|managed-by)$/,
  /^helm\.sh\//,
];

/** Whether a key marks what it stands on as the work of a GitOps tool or of Helm. */
export function isTrackingKey(key: string): boolean {
  return TRACKING.some((pattern) => pattern.test(key));
}

/** Whether two selectors are the same; an absent one is like no other. */
export function sameLabels(a: Labels | undefined, b: Labels | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const keys = Object.keys(b);
  return Object.keys(a).length === keys.length && keys.every((key) => a[key] === b[key]);
}

/** The label that tells pods apart with the value of those that are kept for a Rollback: `<value>-previous`. */
export function previousLabelOf({ key, value }: { readonly key: string; readonly value: string }): {
  readonly key: string;
  readonly value: string;
} {
  return { key, value: withEnding(value.replace(/-primary$/, ""), "-previous") };
}

/** Longest value of a label. */
const MAX_VALUE = 63;

/** `<value><ending>` as the value of a label. What is too long for one is told apart by a fingerprint of all of it. */
export function withEnding(value: string, ending: string): string {
  return `${cut(value, MAX_VALUE - ending.length)}${ending}`;
}

/** The name of an object as the value of a label. */
export function asLabel(name: string): string {
  return cut(name, MAX_VALUE);
}

/** A name that is too long loses its end to a fingerprint of the whole, so that two of them do not become one. */
export function cut(name: string, most: number): string {
  if (name.length <= most) return name;
  const mark = fingerprint(name);
  return `${name.slice(0, most - mark.length - 1).replace(/[._-]+$/, "")}-${mark}`;
}
