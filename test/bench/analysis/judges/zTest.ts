import type { Run } from "../world.ts";
import { fixedSteps } from "./fixedSteps.ts";
import type { Outcome } from "./outcome.ts";

/** One-sided at 0.01. */
const CRITICAL = 2.326;
const SLOW_MS = 250;

interface Sums {
  canary: number;
  canaryBad: number;
  primary: number;
  primaryBad: number;
}

/** What is written first: a pooled two-proportion z-test on all counts so far, at every look, for errors and for slow ones. */
export function zTest(run: Run): Outcome {
  const errors: Sums = { canary: 0, canaryBad: 0, primary: 0, primaryBad: 0 };
  const slow: Sums = { canary: 0, canaryBad: 0, primary: 0, primaryBad: 0 };
  return fixedSteps(run, run.world.scenario.maxMinutes, ({ canary, primary }) => {
    const slowIn = (arm: typeof canary | undefined) => {
      const index = arm?.latency?.edges.indexOf(SLOW_MS) ?? -1;
      return (arm?.requests ?? 0) - (arm?.latency?.counts[index] ?? 0);
    };
    for (const sums of [errors, slow]) {
      sums.canary += canary.requests;
      sums.primary += primary?.requests ?? 0;
    }
    errors.canaryBad += canary.errors ?? 0;
    errors.primaryBad += primary?.errors ?? 0;
    slow.canaryBad += slowIn(canary);
    slow.primaryBad += slowIn(primary);
    return isWorse(errors) || isWorse(slow);
  });
}

function isWorse({ canary, canaryBad, primary, primaryBad }: Sums): boolean {
  if (canary === 0 || primary === 0) return false;
  const pooled = (canaryBad + primaryBad) / (canary + primary);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / canary + 1 / primary));
  return error > 0 && (canaryBad / canary - primaryBad / primary) / error > CRITICAL;
}
