import type { RollbackMemory } from "../../api/status.ts";
import { clip } from "../../lib/text.ts";
import { GOES_ON, podsTrouble, waitOrTell } from "../rollout.ts";
import { elapsedMs, timestamp, TROUBLE_PERIOD_MS } from "../situation.ts";
import type { Answered, Situation } from "../situation.ts";
import { pointWithFeed } from "./adoption.ts";
import { previousReady } from "./previous.ts";

/*
 * A promoted version is taken back while the pods of the one before are kept:
 *
 *   apex and primary Service: the kept pods ─▶ primary drained ─▶ primary: the version before ─▶ ready
 *   ─▶ apex and primary Service: the primary ─▶ kept pods drained, and gone
 *
 * The Services change hands with both sets of pods listed, as at adoption. How far it has come is seen in the cluster.
 */

const phase = "RollingBack";

/** Whether the primary runs the version before again. */
function isBack({ primary }: Situation, { to }: RollbackMemory): boolean {
  return primary?.version.revision === to.revision;
}

function noneMoved({ services }: Situation): boolean {
  return services.apex.selects !== "previous" && services.primary.selects !== "previous";
}

function drained(s: Situation, rollback: RollbackMemory, message: string): Answered | undefined {
  const wait = s.settleMs + s.drainMs;
  const left = rollback.drainingSince === undefined ? wait : wait - elapsedMs(s.now, rollback.drainingSince);
  if (left <= 0) return undefined;
  const drainingSince = rollback.drainingSince ?? timestamp(s.now);
  return { phase, message, actions: [], memory: { rollback: { ...rollback, drainingSince } }, recheckAfterMs: left };
}

/** Keeps the weight at 0 while the promoted version is taken back: the canary has no pods. */
export function keepCanaryOut(s: Situation): Answered | undefined {
  const { rollback } = s.memory;
  if (rollback === undefined || s.problem?.blocksTraffic === true || s.services.primary.ready === 0) return undefined;
  // Where the apex Service is the route, this moves it on purpose.
  if (s.route.byEndpoints === true || (s.route.weight === 0 && s.route.uniform)) return undefined;
  return { phase, message: rollback.message, actions: [{ kind: "setWeight", weight: 0 }] };
}

/** Gives a Rollback up whose kept pods are lost before anybody was sent to them: the primary serves on. */
export function giveUpRollback(s: Situation): Answered | undefined {
  const { rollback } = s.memory;
  if (rollback === undefined || isBack(s, rollback) || !noneMoved(s) || previousReady(s)) return undefined;
  const trouble = s.previous === undefined ? "somebody deleted them" : podsTrouble(s.previous);
  const left = s.canary.spec.progressDeadlineSeconds * 1_000 - elapsedMs(s.now, rollback.startedAt);
  if (left > 0 && s.previous !== undefined) {
    const message = `${rollback.message}; waiting for the pods of revision ${rollback.to.revision}: ${trouble}`;
    return { phase, message, actions: [], recheckAfterMs: Math.min(left, TROUBLE_PERIOD_MS) };
  }
  return {
    phase: "Idle",
    message: `the Rollback is given up, the primary serves on: the kept pods are not ready (${trouble})`,
    actions: [],
    memory: { rollback: undefined },
    recheckAfterMs: 0,
  };
}

/** Points the Services at the kept pods of the version before: they are added first, then the selector moves. */
export function switchToPrevious(s: Situation): Answered | undefined {
  const { rollback } = s.memory;
  if (rollback === undefined || isBack(s, rollback)) return undefined;
  if (s.services.previous.ready === 0) {
    const back = answersAlone(s) && !noneMoved(s) ? pointBack(s) : undefined;
    if (back !== undefined) return back;
    const trouble = podsTrouble(s.previous);
    const message = `no kept pod is ready (${trouble}); the Services stay where they are until one is`;
    return { phase, message, actions: [], stalled: { reason: "PreviousNotReady", message: trouble } };
  }
  const to = { at: "previous", from: "previous", phase } as const;
  return pointWithFeed(s, { service: "apex", ...to }) ?? pointWithFeed(s, { service: "primary", ...to });
}

