import { historyFrom, PAST } from "../analysis/past.ts";
import type { Count, History } from "../analysis/types.ts";
import type { Series } from "../metrics/provider.ts";

/** What fewer requests say about how failures spread is left to the rollout itself. */
const ENOUGH = { requests: 200, intervals: 20 } as const;

/** The counter over the hours before; its growth from step to step is formed here. */
export function pastQuery(counter: string): string {
  return `sum(${counter})[${PAST.hours}h:${PAST.stepSeconds}s]`;
}

/**
 * The primary in the hours before, from two counters of it. Steps in which a counter went back, since a pod went or began
 * anew, are left out. Undefined when they say too little.
 */
export function historyOf(total: readonly Series[], bad: readonly Series[]): History | undefined {
  const [served, failures] = [points(total), points(bad)];
  const series: Count[] = [];
  const times = [...served.keys()].sort((a, b) => a - b);
  times.forEach((time, index) => {
    const before = times[index - 1];
    if (before === undefined) return;
    const grown = (counter: ReadonlyMap<number, number>) => (counter.get(time) ?? 0) - (counter.get(before) ?? 0);
    const count: Count = { total: grown(served), bad: grown(failures) };
    if (count.bad >= 0 && count.total > 0 && count.bad <= count.total) series.push(count);
  });
  const history = historyFrom(series);
  const requests = (history.long ?? history.count).total;
  return requests < ENOUGH.requests || series.length < ENOUGH.intervals ? undefined : history;
}

function points(series: readonly Series[]): ReadonlyMap<number, number> {
  return new Map(series[0]?.points ?? []);
}
