import { isUsed, sameShare } from "../../api/share.ts";
import type { RolloutMemory } from "../../api/status.ts";
import { bringIntoEffect, shiftTo } from "../traffic.ts";
import { elapsedMs, timestamp } from "../situation.ts";
import type { Answered, Situation } from "../situation.ts";
import { park } from "../capacity.ts";
import { endOf, newRollout, phaseOfWithdrawal } from "../rollout.ts";

/** Takes the traffic of a withdrawn rollout back to the primary, and waits until that is in effect. */
export function withdrawTraffic(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout?.withdrawal === undefined || rollout.exposed !== true) return undefined;
  const { outcome, message } = rollout.withdrawal;
  const phase = phaseOfWithdrawal(outcome);
  if (s.problem?.blocksTraffic === true) return undefined;
  if (s.route.byEndpoints === true && !s.services.apex.exists) {
    return { phase, message: "putting the apex Service back", actions: [{ kind: "ensureServices" }] };
  }
  if (s.services.primary.ready === 0) {
    return {
      phase,
      message: "the traffic stays on the canary: the primary has no ready pod to take it",
      actions: [],
      stalled: { reason: "PrimaryNotReady", message: s.primary?.trouble ?? "the primary has no ready pod" },
    };
  }
  return waitForGrant(s, { phase, rollout, message }) ?? bringIntoEffect(s, { phase, rollout, weight: 0, message });
}

type Withdrawing = Pick<Parameters<typeof shiftTo>[1], "phase" | "rollout" | "message">;

/**
 * Moves the routes that it may, and keeps the pods of a canary to which another one may still lead users, since Aviary
 * must not touch that one any more. When it may again, its weight is written, and waited for, from the beginning.
 */
function waitForGrant(s: Situation, { phase, rollout, message }: Withdrawing): Answered | undefined {
  const { route, problem } = s;
  if (route.closed === undefined) return undefined;
  if (!sameShare(route, { weight: 0 }) || !route.uniform) return shiftTo(s, { phase, rollout, weight: 0, message });
  const { effectiveSince: _effective, effectBy: _by, weightSince: _since, ...rest } = rollout;
  const [leads, its] = route.closed.length === 1 ? ["leads", "its"] : ["lead", "their"];
  const sentence = `the other routes are back on the primary, but ${route.closed.join(" and ")} still ${leads} users to the canary, whose pods stay: Aviary may not touch ${its} weights any more`;
  const hint = problem === undefined ? "" : `. ${problem.message}. ${problem.hint}`;
  return {
    phase,
    message: sentence,
    actions: [],
    memory: { rollout: rest },
    stalled: { reason: "RouteNotGranted", message: `${sentence}${hint}` },
    recheckAfterMs: GRANT_PERIOD_MS,
  };
}

/** How often to look whether somebody has given a grant back, in milliseconds. */
const GRANT_PERIOD_MS = 15_000;

/** Waits for the requests that the canary's pods still work on. */
export function drainWithdrawn(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout?.withdrawal === undefined || rollout.exposed !== true || !isWithdrawn(rollout)) return undefined;
  const left = s.drainMs - elapsedMs(s.now, rollout.effectiveSince);
  if (left <= 0) return undefined;
  return {
    phase: phaseOfWithdrawal(rollout.withdrawal.outcome),
    message: `${rollout.withdrawal.message}; draining the canary`,
    actions: [],
    recheckAfterMs: left,
  };
}

/** Whether it is in effect that nobody is led to the canary. While the primary is put back, everyone is. */
function isWithdrawn(rollout: RolloutMemory): boolean {
  return rollout.effectiveSince !== undefined && !isUsed(rollout);
}

/** Ends a withdrawn rollout; its pods go, or take the next revision. */
export function finishWithdrawal(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout?.withdrawal === undefined) return undefined;
  // Somebody is still behind it: what keeps the traffic from being moved is told by `refuseInvalid`.
  if (rollout.exposed === true && !isWithdrawn(rollout)) return undefined;
  const { outcome, rule, message } = rollout.withdrawal;
  const ended = endOf(s, { rollout, outcome, rule, message });
  const why = { rule, message };
  switch (outcome) {
    case "Superseded":
      return finishSuperseded(s, ended);
    case "Failed": {
      const { revision, images, release } = rollout;
      const version = {
        revision,
        ...(images === undefined ? {} : { images }),
        ...(release === undefined ? {} : { release }),
      };
      return {
        phase: "Failed",
        message,
        actions: [park(s)],
        memory: { rollout: undefined, failed: { ...version, time: timestamp(s.now), why } },
        ended,
        recheckAfterMs: 0,
      };
    }
    case "Reverted":
    case "Succeeded":
    case "Skipped":
      return {
        phase: "Idle",
        message,
        actions: [park(s)],
        memory: { rollout: undefined, failed: undefined },
        ended,
        recheckAfterMs: 0,
      };
  }
}

function finishSuperseded(s: Situation, ended: NonNullable<Answered["ended"]>): Answered {
  if (s.target === undefined || s.revision === s.memory.promoted?.revision) {
    return {
      phase: "Idle",
      message: "the target was put back to the promoted revision",
      actions: [park(s)],
      memory: { rollout: undefined, failed: undefined },
      ended: { ...ended, outcome: "Reverted" },
      recheckAfterMs: 0,
    };
  }
  return {
    phase: "Progressing",
    message: `revision ${s.target.version.revision} follows: starting from the first step`,
    actions: [{ kind: "thawTarget" }],
    memory: newRollout(s, s.target),
    ended,
    recheckAfterMs: 0,
  };
}
