import type { ArmInterval } from "../../../../src/analysis/types.ts";
import { percentile } from "../percentile.ts";
import type { Run } from "../world.ts";
import type { Outcome } from "./outcome.ts";

const FEWEST_GOOD = 0.99;
const SLOWEST_MS = 500;
const THRESHOLD = 5;

/** What one check finds of the canary's requests; undefined where there is no value. */
export interface Found {
  /** Share of good requests, 0 to 1. */
  readonly good: number | undefined;
  readonly p99Ms: number | undefined;
}

/** Checks of one rollout so far. */
export interface Ticks {
  readonly passed: number;
  readonly failed: number;
  readonly end?: "promoted" | "rolledBack";
}

/**
 * Flagger's rule for one check more: at least 99 % of the canary's requests are good and their p99 is at most 500 ms,
 * else it has failed, and so it has without values. A good check goes a step further, a failed one holds the weight, and
 * the fifth failed one of a rollout rolls back.
 */
export function tick({ passed, failed }: Ticks, { good, p99Ms }: Found, steps: number): Ticks {
  const isGood = good !== undefined && p99Ms !== undefined && good >= FEWEST_GOOD && p99Ms <= SLOWEST_MS;
  const after = isGood ? { passed: passed + 1, failed } : { passed, failed: failed + 1 };
  if (after.failed >= THRESHOLD) return { ...after, end: "rolledBack" };
  return after.passed >= steps ? { ...after, end: "promoted" } : after;
}

/** Flagger looks each minute: at the errors of the last 60 s, and at the latencies of the last interval. */
export function flagger(run: Run): Outcome {
  const { scenario, moments } = run.world;
  const perTick = Math.max(1, Math.round(60 / scenario.intervalSeconds));
  let [canaryRequests, expectedBad] = [0, 0];
  let ticks: Ticks = { passed: 0, failed: 0 };
  for (let look = 0; look + perTick <= moments.length; look += perTick) {
    const weight = scenario.weights[ticks.passed] ?? 100;
    const drawn = Array.from({ length: perTick }, (_, index) => run.draw(look + index, weight));
    const arms = drawn.map(({ interval }) => interval.canary);
    canaryRequests += arms.reduce((sum, { requests }) => sum + requests, 0);
    expectedBad += drawn.reduce((sum, each) => sum + each.expectedBad, 0);
    const minute = ((look + perTick) * scenario.intervalSeconds) / 60;
    ticks = tick(ticks, foundIn(arms), scenario.weights.length);
    if (ticks.end !== undefined) return { end: ticks.end, minute, canaryRequests, expectedBad };
  }
  return { end: "undecided", minute: scenario.maxMinutes, canaryRequests, expectedBad };
}

function foundIn(arms: readonly ArmInterval[]): Found {
  const requests = arms.reduce((sum, arm) => sum + arm.requests, 0);
  const errors = arms.reduce((sum, arm) => sum + (arm.errors ?? 0), 0);
  const newest = arms.at(-1);
  return {
    good: requests === 0 ? undefined : 1 - errors / requests,
    p99Ms: newest?.latency === undefined ? undefined : percentile(newest.latency, newest.requests, 0.99),
  };
}
