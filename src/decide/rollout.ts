import { isUsed, loadOf, shareOf } from "../api/share.ts";
import type { Share } from "../api/share.ts";
import type { HistoryEntry, RolloutMemory, RolloutOutcome } from "../api/status.ts";
import { podsForShare } from "../lib/podShare.ts";
import { clip } from "../lib/text.ts";
import { judge } from "./checks/index.ts";
import { nameOf } from "./strategy.ts";
import { elapsedMs, isWeightStep, podsFor, stepLabel, timestamp, TROUBLE_PERIOD_MS } from "./situation.ts";
import type { Answered, Situation } from "./situation.ts";
import type { Workload } from "./types.ts";

/** Begins to remember a rollout of what the target says now; nothing was asked about it yet. */
export function newRollout(situation: Situation, target: Workload) {
  const begun: RolloutMemory = {
    ...target.version,
    startedAt: timestamp(situation.now),
    strategy: nameOf(situation.canary.spec.strategy),
    step: 0,
    weight: 0,
  };
  // Pods read their configuration when they start: those that are there already hold the one before.
  const renewPods = target.configured === true && (target.replicas > 0 || !target.settled);
  const rollout: RolloutMemory = renewPods ? { ...begun, renewPods } : begun;
  return {
    rollout,
    checks: judge({ checks: situation.canary.spec.analysis.checks, previous: [], readings: {} }),
    failed: undefined,
  };
}

/** Pods that carry all of the traffic: as many as the primary has. */
export function fullSize(situation: Situation): number {
  return Math.max(1, situation.primary?.replicas ?? situation.memory.adopted?.replicas ?? 1);
}

/**
 * The size of a primary that changes. Its autoscaler has the say over it: a number that was read a moment ago may be too
 * few by now.
 */
export function primarySize(situation: Situation): { readonly replicas?: number } {
  const { autoscaler, primary } = situation;
  return autoscaler === undefined || primary === undefined ? { replicas: fullSize(situation) } : {};
}

/**
 * Pods that the canary needs at the current step, 0 for none: those that carry its share of the requests, or that are
 * the share where pods make it, and all of them for a preview.
 */
export function stepPods(situation: Situation, rollout: RolloutMemory): number {
  const full = fullSize(situation);
  if (isPreview(situation, rollout)) return full;
  const share = stepShare(situation, rollout);
  if (!isUsed(share)) return 0;
  return situation.route.byEndpoints === true ? podsForShare(share.weight, full) : podsFor(loadOf(share), full);
}

/** Whether the current step runs the new version without users. */
export function isPreview(situation: Situation, rollout: RolloutMemory): boolean {
  const step = situation.steps[currentStep(situation, rollout)];
  return rollout.promoting !== true && isWeightStep(step) && step.preview !== undefined;
}

/** Whether the primary has been changed to the rollout's revision already. */
export function primaryHasRevision(situation: Situation, rollout: RolloutMemory): boolean {
  return situation.primary?.version.revision === rollout.revision;
}

/** Whether the primary, awaited while the canary serves everyone, has not got ready within the deadline. */
export function primaryIsLate(situation: Situation, rollout: RolloutMemory): boolean {
  const { primary, services, canary, now } = situation;
  if (primary === undefined || rollout.weight < 100 || rollout.waitingSince === undefined) return false;
  if (primary.settled && services.primary.ready >= primary.replicas) return false;
  return elapsedMs(now, rollout.waitingSince) >= canary.spec.progressDeadlineSeconds * 1_000;
}

/** Whether the primary can be put back to what is promoted: it still knows that version's template. */
export function canRestore({ primary, memory }: Situation): boolean {
  return primary?.before !== undefined && primary.before === memory.promoted?.revision;
}

/** The share that the current step wants; a pause keeps the one before. */
export function stepShare(situation: Situation, rollout: RolloutMemory): Share {
  if (rollout.promoting === true) return { weight: 100 };
  const step = situation.steps[currentStep(situation, rollout)];
  return isWeightStep(step) ? shareOf({ ...step, mirror: step.mirror?.percent }) : shareOf(rollout);
}

/** Index of the current step; the last one when somebody has shortened the list. */
export function currentStep(situation: Situation, rollout: RolloutMemory): number {
  return Math.min(rollout.step, situation.steps.length - 1);
}

/** Enters a step: its hold and its checks count from when its weight is in effect, even if the weight stays the same. */
export function enterStep(rollout: RolloutMemory, step: number): RolloutMemory {
  const { effectiveSince: _effective, ...rest } = rollout;
  return { ...rest, step };
}

