import { errorComparison } from "../analysis/settings.ts";
import type { Canary, JudgedCheck } from "../api/canary.ts";
import { isJudged } from "../api/checks/index.ts";
import { isUsed } from "../api/share.ts";
import { parseDuration } from "../lib/time.ts";
import type { Signalled } from "./taken.ts";

/** Names what one test of a check looks at. */
export function streamKey(check: string, signal: Signalled): string {
  return `${check}/${signal}`;
}

/** What a check looks at, given whose metrics it reads; `latency` says whether they hold latencies. */
export function signalsOf(check: JudgedCheck, latency: boolean): readonly Signalled[] {
  if ("slo" in check) return ["Objective"];
  const { counters, signals } = check.comparison;
  if (counters !== undefined) return ["Counters"];
  return signals ?? (latency ? ["Errors", "Latency"] : ["Errors"]);
}

/** The next stretch of time in which both versions are counted; all in milliseconds since the Unix epoch. */
export interface NextTile {
  readonly from: number;
  readonly to: number;
  /** When it can be asked for. */
  readonly dueAt: number;
}

/** Tiles end at multiples of so many milliseconds, so that those of many canaries end together. */
const GRID_MS = 10_000;
/** Time that nobody asked about is caught up with as far as so many intervals. */
const MOST_INTERVALS = 10;

/**
 * The next tile of a rollout: as long as the interval, or several of them when nobody could ask meanwhile, with the same
 * weight all through. After a change of weight, what is left of the one before comes first. Undefined while nothing is to
 * be counted.
 */
export function nextTile(canary: Canary, now: number): NextTile | undefined {
  const { spec, status, metadata } = canary;
  const rollout = status?.rollout;
  if (rollout === undefined || rollout.withdrawal !== undefined || !isUsed(rollout)) return undefined;
  if (rollout.unjudged === true || metadata.deletionTimestamp !== undefined) return undefined;
  if (!spec.analysis.checks.some(isJudged)) return undefined;
  const interval = parseDuration(spec.analysis.interval);
  const delay = parseDuration(spec.analysis.metricsDelay);
  const past = (moment = "") => (Date.parse(moment) <= now ? Date.parse(moment) : 0);
  // A question that failed is asked again, and no more often than any other.
  const again = past(rollout.judging?.asked) + 0.9 * interval;
  const tile = (from: number, to: number): NextTile => ({
    from: Math.max(from, to - MOST_INTERVALS * interval),
    to,
    dueAt: Math.max(to + delay, again),
  });
  const grid = Math.min(GRID_MS, interval);
  const until = past(rollout.judging?.until);
  const left = Math.floor(past(rollout.weightSince) / grid) * grid;
  if (until > 0 && left - until >= grid) return tile(until, left);
  if (rollout.effectiveSince === undefined) return undefined;
  const begin = Math.max(Math.ceil(past(rollout.effectiveSince) / grid) * grid, until);
  const intervals = Math.max(1, Math.floor((now - delay - begin) / interval));
  return tile(begin, begin + intervals * interval);
}

/** How long a canary has to have been counted before its first step is over: the first half minute says nothing. */
export function firstCountedMs({ spec }: Canary): number {
  return WARM_UP_MS + parseDuration(spec.analysis.interval);
}

/** Errors of so long after the first weight belong to the change of the route, and are forgiven. */
const WARM_UP_MS = errorComparison.warmUpMs;
