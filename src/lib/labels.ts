type Labels = Readonly<Record<string, string>>;

/** Whether two selectors are the same; an absent one is like no other. */
export function sameLabels(a: Labels | undefined, b: Labels | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const keys = Object.keys(b);
  return Object.keys(a).length === keys.length && keys.every((key) => a[key] === b[key]);
}