/** Waits for the requests that the primary still works on, before it is rolled back. */
export function drainForRollback(s: Situation): Answered | undefined {
  const { rollback } = s.memory;
  if (rollback === undefined || isBack(s, rollback)) return undefined;
  return drained(s, rollback, `revision ${rollback.to.revision} serves everyone; draining the primary`);
}

/** Rolls the primary back beneath, while the kept pods serve everyone. */
export function rollPrimaryBack(s: Situation): Answered | undefined {
  const { rollback } = s.memory;
  if (rollback === undefined || isBack(s, rollback) || s.primary === undefined) return undefined;
  const { drainingSince: _drained, ...rest } = rollback;
  return {
    phase,
    message: `the primary goes back to revision ${rollback.to.revision}`,
    actions: [{ kind: "restorePrimary", revision: rollback.to.revision }],
    memory: { rollback: { ...rest, waitingSince: timestamp(s.now) } },
  };
}

/** Leaves everyone on the kept pods until the primary is ready with the version before. */
export function waitForRolledBack(s: Situation): Answered | undefined {
  const { rollback } = s.memory;
  const { primary } = s;
  if (rollback === undefined) return undefined;
  if ((primary?.settled === true && primary.replicas > 0) || answersAlone(s)) return undefined;
  const trouble = podsTrouble(primary);
  // A crash may have lost the moment, and with it that the first drain is over.
  const { drainingSince: _drained, ...rest } = rollback;
  const since = rollback.waitingSince ?? timestamp(s.now);
  return {
    phase,
    message: `the kept pods serve everyone until the primary is ready with revision ${rollback.to.revision}: ${trouble}`,
    actions: [],
    memory: { rollback: { ...rest, waitingSince: since } },
    ...waitOrTell(s, { since, reason: "PrimaryNotReady", message: `${trouble}; ${GOES_ON}` }),
  };
}

/** Points the Services at the primary again, with the kept pods listed beside it until it is known. */
export function switchFromPrevious(s: Situation): Answered | undefined {
  return s.memory.rollback === undefined ? undefined : pointBack(s);
}

function pointBack(s: Situation): Answered | undefined {
  const to = { at: "primary", from: "previous", phase } as const;
  return pointWithFeed(s, { service: "primary", ...to }) ?? pointWithFeed(s, { service: "apex", ...to });
}

/** The kept pods are lost, and the primary has some that are ready: whatever they run is better than nobody. */
function answersAlone({ services, primary }: Situation): boolean {
  return services.previous.ready === 0 && (primary?.available ?? 0) > 0;
}

/** Waits for the requests that the kept pods still work on. */
export function drainPrevious(s: Situation): Answered | undefined {
  const { rollback } = s.memory;
  if (rollback === undefined) return undefined;
  return drained(s, rollback, "the primary serves everyone; draining the kept pods");
}

/** Ends a Rollback: the revision counts as failed, so that Git's copy of it is not rolled out again by itself. */
export function finishRollback(s: Situation): Answered | undefined {
  const { rollback } = s.memory;
  if (rollback === undefined) return undefined;
  const { to, revision, images, release, message, startedAt } = rollback;
  const taken = {
    revision,
    ...(images === undefined ? {} : { images }),
    ...(release === undefined ? {} : { release }),
  };
  const now = timestamp(s.now);
  const why = { rule: "finishRollback", message: clip(message) };
  const pinned = s.revision === revision;
  return {
    phase: pinned ? "Failed" : "Idle",
    message,
    actions: [{ kind: "deletePrevious" }],
    memory: {
      rollback: undefined,
      previous: undefined,
      promoted: { ...to, time: now },
      failed: { ...taken, time: now, why },
    },
    ended: { ...taken, outcome: "Failed", startedAt, finishedAt: now, weight: 100, why },
    recheckAfterMs: 0,
  };
}
