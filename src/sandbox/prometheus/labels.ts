/** A series' identity: label name to value, the metric's name under `__name__`. A label without a value is absent. */
export type Labels = Readonly<Record<string, string>>;

/** The label that holds the metric's name. */
export const METRIC_NAME = "__name__";

/** A text that two label sets share exactly when they are equal. */
export function labelsKey(labels: Labels): string {
  return Object.keys(labels)
    .sort()
    .map((name) => `${name}\u0001${labels[name] ?? ""}`)
    .join("\u0002");
}

/** The same identity for the given labels only; an absent label counts as an empty one. */
export function keyOf(labels: Labels, names: readonly string[]): string {
  return names.map((name) => labels[name] ?? "").join("\u0002");
}

export function pickLabels(labels: Labels, names: readonly string[]): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => names.includes(name)));
}

export function omitLabels(labels: Labels, names: readonly string[]): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !names.includes(name)));
}

/** A copy with one label set, or removed where the value is empty. */
export function withLabel(labels: Labels, name: string, value: string): Labels {
  if (value === "") return omitLabels(labels, [name]);
  return { ...labels, [name]: value };
}

/** `name{a="b"}`, as Prometheus writes a series in messages. */
export function formatLabels(labels: Labels): string {
  const pairs = Object.keys(labels)
    .filter((name) => name !== METRIC_NAME)
    .sort()
    .map((name) => `${name}=${JSON.stringify(labels[name])}`);
  return `${labels[METRIC_NAME] ?? ""}{${pairs.join(", ")}}`;
}

export function compareLabels(left: Labels, right: Labels): number {
  const [a, b] = [labelsKey(left), labelsKey(right)];
  return a < b ? -1 : a > b ? 1 : 0;
}
