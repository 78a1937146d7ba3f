import { labelsKey, type Labels } from "./labels.ts";
import { matchesAll, type Matcher } from "./matchers.ts";
import { createSeries, type Series } from "./series.ts";

/** All series by identity, and by each of their labels, so that a selector looks at few. */
export interface SeriesIndex {
  /** The series of these labels, made when it is new. Found at once for an object of labels that was given before. */
  obtain(labels: Labels): Series;
  find(matchers: readonly Matcher[]): Series[];
  remove(series: Series): void;
  all(): Series[];
}

export function createSeriesIndex(): SeriesIndex {
  const byIdentity = new Map<string, Series>();
  const byLabel = new Map<string, Set<Series>>();
  let byObject = new WeakMap<Labels, Series>();

  const add = (identity: string, labels: Labels): Series => {
    const series = createSeries(labels);
    byIdentity.set(identity, series);
    for (const pair of pairsOf(labels)) {
      const posting = byLabel.get(pair);
      if (posting === undefined) byLabel.set(pair, new Set([series]));
      else posting.add(series);
    }
    return series;
  };

  return {
    obtain: (given) => {
      const held = byObject.get(given);
      if (held !== undefined) return held;
      const labels = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ""));
      const identity = labelsKey(labels);
      const series = byIdentity.get(identity) ?? add(identity, labels);
      byObject.set(given, series);
      return series;
    },
    find: (matchers) => {
      const candidates = narrowest(matchers, byLabel) ?? byIdentity.values();
      return Array.from(candidates).filter(({ labels }) => matchesAll(labels, matchers));
    },
    remove: (series) => {
      byIdentity.delete(labelsKey(series.labels));
      byObject = new WeakMap();
      for (const pair of pairsOf(series.labels)) {
        const posting = byLabel.get(pair);
        posting?.delete(series);
        if (posting?.size === 0) byLabel.delete(pair);
      }
    },
    all: () => [...byIdentity.values()],
  };
}

/** The smallest set of series among the conditions that name one value; undefined when none does. */
function narrowest(
  matchers: readonly Matcher[],
  byLabel: ReadonlyMap<string, ReadonlySet<Series>>,
): ReadonlySet<Series> | undefined {
  let best: ReadonlySet<Series> | undefined;
  for (const { name, operator, value } of matchers) {
    if (operator !== "=" || value === "") continue;
    const posting = byLabel.get(pairKey(name, value)) ?? new Set<Series>();
    if (best === undefined || posting.size < best.size) best = posting;
  }
  return best;
}

function pairsOf(labels: Labels): string[] {
  return Object.entries(labels).map(([name, value]) => pairKey(name, value));
}

function pairKey(name: string, value: string): string {
  return `${name}\u0001${value}`;
}
