import type { Canary, SaturationCheck } from "../api/canary.ts";
import { isJudged } from "../api/checks/index.ts";
import { parseDuration } from "../lib/time.ts";
import { durationOf } from "./situation.ts";
import type { Situation } from "./situation.ts";
import { isAsked } from "./strategy.ts";
import { nextTile } from "./tile.ts";

/** Crash loops should not wait for the next reading of the metrics: pods are looked at at least so often. */
export const PODS_PERIOD_MS = 10_000;

/** How often the check is asked that nobody wrote, at most. */
const STANDING_PERIOD_MS = 60_000;
/** Moments at which canaries are asked about together lie so far apart. */
const GRID_MS = 10_000;

/** A rate needs some scrapes, and kubelets are scraped every half minute. */
const LEAST_WINDOW_MS = 120_000;
/** What looks back further is not waited for. */
const LONGEST_WAIT_MS = 300_000;

/** How full containers are: how often that is asked, and over how long; in milliseconds. */
export function saturationTimes({ spec }: Canary, { byDefault }: SaturationCheck) {
  const interval = parseDuration(spec.analysis.interval);
  const periodMs = byDefault === true ? Math.max(STANDING_PERIOD_MS, interval) : interval;
  return { periodMs, windowMs: Math.max(LEAST_WINDOW_MS, periodMs) };
}

/**
 * When that is asked next, in milliseconds since the Unix epoch: not before its window holds nothing of the version
 * before. A check that somebody wrote is asked anew at each weight.
 */
export function saturationDueAt(canary: Canary, check: SaturationCheck, lastReading: string | undefined): number {
  const { effectiveSince = "", firstWeightAt = effectiveSince } = canary.status?.rollout ?? {};
  const { periodMs, windowMs } = saturationTimes(canary, check);
  const last = Date.parse(lastReading ?? "") || 0;
  const from = check.byDefault === true ? last : Math.max(last, Date.parse(effectiveSince));
  const first = Date.parse(firstWeightAt) + Math.min(windowMs, LONGEST_WAIT_MS);
  return onGrid(canary, Math.max(from + periodMs, first), Math.ceil);
}

/** A moment of the grid by which canaries are asked about together: the last one, or the next from then on. */
export function onGrid({ spec }: Canary, moment: number, round: (value: number) => number): number {
  const grid = Math.min(GRID_MS, parseDuration(spec.analysis.interval));
  return round(moment / grid) * grid;
}

/** Milliseconds until a check is due again. One that is due now is being asked: its answer wakes us. */
export function nextReadingMs(s: Situation): number {
  const interval = durationOf(s.canary.spec.analysis.interval);
  if (s.checks.length === 0 || s.rollout?.effectiveSince === undefined) return interval;
  const canary = { ...s.canary, status: { ...s.canary.status, rollout: s.rollout } };
  const effective = Date.parse(s.rollout.effectiveSince);
  const until = (due: number, period: number) => (due > s.now ? due - s.now : period);
  const tile = nextTile(canary, s.now);
  const waits = s.canary.spec.analysis.checks.flatMap((check): readonly number[] => {
    const known = s.checks.find(({ name }) => name === check.name);
    if (isJudged(check)) return [];
    if ("saturation" in check) {
      return [until(saturationDueAt(canary, check, known?.lastReading), saturationTimes(canary, check).periodMs)];
    }
    const period = "pods" in check ? Math.min(PODS_PERIOD_MS, interval) : interval;
    const last = Math.max(Date.parse(known?.lastReading ?? "") || 0, effective);
    return known === undefined ? [] : [until(last + period, period)];
  });
  const all = [...waits, ...(tile === undefined ? [] : [until(tile.dueAt, interval)])];
  return all.length === 0 ? interval : Math.min(...all);
}

/** When to look again where somebody else is waited for: checks are asked meanwhile. */
export function waiting(s: Situation): { recheckAfterMs?: number } {
  const { rollout } = s;
  const asked = rollout !== undefined && s.checks.some((check) => isAsked(s.steps, rollout, check));
  return asked ? { recheckAfterMs: nextReadingMs(s) } : {};
}
