import { isUsed } from "../../api/share.ts";
import { elapsedMs, isLeaving, timestamp } from "../situation.ts";
import type { Answered, Situation } from "../situation.ts";
import { park } from "../capacity.ts";
import { asksFor, podsTrouble, waitOrTell } from "../rollout.ts";
import type { Action } from "../actions.ts";
import { effectOf, shiftTo } from "../traffic.ts";
import { FINALIZER } from "../../lib/names.ts";
import { pointWithFeed } from "./adoption.ts";
import { carriersGo } from "./inPlace.ts";

/*
 * Deletion hands back in the reverse order of adoption, and as carefully:
 *
 *   route 100/0 ─▶ canary drained ─▶ target: promoted template, the primary's size, ready ─▶ apex and primary
 *   Service point at the target ─▶ route released ─▶ drained ─▶ autoscaler goes on ─▶ copies and primary deleted
 *   ─▶ finalizer gone
 */

const phase = "Terminating";

/** Lets go at once where there is nothing to hand back, or nobody to hand it to. */
export function letGo(s: Situation): Answered | undefined {
  if (!isLeaving(s)) return undefined;
  const nothing = s.canary.metadata.finalizers?.includes(FINALIZER) !== true;
  if (nothing) return { phase, message: "being deleted", actions: [], statusStays: true };
  // The leaf Services alone change nothing for anybody, unless the target's pods answer through them.
  const unused = !s.services.primary.exists || s.services.canary.ready === 0;
  const untouched = s.memory.promoted === undefined && s.primary === undefined && unused;
  if (!s.namespaceTerminating && !untouched) return undefined;
  const message = untouched ? "nothing was adopted" : "the namespace is being deleted";
  const made: readonly Action[] = untouched ? [{ kind: "removeCompanions" }, ...copiesGo(s)] : [];
  return { phase, message, actions: [...made, { kind: "removeFinalizer" }] };
}

/** Nobody names the copies of the configuration when the primary is gone. */
function copiesGo({ copies }: Situation): Action[] {
  return copies === undefined || copies.held.length === 0 ? [] : [{ kind: "removeCopies", which: "all" }];
}

/** Forgets what was being drained for another reason, and who was listed for a primary that changed in place. */
export function beginHandBack(s: Situation): Answered | undefined {
  if (!isLeaving(s) || s.canary.status?.phase === phase) return undefined;
  const message = "handing the traffic back";
  return { phase, message, actions: carriersGo(s), memory: { drainingSince: undefined }, recheckAfterMs: 0 };
}

/** The way back leads through the leaf Services: puts them back when somebody deleted them. */
export function repairForHandBack(s: Situation): Answered | undefined {
  if (!isLeaving(s) || s.target === undefined || s.memory.promoted === undefined) return undefined;
  if (s.services.primary.exists && s.services.canary.exists) return undefined;
  return { phase, message: "putting the Services back", actions: [{ kind: "ensureServices" }] };
}

/** Takes the canary's traffic back to the primary. */
export function moveTrafficToPrimary(s: Situation): Answered | undefined {
  if (!isLeaving(s) || s.memory.promoted === undefined || s.services.primary.selects === "target") return undefined;
  // Nobody can be moved, or to nobody: the target is handed back where its users are.
  const movable = s.route.weight !== undefined && s.problem?.blocksTraffic !== true;
  if (!movable || s.services.primary.ready === 0) return undefined;
  if (s.route.byEndpoints === true && (!s.services.apex.exists || isRestored(s))) return undefined;
  const exposed = s.rollout?.exposed === true;
  const since = s.used ? undefined : s.rollout?.weightSince;
  const effect = effectOf(s, { weight: 0 }, since);
  // A crash may have lost the note of when the weight was written: it is written, and noted, again.
  if (effect.state === "differs" || (exposed && since === undefined)) {
    const message = "the primary takes all traffic";
    return s.rollout === undefined
      ? { phase, message, actions: [{ kind: "setWeight", weight: 0 }] }
      : shiftTo(s, { phase, rollout: s.rollout, weight: 0, message });
  }
  if (effect.state === "pending") {
    return {
      phase,
      message: `waiting for weight 0: ${effect.message}`,
      actions: [],
      recheckAfterMs: effect.recheckAfterMs,
    };
  }
  const left = exposed ? s.settleMs + s.drainMs - elapsedMs(s.now, since) : 0;
  if (left <= 0) return undefined;
  return { phase, message: "draining the canary", actions: [], recheckAfterMs: left };
}

/** The target's pods are what the primary's are, so that the apex Service may be pointed at them. */
function isRestored({ target, primary }: Situation): boolean {
  return target?.frozen === false && primary?.version.revision === target.version.revision;
}

/** Ends with the primary as it serves, where that is wanted, or nothing else is left. */
export function leaveAsItIs(s: Situation): Answered | undefined {
  if (!isLeaving(s)) return undefined;
  const gone = s.target === undefined;
  if (!gone && (s.canary.spec.onDelete !== "Keep" || !servesAlone(s))) return undefined;
  const used = isUsed(s.route) || s.route.closed !== undefined;
  return {
    phase,
    message: `${gone ? "the target is gone" : "onDelete is Keep"}: the primary goes on serving`,
    actions: [
      ...(gone || used ? [] : [park(s)]),
      ...dropped(s),
      // Nobody would keep its list of pods current any more.
      { kind: "stopFeed", service: "apex" },
      { kind: "removeFinalizer" },
    ],
  };
}

