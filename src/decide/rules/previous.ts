import type { RolloutMemory } from "../../api/status.ts";
import { podsTrouble, primaryHasRevision } from "../rollout.ts";
import { durationOf, elapsedMs, timestamp, TROUBLE_PERIOD_MS } from "../situation.ts";
import type { Answered, Situation } from "../situation.ts";
import type { Memory } from "../types.ts";

/** A rollout whose next step is the change of the primary, where the version before is to be kept. */
function keeping(s: Situation): RolloutMemory | undefined {
  const { rollout, primary } = s;
  if (s.canary.spec.keepPreviousFor === undefined || primary === undefined) return undefined;
  if (rollout?.promoting !== true || primaryHasRevision(s, rollout)) return undefined;
  return rollout;
}

/** Whether the pods are there that are to be kept of what the primary runs. */
function isKept({ previous, primary, services }: Situation): boolean {
  return previous !== undefined && previous.version.revision === primary?.version.revision && services.previous.exists;
}

/** Makes pods of the version before that live on, before the primary changes. */
export function keepPrevious(s: Situation): Answered | undefined {
  const rollout = keeping(s);
  const { primary } = s;
  if (rollout === undefined || primary === undefined || isKept(s)) return undefined;
  const { revision } = primary.version;
  return {
    phase: "Promoting",
    message: `keeping revision ${revision} on ${primary.replicas} pods of its own for a Rollback`,
    actions: [{ kind: "keepPrevious", replicas: primary.replicas, revision }],
    memory: { previous: undefined, rollout: { ...rollout, keepingSince: timestamp(s.now) } },
  };
}

/** Waits until the kept pods are ready, so that a Rollback finds them; not for ever, since the canary was judged good. */
export function waitForPrevious(s: Situation): Answered | undefined {
  const rollout = keeping(s);
  if (rollout === undefined || previousReady(s)) return undefined;
  const since = rollout.keepingSince ?? timestamp(s.now);
  const left = s.canary.spec.progressDeadlineSeconds * 1_000 - elapsedMs(s.now, since);
  if (left <= 0) return undefined;
  return {
    phase: "Promoting",
    message: `waiting for the pods of the version before, which are kept: ${podsTrouble(s.previous)}`,
    actions: [],
    memory: { rollout: { ...rollout, keepingSince: since } },
    recheckAfterMs: Math.min(left, TROUBLE_PERIOD_MS),
  };
}

/** Whether the kept pods could serve everyone. */
export function previousReady({ previous, services }: Situation): boolean {
  return previous?.settled === true && previous.replicas > 0 && services.previous.ready >= previous.replicas;
}

/** What a promotion warns of: nothing, or that a Rollback would not find what it needs. */
export function lackOfPrevious(s: Situation): Pick<Answered, "warning"> {
  if (keeping(s) === undefined || previousReady(s)) return {};
  const message = `the primary changes although the pods of the version before are not ready: ${podsTrouble(s.previous)}`;
  return { warning: { reason: "PreviousNotReady", message } };
}

/** What is remembered of the kept pods from a promotion on. */
export function noteKept(s: Situation): Pick<Memory, "previous"> {
  const { keepPreviousFor } = s.canary.spec;
  const { previous, memory } = s;
  if (keepPreviousFor === undefined || previous?.version.revision !== memory.promoted?.revision) {
    return { previous: undefined };
  }
  const until = timestamp(s.now + durationOf(keepPreviousFor));
  return previous === undefined ? { previous: undefined } : { previous: { ...previous.version, until } };
}

/** Milliseconds for which the pods of the version before are kept from now on; 0 when they are not. */
export function keptForMs(s: Situation): number {
  const until = s.memory.previous?.until;
  if (until === undefined || s.canary.spec.keepPreviousFor === undefined) return 0;
  return Math.max(0, Date.parse(until) - s.now);
}

/** Lets the pods of the version before go when their time has ended. */
export function dropPrevious(s: Situation): Answered | undefined {
  const { previous, services, memory } = s;
  if (s.rollout !== undefined || keptForMs(s) > 0) return undefined;
  if (previous === undefined && !services.previous.exists && memory.previous === undefined) return undefined;
  return {
    phase: s.canary.status?.phase ?? "Idle",
    message: "the pods of the version before are kept no longer",
    actions: [{ kind: "deletePrevious" }],
    memory: { previous: undefined },
    recheckAfterMs: 0,
  };
}
