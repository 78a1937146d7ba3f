import type { Point } from "../../series.ts";
import { regressionOf } from "../statistics.ts";
import {
  define,
  foldRanges,
  numberArg,
  type FunctionDefinition,
  type FunctionTable,
  type RangeInput,
} from "./definition.ts";

interface Extrapolation {
  readonly counter: boolean;
  readonly perSecond: boolean;
}

/** How counters and gauges change over a range. */
export const RATE_FUNCTIONS: FunctionTable = {
  rate: ranged((range) => extrapolated(range, { counter: true, perSecond: true })),
  increase: ranged((range) => extrapolated(range, { counter: true, perSecond: false })),
  delta: ranged((range) => extrapolated(range, { counter: false, perSecond: false })),
  irate: ranged(({ points }) => lastChange(points, { counter: true, perSecond: true })),
  idelta: ranged(({ points }) => lastChange(points, { counter: false, perSecond: false })),
  deriv: ranged(({ points }) => regressionOf(secondsFrom(points, points[0]?.timeMs ?? 0))?.slope),
  resets: ranged(({ points }) => countSteps(points, (previous, value) => value < previous)),
  changes: ranged(({ points }) => countSteps(points, differs)),
  predict_linear: define({ params: ["matrix", "scalar"] }, (input) =>
    foldRanges(input, 0, ({ points }) => {
      const line = regressionOf(secondsFrom(points, input.context.atMs));
      return line === undefined ? undefined : line.slope * numberArg(input, 1) + line.intercept;
    }),
  ),
};

function ranged(fold: (range: RangeInput) => number | undefined): FunctionDefinition {
  return define({ params: ["matrix"] }, (input) => foldRanges(input, 0, fold));
}

/**
 * Prometheus's extrapolation: the change between the first and the last sample is stretched to the ends of the range,
 * but by at most half an average sample distance at an end whose nearest sample is 1.1 distances or more away, and for
 * a counter not to before the time at which it would have been zero.
 */
function extrapolated(
  { points, startMs, endMs }: RangeInput,
  { counter, perSecond }: Extrapolation,
): number | undefined {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < 2) return undefined;
  const change = last.value - first.value + (counter ? lostToResets(points) : 0);
  const sampledSeconds = (last.timeMs - first.timeMs) / 1000;
  const distance = sampledSeconds / (points.length - 1);
  const reach = (gapSeconds: number): number => (gapSeconds >= distance * 1.1 ? distance / 2 : gapSeconds);
  let toStart = reach((first.timeMs - startMs) / 1000);
  if (counter && change > 0 && first.value >= 0) {
    toStart = Math.min(toStart, sampledSeconds * (first.value / change));
  }
  const factor = (sampledSeconds + toStart + reach((endMs - last.timeMs) / 1000)) / sampledSeconds;
  return change * (perSecond ? factor / ((endMs - startMs) / 1000) : factor);
}

/** A counter that falls has started again at zero: what it had counted before is added. */
function lostToResets(points: readonly Point[]): number {
  let lost = 0;
  for (const [index, { value }] of points.entries()) {
    const previous = points[index - 1]?.value;
    if (previous !== undefined && value < previous) lost += previous;
  }
  return lost;
}

function lastChange(points: readonly Point[], { counter, perSecond }: Extrapolation): number | undefined {
  const [previous, last] = points.slice(-2);
  if (previous === undefined || last === undefined) return undefined;
  const change = counter && last.value < previous.value ? last.value : last.value - previous.value;
  return perSecond ? change / ((last.timeMs - previous.timeMs) / 1000) : change;
}

function countSteps(points: readonly Point[], counts: (previous: number, value: number) => boolean): number {
  return points.filter(({ value }, index) => {
    const previous = points[index - 1];
    return previous !== undefined && counts(previous.value, value);
  }).length;
}

function differs(previous: number, value: number): boolean {
  return previous !== value && !(Number.isNaN(previous) && Number.isNaN(value));
}

function secondsFrom(points: readonly Point[], originMs: number): (readonly [number, number])[] {
  return points.map(({ timeMs, value }) => [(timeMs - originMs) / 1000, value]);
}
