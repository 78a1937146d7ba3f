import type { ArmInterval } from "../../../../src/analysis/types.ts";
import { percentile } from "../percentile.ts";
import type { Run } from "../world.ts";
import { fixedSteps } from "./fixedSteps.ts";
import type { Outcome } from "./outcome.ts";

/** The shift interval's confidence is 0.98; half of the rest on each side. */
const CRITICAL = 2.3263478740408408;
const TOLERANCE = 0.25;
/** Points of each arm before the first look, where it looks repeatedly. */
const FEWEST = 6;

interface Series {
  readonly canary: number[];
  readonly primary: number[];
}

/**
 * Kayenta's Mann-Whitney judge, our own port from a description of NetflixACAJudge: one point of each arm an interval
 * for the error percentage and the p99. High in either metric is a score of 50, below the usual 75, so it rolls back.
 */
function kayenta(run: Run, promoteAtMinute: number, looksAt: (look: number, minute: number) => boolean): Outcome {
  const errors: Series = { canary: [], primary: [] };
  const slow: Series = { canary: [], primary: [] };
  return fixedSteps(run, promoteAtMinute, ({ canary, primary, to }, look) => {
    add(errors.canary, errorPercent(canary));
    add(errors.primary, primary && errorPercent(primary));
    add(slow.canary, p99(canary));
    add(slow.primary, primary && p99(primary));
    return looksAt(look, to / 60_000) && (isHigh(errors) || isHigh(slow));
  });
}

/** Looks at every interval from the sixth on, and promotes at the very end. */
export function kayentaPeek(run: Run): Outcome {
  return kayenta(run, run.world.scenario.maxMinutes, (look) => look + 1 >= FEWEST);
}

/** Looks once, when the steps are over. */
export function kayentaEnd(run: Run): Outcome {
  const end = run.world.scenario.minMinutes;
  return kayenta(run, end, (_, minute) => minute >= end);
}

function errorPercent({ requests, errors = 0 }: ArmInterval): number | undefined {
  return requests === 0 ? undefined : (100 * errors) / requests;
}

function p99({ requests, latency }: ArmInterval): number | undefined {
  return latency === undefined ? undefined : percentile(latency, requests, 0.99);
}

/** Keeps the values in order; an interval without requests has none (NaN strategy "remove"). */
function add(values: number[], value: number | undefined): void {
  if (value === undefined) return;
  let at = values.length;
  while (at > 0 && (values[at - 1] ?? 0) > value) at--;
  values.splice(at, 0, value);
}

/** Class High: the interval of the shift lies above a quarter of its estimate, and the mean has not fallen. */
export function isHigh({ canary, primary }: Series): boolean {
  if (canary.length === 0 || primary.length === 0) return false;
  if (mean(canary) < mean(primary) || isTrivial(canary, primary)) return false;
  // z falls as the shift grows: where it is not critical a little below 0, the interval's lower end is below 0 as well,
  // and need not be sought. Not at 0 itself, where equal values make it jump and the search's own accuracy tells.
  const overlap = (canary[0] ?? 0) <= (primary.at(-1) ?? 0);
  if (overlap && zOfShift(canary, primary, -0.01, true) <= CRITICAL) return false;
  const estimate = shiftAt(canary, primary, 0);
  return shiftAt(canary, primary, CRITICAL) > TOLERANCE * Math.abs(estimate);
}

