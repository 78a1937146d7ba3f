import type { ArmInterval } from "../../../../src/analysis/types.ts";
import { percentile } from "../percentile.ts";
import type { Run } from "../world.ts";
import type { Outcome } from "./outcome.ts";

const FEWEST_GOOD = 0.99;
const SLOWEST_MS = 500;
const THRESHOLD = 5;

/**
 * Flagger's rule: each minute the canary's share of good requests in the last 60 s is to be at least 99 % and its p99
 * in the last 30 s at most 500 ms. A failed check holds the weight; the fifth failed one rolls back. No values is a
 * failed check.
 */
export function flagger(run: Run): Outcome {
  const { scenario, moments } = run.world;
  const perTick = Math.max(1, Math.round(60 / scenario.intervalSeconds));
  let [step, failures, canaryRequests, expectedBad] = [0, 0, 0, 0];
  for (let look = 0; look + perTick <= moments.length; look += perTick) {
    const drawn = Array.from({ length: perTick }, (_, index) => run.draw(look + index, scenario.weights[step] ?? 100));
    const arms = drawn.map(({ interval }) => interval.canary);
    canaryRequests += arms.reduce((sum, { requests }) => sum + requests, 0);
    expectedBad += drawn.reduce((sum, each) => sum + each.expectedBad, 0);
    const minute = ((look + perTick) * scenario.intervalSeconds) / 60;
    if (isGood(arms)) {
      if (step === scenario.weights.length - 1) return { end: "promoted", minute, canaryRequests, expectedBad };
      step++;
    } else if (++failures >= THRESHOLD) return { end: "rolledBack", minute, canaryRequests, expectedBad };
  }
  return { end: "undecided", minute: scenario.maxMinutes, canaryRequests, expectedBad };
}

function isGood(arms: readonly ArmInterval[]): boolean {
  const requests = arms.reduce((sum, arm) => sum + arm.requests, 0);
  const errors = arms.reduce((sum, arm) => sum + (arm.errors ?? 0), 0);
  const newest = arms.at(-1);
  const p99 = newest?.latency === undefined ? undefined : percentile(newest.latency, newest.requests, 0.99);
  if (requests === 0 || p99 === undefined) return false;
  return 1 - errors / requests >= FEWEST_GOOD && p99 <= SLOWEST_MS;
}