/** Before the end of the adoption, and once a Service was handed back, the primary does not have everyone. */
function servesAlone({ memory, services: { apex, primary } }: Situation): boolean {
  return memory.promoted !== undefined && apex.selects !== "target" && primary.selects !== "target";
}

/** Pods that are kept for a Rollback go with the Canary, unless they serve. */
function dropped({ previous, services }: Situation): Action[] {
  const serves = services.primary.selects === "previous" || services.apex.selects === "previous";
  return serves || (previous === undefined && !services.previous.exists) ? [] : [{ kind: "deletePrevious" }];
}

/** Gives the target the promoted template and the primary's size, and waits until it is ready. */
export function restoreTarget(s: Situation): Answered | undefined {
  const { target, primary } = s;
  if (!isLeaving(s) || target === undefined) return undefined;
  // What the primary runs was judged; in the middle of a Rollback the kept pods serve. Before the end of the adoption the
  // target still serves by itself.
  const away = s.memory.rollback !== undefined && s.services.primary.selects !== "primary";
  const serving = away ? s.previous : primary;
  const judged = s.memory.promoted === undefined ? undefined : serving?.version.revision;
  const differs = judged !== undefined && target.version.revision !== judged;
  // Only the template is ours to put back: the configuration that it refers to is the user's.
  const holdsOther = differs && (away || target.sameTemplate !== true);
  const least = s.memory.promoted === undefined ? target.replicas : 1;
  // Somebody who scaled the primary to 0 did not mean the target, which is to serve everyone now.
  const served = primary?.replicas === 0 ? undefined : primary?.replicas;
  const size = served ?? s.memory.adopted?.replicas ?? least;
  // Where it slept for want of work there has to be somebody for the switch.
  const replicas = s.autoscaler === undefined ? size : Math.min(Math.max(1, size), s.autoscaler.max);
  if (target.frozen || !asksFor(target, replicas) || holdsOther) {
    const template = !holdsOther ? "keep" : serving === primary ? "promoted" : "previous";
    return {
      phase,
      message: holdsOther
        ? `the target holds revision ${target.version.revision}; it gets the promoted ${judged} and ${replicas} replicas`
        : `scaling the target to ${replicas}${differs ? `; ${(target.changed ?? []).join(", ")} is not what was promoted` : ""}`,
      actions: [{ kind: "restoreTarget", replicas, template }],
      memory: { waitingSince: s.memory.waitingSince ?? timestamp(s.now) },
    };
  }
  const enough = target.perNode === true ? target.replicas : replicas;
  if (target.settled && s.services.canary.ready >= enough) return undefined;
  const trouble = podsTrouble(target);
  // A crash may have lost the moment: the clock then starts now.
  const waitingSince = s.memory.waitingSince ?? timestamp(s.now);
  return {
    phase,
    message: `waiting for the target: ${trouble}`,
    actions: [],
    memory: { waitingSince },
    ...waitOrTell(s, { since: waitingSince, reason: "TargetNotReady", message: `${trouble}. ${wayOn(s)}` }),
  };
}

function wayOn(s: Situation): string {
  const way = "Make room for the target's pods, or bring back what they start with; Aviary goes on by itself then";
  if (!servesAlone(s)) return way;
  return `The primary goes on serving. ${way}. Or set spec.onDelete to Keep: the Canary then goes, and the primary stays`;
}

/** Points the apex Service back at the target. */
export function switchApexBack(s: Situation): Answered | undefined {
  if (!isLeaving(s)) return undefined;
  return pointWithFeed(s, { service: "apex", at: "target", from: "canary", phase });
}

/** Points the primary Service, which the route names, at the target. */
export function switchPrimaryBack(s: Situation): Answered | undefined {
  if (!isLeaving(s)) return undefined;
  return pointWithFeed(s, { service: "primary", at: "target", from: "canary", phase });
}

/** Takes Aviary's marks off the route and waits for the primary's last requests. */
export function releaseRoute(s: Situation): Answered | undefined {
  if (!isLeaving(s)) return undefined;
  const { drainingSince } = s.memory;
  if (drainingSince === undefined) {
    return {
      phase,
      message: "the target serves; draining the primary",
      actions: s.problem?.blocksTraffic === true ? [] : [{ kind: "releaseRoute" }],
      memory: { drainingSince: timestamp(s.now) },
      recheckAfterMs: s.settleMs + s.drainMs,
    };
  }
  const left = s.settleMs + s.drainMs - elapsedMs(s.now, drainingSince);
  if (left <= 0) return undefined;
  return { phase, message: "the target serves; draining the primary", actions: [], recheckAfterMs: left };
}

/** Ends the hand-back. */
export function finishHandBack(s: Situation): Answered | undefined {
  if (!isLeaving(s)) return undefined;
  return {
    phase,
    message: "handed back to the target",
    actions: [
      ...dropped(s),
      { kind: "resumeAutoscaler" },
      { kind: "removeCompanions" },
      { kind: "deletePrimary" },
      ...copiesGo(s),
      { kind: "removeFinalizer" },
    ],
  };
}
