import type { Scenario } from "./scenario.ts";
import { buildWorld } from "./world.ts";

/** Bad requests that a canary which is neither held nor ended would have from the first weight to the very end. */
export function expectedBadOf(scenario: Scenario, rps: number): number {
  const { moments } = buildWorld(scenario, rps);
  let total = 0;
  moments.forEach((moment, look) => {
    const step = Math.floor((look * scenario.intervalSeconds) / scenario.stepSeconds);
    const weight = scenario.weights[Math.min(step, scenario.weights.length - 1)] ?? 100;
    const bad = moment.canary.reduce((sum, part) => sum + part.share * part.errorRate, 0);
    total += (moment.requests * weight * bad) / 100;
  });
  return total;
}
