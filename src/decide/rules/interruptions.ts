import { sameShare, shareOf } from "../../api/share.ts";
import type { RolloutMemory } from "../../api/status.ts";
import { failedCheck } from "../checks/index.ts";
import { carriedShare } from "../capacity.ts";
import { canRestore, newRollout, podsTrouble, primaryHasRevision, primaryIsLate, withdraw } from "../rollout.ts";
import { elapsedMs, timestamp } from "../situation.ts";
import type { Answered, Situation } from "../situation.ts";
import { backToPrimary, keepWeight, shiftTo } from "../traffic.ts";

/** Holds everything while the Canary is suspended: the weight is kept and put back, no step is taken. */
export function honourSuspend(s: Situation): Answered | undefined {
  if (!s.canary.spec.suspend) return undefined;
  const message = "suspended: no step is taken and no rollout is started";
  const { rollout } = s;
  if (rollout === undefined) {
    const { phase, message: rest } = restingPhase(s);
    return {
      phase,
      message: `${message}; ${rest}`,
      ...(backToPrimary(s) ?? { actions: [] }),
      ...(phase === "Paused" ? { awaiting: { reason: "Suspended", message } } : {}),
    };
  }
  const awaiting = { reason: "Suspended", message };
  const moving = keepWeight(s, { phase: "Paused", rollout, message });
  return { ...(moving ?? { phase: "Paused", message, actions: [] }), awaiting };
}

function restingPhase(s: Situation): { phase: Answered["phase"]; message: string } {
  if (s.revision !== undefined && s.revision === s.memory.failed?.revision) {
    return { phase: "Failed", message: "the last revision was rolled back" };
  }
  if (s.revision !== undefined && s.revision !== s.memory.promoted?.revision) {
    return { phase: "Paused", message: `revision ${s.revision} waits` };
  }
  return { phase: "Idle", message: "the primary serves" };
}

/** Follows a target that changes in the middle of a rollout: back to weight 0 first, then its pods, then from step 1. */
export function restartOnNewRevision(s: Situation): Answered | undefined {
  const { rollout, target, revision } = s;
  if (s.canary.spec.suspend || target === undefined || !isGoingOn(rollout) || revision === rollout.revision)
    return undefined;
  // An object that is replaced is gone for a moment: what it will hold is not known yet.
  if (target.incomplete === true) return undefined;
  // The primary took the revision that was judged; whatever came later is a rollout of its own, after this one. Unless
  // the promotion does not end: then the fix needs the version before on the primary, and the canary's pods after that.
  if (primaryHasRevision(s, rollout) && !(primaryIsLate(s, rollout) && canRestore(s))) return undefined;
  const reverted = revision === s.memory.promoted?.revision;
  const rule = "restartOnNewRevision";
  if (reverted) {
    const message = `the target was put back to the promoted revision ${revision}`;
    return withdraw(s, { rollout, outcome: "Reverted", rule, message });
  }
  const message = `revision ${target.version.revision} replaces ${rollout.revision}`;
  if (rollout.exposed === true) return withdraw(s, { rollout, outcome: "Superseded", rule, message });
  // Nobody has seen the older one: several changes before the first weight are one rollout.
  return {
    phase: "Progressing",
    message,
    // A crash may have left a freeze without a weight.
    actions: target.frozen ? [{ kind: "thawTarget" }] : [],
    memory: newRollout(s, target),
    recheckAfterMs: 0,
  };
}

/** Whether there is a rollout that nobody takes back yet. What ends one is decided once, however long its end takes. */
function isGoingOn(rollout: RolloutMemory | undefined): rollout is RolloutMemory {
  return rollout !== undefined && rollout.withdrawal === undefined;
}

/** Rolls back when a check has failed. */
export function failOnChecks(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (s.canary.spec.suspend || !isGoingOn(rollout) || rollout.unjudged === true) return undefined;
  if (primaryHasRevision(s, rollout)) return undefined;
  const failed = failedCheck(s.checks);
  if (failed === undefined) return undefined;
  const message = `check ${failed.name} failed: ${failed.message}`;
  return withdraw(s, { rollout, outcome: "Failed", rule: "failOnChecks", message });
}

/** Rolls back when the canary's pods do not get ready within `progressDeadlineSeconds`. */
export function failOnDeadline(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (s.canary.spec.suspend || !isGoingOn(rollout) || rollout.waitingSince === undefined) return undefined;
  if (primaryHasRevision(s, rollout)) return undefined;
  const deadline = s.canary.spec.progressDeadlineSeconds;
  if (elapsedMs(s.now, rollout.waitingSince) < deadline * 1_000) return undefined;
  // Nobody may have looked for longer than that: what counts is whether they are ready now.
  if (carriedShare(s, rollout) !== undefined) return undefined;
  const message = `the canary's pods were not ready within ${deadline} s: ${podsTrouble(s.target)}`;
  return withdraw(s, { rollout, outcome: "Failed", rule: "failOnDeadline", message });
}

/** Freezes the canary's pods again when somebody thawed them while they have users. */
export function keepFrozen(s: Situation): Answered | undefined {
  const { rollout, target } = s;
  if (rollout === undefined || target === undefined || target.frozen) return undefined;
  // A route that nobody may look into can still lead users to them.
  const led = rollout.exposed === true && s.route.closed !== undefined;
  if ((!s.used && !led) || !sameShare(s.route, shareOf(rollout))) return undefined;
  // A newer revision takes its users away first, unless they have nowhere to go before the primary is ready.
  const alone = rollout.withdrawal?.restore === true || primaryHasRevision(s, rollout);
  if (s.revision !== rollout.revision && !alone) return undefined;
  return {
    phase: s.canary.status?.phase ?? "Progressing",
    message: "freezing the canary's pods again: they have users",
    actions: [{ kind: "freezeTarget", generation: target.generation }],
    reasserts: "Freeze",
  };
}

/** Takes users away from a canary that has no ready pod left, without waiting for any verdict. */
export function protectUsers(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined || !s.used || s.services.canary.ready > 0) return undefined;
  if (s.problem?.blocksTraffic === true) return undefined;
  if (s.services.primary.ready === 0) return undefined;
  const { returnStep: _step, ...rest } = rollout;
  return shiftTo(s, {
    phase: rollout.promoting === true ? "Promoting" : "Progressing",
    rollout: { ...rest, waitingSince: rollout.waitingSince ?? timestamp(s.now) },
    weight: 0,
    message: `no canary pod is ready: all traffic goes to the primary (${podsTrouble(s.target)})`,
  });
}

/** Holds while a person has paused the rollout. */
export function waitWhilePaused(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout?.paused === undefined || primaryHasRevision(s, rollout)) return undefined;
  const { by, reason } = rollout.paused;
  const message = `paused by ${by}${reason === undefined ? "" : `: ${reason}`}`;
  const awaiting = { reason: "PausedByRequest", message };
  const moving = keepWeight(s, { phase: "Paused", rollout, message });
  return { ...(moving ?? { phase: "Paused", message, actions: [] }), awaiting };
}
