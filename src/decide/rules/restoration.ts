import type { RolloutMemory, Withdrawal } from "../../api/status.ts";
import { canCarry, neededPods } from "../capacity.ts";
import { annotations } from "../../lib/names.ts";
import type { Action } from "../actions.ts";
import {
  canRestore,
  GOES_ON,
  phaseOfWithdrawal,
  podsTrouble,
  primaryHasRevision,
  primarySize,
  waitOrTell,
} from "../rollout.ts";
import { elapsedMs, timestamp } from "../situation.ts";
import type { Answered, Situation } from "../situation.ts";
import { bringIntoEffect, waitUntilKnown, withFrozenPods } from "../traffic.ts";
import { waitForCarriers } from "./inPlace.ts";

/*
 * A promotion is taken back while the canary, the only good copy, serves everyone:
 *
 *   route 0/100 ─▶ primary drained ─▶ primary: the version before ─▶ ready ─▶ route 100/0, as in every withdrawal
 *
 * Only then do the canary's pods leave, or take the fix.
 */

type Restoring = RolloutMemory & { readonly withdrawal: Withdrawal };

function restoring({ rollout }: Situation): Restoring | undefined {
  return rollout?.withdrawal?.restore === true ? { ...rollout, withdrawal: rollout.withdrawal } : undefined;
}

/** Takes everyone back to the canary, before a primary that has the withdrawn revision changes again. */
export function leavePrimary(s: Situation): Answered | undefined {
  const rollout = restoring(s);
  if (rollout === undefined || !primaryHasRevision(s, rollout) || s.problem?.blocksTraffic === true) return undefined;
  if (!canCarry(s, rollout)) return waitForCarryingCanary(s, rollout);
  const phase = phaseOfWithdrawal(rollout.withdrawal.outcome);
  const { waitingSince: _waiting, ...ready } = rollout;
  const message = `${rollout.withdrawal.message}; the canary serves everyone while the primary is put back`;
  const moving = bringIntoEffect(s, { phase, rollout: ready, weight: 100, message });
  if (moving !== undefined) return withFrozenPods(s, moving);
  const left = s.drainMs - elapsedMs(s.now, rollout.effectiveSince);
  return left <= 0 ? undefined : { phase, message, actions: [], recheckAfterMs: left };
}

/** Without a canary that can carry everyone, the primary serves as well as it can until there is one. */
function waitForCarryingCanary(s: Situation, rollout: Restoring): Answered {
  const { canary, primary } = s.services;
  const phase = phaseOfWithdrawal(rollout.withdrawal.outcome);
  const waiting = { ...rollout, waitingSince: rollout.waitingSince ?? timestamp(s.now) };
  const trouble = `${canary.ready} of ${neededPods(s, rollout)} canary pods ready (${podsTrouble(s.target)})`;
  const message = `${rollout.withdrawal.message}; the primary is put back when the canary can serve everyone: ${trouble}`;
  const alone = canary.ready === 0 && primary.ready > 0;
  const moving = alone ? bringIntoEffect(s, { phase, rollout: waiting, weight: 0, message }) : undefined;
  return {
    phase,
    message,
    actions: [],
    memory: { rollout: waiting },
    ...waitOrTell(s, { since: waiting.waitingSince, reason: "CanaryNotReady", message: `${trouble}. ${WAY_ON}` }),
    ...moving,
  };
}

const WAY_ON =
  "Nobody leaves the primary before: make room for these pods (a quota, a node, the maximum of an autoscaler), or bring back what they start with; Aviary goes on by itself then";

/** Gives the primary the version before back, while the canary serves everyone. */
export function restorePrimary(s: Situation): Answered | undefined {
  const rollout = restoring(s);
  const { promoted } = s.memory;
  if (rollout === undefined || promoted === undefined || !primaryHasRevision(s, rollout)) return undefined;
  if (s.problem?.blocksTraffic === true) return undefined;
  const { revision } = promoted;
  const phase = phaseOfWithdrawal(rollout.withdrawal.outcome);
  const action = wayBack(s, revision);
  if (action === undefined) {
    const lost = `what revision ${revision} was is noted on the primary no longer (annotation ${annotations.before})`;
    const hint = `put the target back to revision ${revision}, and Aviary makes the primary from it`;
    const message = `${rollout.withdrawal.message}; the canary serves everyone: ${lost}`;
    return { phase, message, actions: [], stalled: { reason: "VersionBeforeLost", message: `${lost}; ${hint}` } };
  }
  const carriers = waitForCarriers(s, phase);
  if (carriers !== undefined) return carriers;
  return {
    phase,
    message: `${rollout.withdrawal.message}; the primary goes back to revision ${revision}`,
    actions: [action],
    memory: { rollout: { ...rollout, waitingSince: timestamp(s.now) } },
  };
}

/** From where the primary can have the promoted revision: what it notes itself, the pods that are kept, or the target. */
function wayBack(s: Situation, revision: string): Action | undefined {
  const { target, previous } = s;
  if (canRestore(s) || previous?.version.revision === revision) return { kind: "restorePrimary", revision };
  if (target?.version.revision !== revision || target.incomplete === true) return undefined;
  return { kind: "ensurePrimary", ...primarySize(s), revision };
}

/** Keeps everyone on the canary until the primary is ready with the version before. */
export function waitForRestoredPrimary(s: Situation): Answered | undefined {
  const rollout = restoring(s);
  const { primary } = s;
  if (rollout === undefined || primary === undefined || rollout.weight === 0) return undefined;
  if (s.problem?.blocksTraffic === true) return undefined;
  // Nobody is behind the canary any more: whoever answers for the primary is better.
  if (s.services.canary.ready === 0 && s.services.primary.ready > 0) return undefined;
  const { message } = rollout.withdrawal;
  const phase = phaseOfWithdrawal(rollout.withdrawal.outcome);
  if (primary.settled && s.services.primary.ready >= primary.replicas) {
    return waitUntilKnown(s, { phase, rollout, message: `${message}; the data plane gets to know the primary's pods` });
  }
  const kept = bringIntoEffect(s, { phase, rollout, weight: rollout.weight, message });
  if (kept !== undefined) return kept;
  const trouble = podsTrouble(primary);
  // A crash may have lost the moment: the clock then starts now.
  const since = rollout.waitingSince ?? timestamp(s.now);
  const { podsReadySince: _ready, ...unready } = rollout;
  return {
    phase,
    message: `${message}; the canary serves everyone until the primary is ready with the version before: ${trouble}`,
    actions: [],
    memory: { rollout: { ...unready, waitingSince: since } },
    ...waitOrTell(s, { since, reason: "PrimaryNotReady", message: `${trouble}; ${GOES_ON}` }),
  };
}
