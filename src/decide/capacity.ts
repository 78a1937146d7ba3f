import { sameShare, shareOf } from "../api/share.ts";
import type { Share } from "../api/share.ts";
import type { RolloutMemory } from "../api/status.ts";
import { asksFor, fullSize, isPreview, stepPods, stepShare } from "./rollout.ts";
import type { Situation } from "./situation.ts";
import type { Action } from "./actions.ts";

/**
 * Pods that the canary needs at the current step. Without users, and at a share that it has already, its autoscaler
 * measures how many are enough.
 */
export function neededPods(situation: Situation, rollout: RolloutMemory): number {
  const pods = stepPods(situation, rollout);
  if (pods === 0 || situation.autoscaler === undefined) return pods;
  const there = situation.used && sameShare(shareOf(rollout), stepShare(situation, rollout));
  return there || isPreview(situation, rollout) ? 1 : pods;
}

/**
 * Whether the canary has the pods that the current step needs. While it gets nothing, its controller must have seen the
 * newest template, or pods of an older one would be counted. Otherwise the pods are frozen: those that answer are the
 * right ones, whatever the template says meanwhile (`kubectl rollout restart` changes it without being a release).
 */
export function hasPods(situation: Situation, rollout: RolloutMemory): boolean {
  const { target, services } = situation;
  const need = neededPods(situation, rollout);
  if (need === 0) return true;
  if (target === undefined) return false;
  if (!situation.used && (!target.settled || target.available < need)) return false;
  return services.canary.ready >= need;
}

/**
 * How much of the share of the current step the ready pods carry; undefined when that is nothing. Without an autoscaler
 * pods come as they are asked for, so it is all or nothing. With one they may be fewer for a while, or for good: it takes
 * away what has no work. So a weight goes on as far as it can, which brings the work that lets the autoscaler keep the
 * next pods.
 */
export function carriedShare(situation: Situation, rollout: RolloutMemory): Share | undefined {
  const { autoscaler, target, services, canary } = situation;
  const share = stepShare(situation, rollout);
  if (hasPods(situation, rollout)) return share;
  if (autoscaler === undefined || target === undefined || services.canary.ready === 0) return undefined;
  // These go to all of whom they are for at once, or to nobody.
  if (share.matched === true || share.mirror !== undefined || "blueGreen" in canary.spec.strategy) return undefined;
  if (!situation.used && !target.settled) return undefined;
  const carried = Math.floor((100 * services.canary.ready) / fullSize(situation));
  const weight = Math.min(share.weight, Math.max(rollout.weight, carried));
  return weight === 0 ? undefined : { weight };
}

/**
 * Whether the canary has the pods to stand in for the primary, of the revision that was judged. Pods that are frozen are
 * of that one, whatever has been applied since; those of a canary without users may not be.
 */
export function canCarry(situation: Situation, rollout: RolloutMemory): boolean {
  const { target, services, revision } = situation;
  if (target === undefined || services.canary.ready === 0) return false;
  if (rollout.weight === 100) return true;
  const judged = situation.used || target.frozen || (target.settled && revision === rollout.revision);
  return judged && services.canary.ready >= neededPods(situation, rollout);
}

/** The action that gives the canary the pods that the step needs, when it has asked for fewer. Never takes pods away. */
export function scaleUp(situation: Situation, rollout: RolloutMemory): Action | undefined {
  const { target, autoscaler } = situation;
  const need = Math.min(neededPods(situation, rollout), autoscaler?.max ?? Number.POSITIVE_INFINITY);
  if (target === undefined || asksFor(target, need)) return undefined;
  return { kind: "scaleTarget", replicas: need };
}

/** Pods that the target keeps while nothing is rolled out; a revision that was rolled back has none to waste. */
export function idleReplicas({ canary, memory, revision }: Situation): number {
  return memory.failed !== undefined && memory.failed.revision === revision ? 0 : canary.spec.idleReplicas;
}

/** Sends the target to rest. */
export function park(situation: Situation): Action {
  return { kind: "parkTarget", replicas: idleReplicas(situation) };
}

/** Whether a target without a rollout has another size than idle ones have. */
export function hasOtherSize(situation: Situation): boolean {
  const { target, autoscaler } = situation;
  if (target === undefined) return false;
  const idle = idleReplicas(situation);
  // An autoscaler that cannot be paused rules over pods that are left to it, and so do nodes.
  const measured = autoscaler !== undefined && autoscaler.paused === undefined;
  const ruled = idle > 0 && (measured || target.perNode === true);
  return ruled ? target.replicas === 0 : target.replicas !== idle;
}
