import { conditionsFor } from "../api/conditions.ts";
import { HISTORY_LIMIT } from "../api/status.ts";
import type { CanaryStatus, Phase } from "../api/status.ts";
import { sameJson } from "../lib/json.ts";
import { clip } from "../lib/text.ts";
import { stepLabel } from "../decide/situation.ts";
import { stepsOf } from "../decide/strategy.ts";
import type { Decision, Observation } from "../decide/types.ts";

/** The status after a decision whose actions have all been performed. Pure. */
export function nextStatus(observation: Observation, decision: Decision): CanaryStatus {
  const previous = observation.canary.status ?? {};
  const { memory } = decision;
  const generation = observation.canary.metadata.generation ?? 0;
  const history = decision.ended === undefined ? previous.history : [decision.ended, ...(previous.history ?? [])];
  const status: CanaryStatus = {
    observedGeneration: generation,
    phase: decision.phase,
    weight: memory.rollout?.weight ?? 0,
    share: shareOf(observation, decision),
    step: stepOf(observation, decision),
    why: { rule: decision.rule, message: clip(decision.message) },
    target: observation.target?.version ?? previous.target,
    targets: targetsOf(observation, decision) ?? previous.targets,
    promoted: memory.promoted,
    failed: memory.failed,
    previous: memory.previous,
    rollback: memory.rollback,
    obeyed: memory.obeyed,
    primaryLabel: memory.primaryLabel,
    adopted: memory.adopted,
    autoscaler: memory.autoscaler,
    drainingSince: memory.drainingSince,
    waitingSince: memory.waitingSince,
    traffic: memory.traffic,
    contention: memory.contention?.length === 0 ? undefined : memory.contention,
    rollout: memory.rollout,
    checks: memory.checks,
    runningJobs: memory.runningJobs,
    history: history?.slice(0, HISTORY_LIMIT),
    conditions: conditionsFor({
      phase: decision.phase,
      stalled: clipped(decision.stalled),
      awaiting: clipped(decision.awaiting),
      message: clip(decision.message),
      generation,
      now: observation.now,
      previous: previous.conditions,
    }),
  };
  return withoutEmpty(status);
}

function clipped<T extends { readonly reason: string; readonly message: string }>(cause: T | undefined): T | undefined {
  return cause === undefined ? undefined : { ...cause, message: clip(cause.message) };
}

/** What pods make of the weight; it is seen by the look after the one that moved it. */
function shareOf({ route }: Observation, { memory }: Decision): number | undefined {
  return (memory.rollout?.weight ?? 0) > 0 ? route.share : undefined;
}

function stepOf({ canary }: Observation, { memory }: Decision): string | undefined {
  const { rollout } = memory;
  if (rollout === undefined) return undefined;
  const of = stepsOf(canary.spec.strategy).length;
  return stepLabel(rollout.promoting === true ? of - 1 : rollout.step, of);
}

/** A list of one, so that `kubectl wait` can filter it; generation and result stand in one write (docs/ci.md). */
function targetsOf({ canary, target }: Observation, { memory }: Decision): CanaryStatus["targets"] {
  if (target === undefined) return undefined;
  const { revision, release } = target.version;
  const result = resultOf(revision, memory);
  return [
    {
      kind: canary.spec.targetRef.kind,
      name: canary.spec.targetRef.name,
      generation: target.generation,
      revision,
      ...(release === undefined ? {} : { release }),
      ...(result === undefined ? {} : { result }),
    },
  ];
}

function resultOf(
  revision: string,
  { rollout, rollback, promoted, failed }: Decision["memory"],
): "Succeeded" | "Failed" | undefined {
  if (rollout !== undefined || rollback !== undefined) return undefined;
  if (revision === promoted?.revision) return "Succeeded";
  return revision === failed?.revision ? "Failed" : undefined;
}

function withoutEmpty(status: CanaryStatus): CanaryStatus {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== undefined));
}

/** Whether two statuses say the same, whatever the order of their keys. */
export function sameStatus(a: CanaryStatus | undefined, b: CanaryStatus): boolean {
  return sameJson(a ?? {}, b);
}

/**
 * What is new in `next` when nothing is lost as long as it is not stored: sentences (or which generation of the target
 * says the same), or a rollout that has begun and has had no traffic, which whoever comes next would begin in the same
 * way. Undefined when something is to be remembered.
 */
export function whatCanWait(stored: CanaryStatus | undefined, next: CanaryStatus): "words" | "beginning" | undefined {
  if (stored === undefined) return undefined;
  if (sameJson(withoutWords(stored), withoutWords(next))) return "words";
  const untried = next.rollout !== undefined && isUntried(stored) && isUntried(next);
  return untried && sameJson(withoutBeginning(stored), withoutBeginning(next)) ? "beginning" : undefined;
}

/** No rollout, or one whose pods are on their way. */
function isUntried({ phase, rollout, rollback }: CanaryStatus): boolean {
  if (rollback !== undefined) return false;
  if (rollout === undefined) return phase === "Idle" || phase === "Succeeded" || phase === "Failed";
  return phase === "Progressing" && rollout.weightSince === undefined && rollout.weight === 0;
}

function withoutWords(status: CanaryStatus): CanaryStatus {
  const { why: _why, targets, conditions, ...rest } = status;
  return {
    ...rest,
    ...(targets === undefined ? {} : { targets: targets.map((target) => ({ ...target, generation: 0 })) }),
    ...(conditions === undefined ? {} : { conditions: conditions.map((held) => ({ ...held, message: "" })) }),
  };
}

function withoutBeginning(status: CanaryStatus): CanaryStatus {
  const { phase: _phase, step: _step, rollout: _rollout, checks: _checks, ...rest } = status;
  const { why: _why, target: _target, targets: _targets, conditions: _conditions, ...kept } = rest;
  return kept;
}

/** Phases in which somebody should look. */
export function isWarning(phase: Phase, stalled: boolean): boolean {
  return stalled || phase === "Failed" || phase === "RollingBack";
}
