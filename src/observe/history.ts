import { measureDispersion } from "../analysis/dispersion.ts";
import type { Count, History } from "../analysis/types.ts";
import type { Series } from "../metrics/provider.ts";

/** How far back the primary is looked at before a rollout, and in which steps. */
export const PAST = { hours: 1, range: "1h", step: "30s" } as const;

/** What fewer requests say about how failures spread is left to the rollout itself. */
const ENOUGH = { requests: 200, intervals: 20 } as const;

/** The counter over the hour before; its growth from step to step is formed here. */
export function pastQuery(counter: string): string {
  return `sum(${counter})[${PAST.range}:${PAST.step}]`;
}

/**
 * The primary in the hour before, from two counters of it. Steps in which a counter went back, since a pod went or began
 * anew, are left out. Undefined when that hour says too little.
 */
export function historyOf(total: readonly Series[], bad: readonly Series[]): History | undefined {
  const [requests, failures] = [points(total), points(bad)];
  const series: Count[] = [];
  const times = [...requests.keys()].sort((a, b) => a - b);
  times.forEach((time, index) => {
    const before = times[index - 1];
    if (before === undefined) return;
    const grown = (counter: ReadonlyMap<number, number>) => (counter.get(time) ?? 0) - (counter.get(before) ?? 0);
    const count: Count = { total: grown(requests), bad: grown(failures) };
    if (count.bad >= 0 && count.total > 0 && count.bad <= count.total) series.push(count);
  });
  const sum = series.reduce((all, { total: n, bad: k }) => ({ total: all.total + n, bad: all.bad + k }), {
    total: 0,
    bad: 0,
  });
  if (sum.total < ENOUGH.requests || series.length < ENOUGH.intervals) return undefined;
  return { count: sum, dispersion: Number(measureDispersion(series).toPrecision(4)) };
}

function points(series: readonly Series[]): ReadonlyMap<number, number> {
  return new Map(series[0]?.points ?? []);
}
