import type { Labels, LabelSelector } from "./objects.ts";

/** Whether `labels` satisfy a selector. An absent or empty selector matches everything. */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  if (!matchesLabels(selector?.matchLabels, labels)) return false;
  return (selector?.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels?.[key];
    switch (operator) {
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
    }
  });
}

/** Whether `labels` hold every pair of a plain selector, as a Service has one. */
export function matchesLabels(selector: Labels | undefined, labels: Labels | undefined): boolean {
  return Object.entries(selector ?? {}).every(([key, value]) => labels?.[key] === value);
}

/** The values that a selector names: who has none of them is not selected by them. */
export function valuesIn(selector: LabelSelector | undefined): readonly string[] {
  const listed = (selector?.matchExpressions ?? []).flatMap(({ operator, values }) =>
    operator === "In" ? (values ?? []) : [],
  );
  return [...Object.values(selector?.matchLabels ?? {}), ...listed];
}
