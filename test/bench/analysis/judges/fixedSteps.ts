import type { Interval } from "../../../../src/analysis/types.ts";
import type { Run } from "../world.ts";
import type { Outcome } from "./outcome.ts";

/** Weights by the clock alone; after each interval `isBad` may end the run, and at `promoteAtMinute` it is promoted. */
export function fixedSteps(
  run: Run,
  promoteAtMinute: number,
  isBad: (interval: Interval, look: number) => boolean,
): Outcome {
  const { scenario, moments } = run.world;
  let [canaryRequests, expectedBad, minute] = [0, 0, 0];
  for (let look = 0; look < moments.length; look++) {
    const step = Math.floor((look * scenario.intervalSeconds) / scenario.stepSeconds);
    const drawn = run.draw(look, scenario.weights[Math.min(step, scenario.weights.length - 1)] ?? 100);
    canaryRequests += drawn.interval.canary.requests;
    expectedBad += drawn.expectedBad;
    minute = drawn.interval.to / 60_000;
    if (isBad(drawn.interval, look)) return { end: "rolledBack", minute, canaryRequests, expectedBad };
    if (minute >= promoteAtMinute) break;
  }
  return { end: "promoted", minute, canaryRequests, expectedBad };
}
