import type { Step, Strategy, WeightStep } from "../api/canary.ts";
import { isUsed } from "../api/share.ts";
import type { RolloutMemory, StrategyName } from "../api/status.ts";
import { parseDuration } from "../lib/time.ts";
import type { Demand } from "../routers/router.ts";

/**
 * The steps by which a strategy brings a new version to its users; at least one. Everything that walks, counts or shows
 * steps asks here, so that a strategy is one more way to write them down.
 */
export function stepsOf(strategy: Strategy): readonly Step[] {
  if ("canary" in strategy) return strategy.canary.steps;
  if ("abTest" in strategy) return [{ weight: 0, hold: strategy.abTest.hold, matched: true }];
  const { preview, pause, hold } = strategy.blueGreen;
  const before: WeightStep = { weight: 0, hold: preview?.hold ?? "0s", preview: { checks: preview?.checks ?? [] } };
  return [before, ...(pause === undefined ? [] : [{ pause }]), { weight: 100, hold }];
}

/** The key of a strategy below `spec.strategy`. */
export function nameOf(strategy: Strategy): StrategyName {
  if ("canary" in strategy) return "canary";
  return "abTest" in strategy ? "abTest" : "blueGreen";
}

/** Whether a check is asked in a rollout: all with users, before them those that the preview names. */
export function isAsked(steps: readonly Step[], rollout: RolloutMemory, check: { readonly name: string }): boolean {
  if (isUsed(rollout)) return true;
  // A pause keeps what the step before it is.
  const standing = steps.slice(0, rollout.step + 1).findLast((step) => "weight" in step);
  return standing?.preview?.checks.includes(check.name) === true;
}

/** What a strategy asks of the router beside weights; `revision` is that of the rollout. */
export function demandOf(strategy: Strategy, revision = ""): Demand {
  const weights = stepsOf(strategy).flatMap((step) => ("weight" in step ? step.weight : []));
  const sticky = "canary" in strategy ? strategy.canary.sessionAffinity : undefined;
  return {
    matches: "abTest" in strategy ? strategy.abTest.match : [],
    mirrors: stepsOf(strategy).flatMap((step) => ("weight" in step && step.mirror !== undefined ? [step.mirror] : [])),
    ...(sticky === undefined
      ? {}
      : {
          affinity: {
            cookie: sticky.cookieName,
            maxAgeSeconds: Math.ceil(parseDuration(sticky.maxAge) / 1_000),
            revision,
            weights,
          },
        }),
  };
}

/** The steps by which the traffic returns to the primary after it has changed; none: in one go. */
export function returnStepsOf(strategy: Strategy): readonly WeightStep[] {
  return "canary" in strategy ? strategy.canary.returnSteps : [];
}