/** Whether a workload asks for as many pods, as far as it can choose. */
export function asksFor(workload: Workload, replicas: number): boolean {
  return workload.perNode === true ? workload.replicas > 0 : workload.replicas >= replicas;
}

interface Withdraw {
  readonly rollout: RolloutMemory;
  readonly outcome: RolloutOutcome;
  readonly rule: string;
  readonly message: string;
}

/**
 * Begins to take a rollout back: traffic first, in one write; the pods follow when they are drained. When the primary
 * runs the revision already, it gets the one before back first, while the canary serves everyone.
 */
export function withdraw(situation: Situation, { rollout, outcome, rule, message }: Withdraw): Answered {
  if (primaryHasRevision(situation, rollout)) {
    const { paused: _paused, waitingSince: _waiting, returnStep: _return, ...kept } = rollout;
    const withdrawal = { outcome, rule, message: clip(message), restore: true };
    return {
      phase: phaseOfWithdrawal(outcome),
      message,
      actions: [],
      memory: { rollout: { ...kept, withdrawal } },
      recheckAfterMs: 0,
    };
  }
  const { effectiveSince: _effective, effectBy: _by, paused: _paused, waitingSince: _waiting, ...rest } = rollout;
  const { matched: _matched, mirror: _mirror, ...unused } = rest;
  const exposed = rollout.exposed === true;
  // Rollback must not need anything but the Kubernetes API, and never routes to a primary that is not ready.
  const movable = exposed && situation.services.primary.ready > 0 && !(situation.problem?.blocksTraffic ?? false);
  return {
    phase: phaseOfWithdrawal(outcome),
    message,
    actions: movable ? [{ kind: "setWeight", weight: 0 }] : [],
    memory: {
      rollout: {
        ...(movable ? unused : rest),
        withdrawal: { outcome, rule, message: clip(message) },
        ...(movable ? { weight: 0, weightSince: timestamp(situation.now) } : {}),
      },
    },
    recheckAfterMs: 0,
  };
}

export function phaseOfWithdrawal(outcome: RolloutOutcome): Answered["phase"] {
  return outcome === "Superseded" ? "Progressing" : "RollingBack";
}

interface Ending {
  readonly rollout: RolloutMemory;
  readonly outcome: RolloutOutcome;
  readonly rule: string;
  readonly message: string;
}

/** The entry that the history keeps of a rollout that ends now. */
export function endOf(situation: Situation, { rollout, outcome, rule, message }: Ending): HistoryEntry {
  const { revision, images, release, startedAt } = rollout;
  return {
    revision,
    ...(images === undefined ? {} : { images }),
    ...(release === undefined ? {} : { release }),
    outcome,
    startedAt,
    finishedAt: timestamp(situation.now),
    weight: reachedWeight(situation, rollout),
    ...(rollout.waitedSeconds === undefined ? {} : { waitedSeconds: rollout.waitedSeconds }),
    why: { rule, message: clip(message) },
  };
}

/** The weight of the step that it had come to. */
function reachedWeight(situation: Situation, rollout: RolloutMemory): number {
  if (rollout.exposed !== true) return 0;
  if (rollout.promoting === true) return 100;
  const weights = situation.steps.slice(0, rollout.step + 1).map((step) => ("weight" in step ? step.weight : 0));
  return Math.max(0, ...weights);
}

interface Awaited {
  readonly since: string;
  readonly reason: string;
  /** What is to be told after the deadline, and what to do. */
  readonly message: string;
}

/** How a wait for pods goes on that must not end without them: after the progress deadline a person is told. */
export function waitOrTell(
  { canary, now }: Situation,
  { since, reason, message }: Awaited,
): Pick<Answered, "stalled" | "recheckAfterMs"> {
  const leftMs = canary.spec.progressDeadlineSeconds * 1_000 - elapsedMs(now, since);
  return leftMs > 0 ? { recheckAfterMs: Math.min(leftMs, TROUBLE_PERIOD_MS) } : { stalled: { reason, message } };
}

/** What to expect of a primary that is late, while others serve. */
export const GOES_ON = "Aviary goes on by itself when its pods get ready";

/** `step 2/6` for sentences. */
export function stepOf(situation: Situation, rollout: RolloutMemory): string {
  return `step ${stepLabel(rollout.step, situation.steps.length)}`;
}

/** Why pods are not ready, in the cluster's words when it said something. */
export function podsTrouble(workload: Workload | undefined): string {
  return workload?.trouble ?? `${workload?.available ?? 0} of ${workload?.replicas ?? 0} available`;
}
