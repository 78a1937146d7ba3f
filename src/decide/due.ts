import { isJudged } from "../api/checks/index.ts";
import { durationOf } from "./situation.ts";
import type { Situation } from "./situation.ts";
import { isAsked } from "./strategy.ts";
import { nextTile } from "./tile.ts";

/** Crash loops should not wait for the next reading of the metrics: pods are looked at at least so often. */
export const PODS_PERIOD_MS = 10_000;

/** Milliseconds until a check is due again. One that is due now is being asked: its answer wakes us. */
export function nextReadingMs(s: Situation): number {
  const full = durationOf(s.canary.spec.analysis.interval);
  if (s.checks.length === 0 || s.rollout?.effectiveSince === undefined) return full;
  const tile = nextTile({ ...s.canary, status: { ...s.canary.status, rollout: s.rollout } }, s.now);
  const tileMs = tile === undefined ? [] : [tile.dueAt > s.now ? tile.dueAt - s.now : full];
  const judged = s.canary.spec.analysis.checks.filter(isJudged).map(({ name }) => name);
  const read = s.checks.filter(({ name }) => !judged.includes(name));
  const pods = s.canary.spec.analysis.checks.find((check) => "pods" in check)?.name;
  const dues = read.map((check) => {
    const interval = check.name === pods ? Math.min(PODS_PERIOD_MS, full) : full;
    const last = Math.max(Date.parse(check.lastReading ?? "") || 0, Date.parse(s.rollout?.effectiveSince ?? ""));
    const due = last + interval - s.now;
    return due > 0 ? due : interval;
  });
  return Math.min(...tileMs, ...dues, tileMs.length + dues.length === 0 ? full : Infinity);
}

/** When to look again where somebody else is waited for: checks are asked meanwhile. */
export function waiting(s: Situation): { recheckAfterMs?: number } {
  const { rollout } = s;
  const asked = rollout !== undefined && s.checks.some((check) => isAsked(s.steps, rollout, check));
  return asked ? { recheckAfterMs: nextReadingMs(s) } : {};
}
