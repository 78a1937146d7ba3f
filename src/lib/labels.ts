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
  const own = value.replace(/-primary$/, "");
  return { key, value: `${own.slice(0, 63 - "-previous".length)}-previous` };
}