function isTrivial(canary: readonly number[], primary: readonly number[]): boolean {
  const first = canary[0];
  const isConstant = (values: readonly number[]) => values[0] === values.at(-1);
  if (isConstant(canary) && isConstant(primary) && primary[0] === first) return true;
  return canary.length === primary.length && canary.every((value, index) => value === primary[index]);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * The shift of the canary at which z is `critical`: for 0 Hodges and Lehmann's estimate, else the interval's lower end.
 * It is sought between the smallest and the largest difference, and the smallest one when z never gets so high.
 */
function shiftAt(canary: readonly number[], primary: readonly number[], critical: number): number {
  const low = (canary[0] ?? 0) - (primary.at(-1) ?? 0);
  const high = (canary.at(-1) ?? 0) - (primary[0] ?? 0);
  return rootOf((shift) => zOfShift(canary, primary, shift, critical !== 0) - critical, low, high);
}

/** Brent's root search to 1e-4, in the form of Brent 1973; an end when the function does not change its sign. */
function rootOf(f: (x: number) => number, low: number, high: number): number {
  let [a, b, fa, fb] = [low, high, f(low), f(high)];
  if (fa <= 0) return low;
  if (fb >= 0) return high;
  let [c, fc, step, last] = [a, fa, b - a, b - a];
  for (let round = 0; round < 100; round++) {
    if (Math.abs(fc) < Math.abs(fb)) [a, b, c, fa, fb, fc] = [b, c, b, fb, fc, fb];
    const accuracy = 2 * Number.EPSILON * Math.abs(b) + 0.5e-4;
    const half = (c - b) / 2;
    if (Math.abs(half) <= accuracy || fb === 0) return b;
    [step, last] = nextStep({ a, b, c, fa, fb, fc, half, accuracy, last, step });
    [a, fa] = [b, fb];
    b += Math.abs(step) > accuracy ? step : Math.sign(half) * accuracy;
    fb = f(b);
    if (fb > 0 === fc > 0) [c, fc, step, last] = [a, fa, b - a, b - a];
  }
  return b;
}

interface Bracket {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly fa: number;
  readonly fb: number;
  readonly fc: number;
  readonly half: number;
  readonly accuracy: number;
  readonly last: number;
  readonly step: number;
}

/** By interpolation while that converges, else by halves. */
function nextStep({ a, b, c, fa, fb, fc, half, accuracy, last, step }: Bracket): [number, number] {
  if (Math.abs(last) < accuracy || Math.abs(fa) <= Math.abs(fb)) return [half, half];
  const s = fb / fa;
  const [q, r] = [fa / fc, fb / fc];
  let [p, divisor] =
    a === c ? [2 * half * s, 1 - s] : [s * (2 * half * q * (q - r) - (b - a) * (r - 1)), (q - 1) * (r - 1) * (s - 1)];
  if (p > 0) divisor = -divisor;
  p = Math.abs(p);
  const isGood = 2 * p < Math.min(3 * half * divisor - Math.abs(accuracy * divisor), Math.abs(last * divisor));
  return isGood ? [p / divisor, step] : [half, half];
}

/** The Mann-Whitney statistic of the canary moved down by `shift` as z, corrected for ties and, if asked, continuity. */
function zOfShift(canary: readonly number[], primary: readonly number[], shift: number, corrected: boolean): number {
  const [m, n] = [canary.length, primary.length];
  const { wins, ties } = rankSum(canary, primary, shift);
  const distance = wins - (m * n) / 2;
  const all = m + n;
  const spread = Math.sqrt(((m * n) / 12) * (all + 1 - ties / (all * (all - 1))));
  return spread === 0 ? 0 : (distance - (corrected ? Math.sign(distance) * 0.5 : 0)) / spread;
}

/** Pairs in which the moved canary's value is higher (a tie is half a pair), and Σ(t³−t) over the ties; both are sorted. */
function rankSum(canary: readonly number[], primary: readonly number[], shift: number): { wins: number; ties: number } {
  let [wins, ties, i, j] = [0, 0, 0, 0];
  while (i < canary.length || j < primary.length) {
    const x = i < canary.length ? (canary[i] ?? 0) - shift : Infinity;
    const y = j < primary.length ? (primary[j] ?? 0) : Infinity;
    const value = Math.min(x, y);
    let [sameCanary, samePrimary] = [0, 0];
    while (i < canary.length && (canary[i] ?? 0) - shift === value) [i, sameCanary] = [i + 1, sameCanary + 1];
    const below = j;
    while (j < primary.length && primary[j] === value) [j, samePrimary] = [j + 1, samePrimary + 1];
    wins += sameCanary * (below + samePrimary / 2);
    const tied = sameCanary + samePrimary;
    ties += tied ** 3 - tied;
  }
  return { wins, ties };
}
