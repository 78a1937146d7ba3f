import type { Canary, SaturationCheck } from "../api/canary.ts";
import { isJudged } from "../api/checks/index.ts";
import { parseDuration } from "../lib/time.ts";
import { durationOf, isWeightStep } from "./situation.ts";
import type { Situation } from "./situation.ts";
import { isAsked, stepsOf } from "./strategy.ts";
import { nextTile } from "./tile.ts";

/** Crash loops should not wait for the next reading of the metrics: pods are looked at at least so often. */
const PODS_PERIOD_MS = 10_000;

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

/**
 * When pods are looked at next, in milliseconds since the Unix epoch. At a new weight that is not at once: their first
 * requests tell more than the moment before, and when hundreds of canaries get their first weight, the API server has
 * other things to do. It is not later than the step's hold, which waits for a look.
 */
export function podsDueAt({ spec, status }: Canary, lastReading: string | undefined): number {
  const { effectiveSince, step = 0 } = status?.rollout ?? {};
  const period = podsPeriodMs(parseDuration(spec.analysis.interval));
  const since = Date.parse(effectiveSince ?? "") || 0;
  const last = Date.parse(lastReading ?? "") || 0;
  if (last >= since) return last + period;
  const current = stepsOf(spec.strategy)[step];
  return since + (isWeightStep(current) ? Math.min(period, parseDuration(current.hold)) : 0);
}

function podsPeriodMs(interval: number): number {
  return Math.min(PODS_PERIOD_MS, interval);
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
    if (known === undefined) return [];
    if ("pods" in check) return [until(podsDueAt(canary, known.lastReading), podsPeriodMs(interval))];
    const last = Math.max(Date.parse(known.lastReading ?? "") || 0, effective);
    return [until(last + interval, interval)];
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
