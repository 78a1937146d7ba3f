import type { Labels } from "./labels.ts";

export interface Point {
  readonly timeMs: number;
  readonly value: number;
}

/** Left-open as in Prometheus 3: a sample at `afterMs` is outside, one at `untilMs` inside. */
export interface TimeWindow {
  readonly afterMs: number;
  readonly untilMs: number;
}

/** One series' samples in the order of time. */
export interface Series {
  readonly labels: Labels;
  append(timeMs: number, value: number | "stale"): boolean;
  points(window: TimeWindow): Point[];
  /** The newest sample in the window, none if that is a staleness marker. */
  latest(window: TimeWindow): Point[];
  /** Forgets samples at or before a time; answers how many are left. */
  dropUntil(timeMs: number): number;
}

export function createSeries(labels: Labels): Series {
  const times: number[] = [];
  const values: number[] = [];
  // Numbers in JavaScript have one NaN, so Prometheus's special NaN for staleness is kept beside the values.
  const stale = new Set<number>();
  const pointAt = (index: number): Point | undefined => {
    const [timeMs, value] = [times[index], values[index]];
    return timeMs === undefined || value === undefined || stale.has(timeMs) ? undefined : { timeMs, value };
  };
  const read = (from: number, to: number): Point[] => {
    const points: Point[] = [];
    for (let index = from; index < to; index++) {
      const point = pointAt(index);
      if (point !== undefined) points.push(point);
    }
    return points;
  };

  return {
    labels,
    append: (timeMs, value) => {
      if (timeMs <= (times.at(-1) ?? -Infinity)) return false;
      times.push(timeMs);
      values.push(value === "stale" ? NaN : value);
      if (value === "stale") stale.add(timeMs);
      return true;
    },
    points: ({ afterMs, untilMs }) => read(countUntil(times, afterMs), countUntil(times, untilMs)),
    latest: ({ afterMs, untilMs }) => {
      const last = countUntil(times, untilMs) - 1;
      return last >= countUntil(times, afterMs) ? read(last, last + 1) : [];
    },
    dropUntil: (timeMs) => {
      const gone = countUntil(times, timeMs);
      for (const time of times.splice(0, gone)) stale.delete(time);
      values.splice(0, gone);
      return times.length;
    },
  };
}

/** How many of the ascending times are at or before the given one. */
function countUntil(times: readonly number[], timeMs: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? Infinity) <= timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
