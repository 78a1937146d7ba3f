import { elapsedMs, timestamp } from "../situation.ts";
import type { Answered, Situation } from "../situation.ts";
import { podsTrouble } from "../rollout.ts";
import { effectOf } from "../traffic.ts";
import { FINALIZER } from "../../lib/names.ts";
import { pointWithFeed } from "./adoption.ts";

/*
 * Deletion hands back in the reverse order of adoption, and as carefully:
 *
 *   route 100/0 ─▶ canary drained ─▶ target: promoted template, the primary's size, ready ─▶ apex and primary
 *   Service point at the target ─▶ route released ─▶ drained ─▶ primary deleted ─▶ finalizer gone
 */

function leaving(s: Situation): boolean {
  return s.canary.metadata.deletionTimestamp !== undefined;
}

const phase = "Terminating";

/** Lets go at once where there is nothing to hand back, or nobody to hand it to. */
export function letGo(s: Situation): Answered | undefined {
  if (!leaving(s)) return undefined;
  const nothing = s.canary.metadata.finalizers?.includes(FINALIZER) !== true;
  if (nothing) return { phase, message: "being deleted", actions: [] };
  const reason = s.namespaceTerminating
    ? "the namespace is being deleted"
    : s.canary.spec.onDelete === "Keep"
      ? "onDelete is Keep: the primary goes on serving"
      : s.target === undefined
        ? "the target is gone: the primary goes on serving"
        : s.primary === undefined && s.memory.promoted === undefined
          ? "nothing was adopted"
          : undefined;
  if (reason === undefined) return undefined;
  return { phase, message: reason, actions: [{ kind: "removeFinalizer" }] };
}

/** Takes the canary's traffic back to the primary. */
export function moveTrafficToPrimary(s: Situation): Answered | undefined {
  if (!leaving(s) || s.problem?.blocksTraffic === true || s.services.primary.selects === "target") return undefined;
  const since = s.rollout?.weight === 0 ? s.rollout.weightSince : undefined;
  const effect = effectOf(s, 0, since);
  if (effect.state === "differs") {
    const rollout = s.rollout === undefined ? undefined : { ...s.rollout, weight: 0, weightSince: timestamp(s.now) };
    return {
      phase,
      message: "the primary takes all traffic",
      actions: [{ kind: "setWeight", weight: 0 }],
      ...(rollout === undefined ? {} : { memory: { rollout } }),
    };
  }
  if (effect.state === "pending") {
    return {
      phase,
      message: `waiting for weight 0: ${effect.message}`,
      actions: [],
      recheckAfterMs: effect.recheckAfterMs,
    };
  }
  const left = s.rollout === undefined || since === undefined ? 0 : s.settleMs + s.drainMs - elapsedMs(s.now, since);
  if (left <= 0) return undefined;
  return { phase, message: "draining the canary", actions: [], recheckAfterMs: left };
}

/** Gives the target the promoted template and the primary's size, and waits until it is ready. */
export function restoreTarget(s: Situation): Answered | undefined {
  const { target, primary } = s;
  if (!leaving(s) || target === undefined) return undefined;
  const promoted = s.memory.promoted?.revision ?? primary?.version.revision;
  const holdsOther = target.version.revision !== promoted && primary?.version.revision === promoted;
  const replicas = primary?.replicas ?? s.memory.adopted?.replicas ?? 1;
  if (target.paused || target.replicas < replicas || holdsOther) {
    const template = holdsOther ? "promoted" : "keep";
    return {
      phase,
      message: holdsOther
        ? `the target holds revision ${target.version.revision}; it gets the promoted ${promoted} and ${replicas} replicas`
        : `scaling the target to ${replicas}`,
      actions: [{ kind: "restoreTarget", replicas, template }],
    };
  }
  if (target.settled && s.services.canary.ready >= replicas) return undefined;
  return { phase, message: `waiting for the target: ${podsTrouble(target)}`, actions: [] };
}

/** Points the apex Service back at the target. */
export function switchApexBack(s: Situation): Answered | undefined {
  if (!leaving(s)) return undefined;
  return pointWithFeed(s, { service: "apex", at: "target", from: "canary", phase });
}

/** Points the primary Service, which the route names, at the target. */
export function switchPrimaryBack(s: Situation): Answered | undefined {
  if (!leaving(s)) return undefined;
  return pointWithFeed(s, { service: "primary", at: "target", from: "canary", phase });
}

/** Takes Aviary's marks off the route and waits for the primary's last requests. */
export function releaseRoute(s: Situation): Answered | undefined {
  if (!leaving(s) || s.primary === undefined) return undefined;
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
  if (!leaving(s)) return undefined;
  return {
    phase,
    message: "handed back to the target",
    actions: [{ kind: "deletePrimary" }, { kind: "removeFinalizer" }],
  };
}
