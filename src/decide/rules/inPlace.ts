import { primaryHasRevision } from "../rollout.ts";
import { elapsedMs } from "../situation.ts";
import type { Answered, Situation } from "../situation.ts";
import { STAND_BY } from "../actions.ts";
import type { Action } from "../actions.ts";

/*
 * A primary that changes in place, such as a StatefulSet's, has a pod less at a time, and with a single one none. The
 * route leads to the canary then, but clients of the Services would find fewer pods, or nobody:
 *
 *   canary at 100 % ─▶ its pods are listed behind the primary and the apex Service ─▶ settle ─▶ the primary changes
 *   ─▶ ready, and known ─▶ listed no longer ─▶ the traffic returns
 *
 * The list behind the primary Service says that they are, so a crash anywhere repeats harmlessly.
 */

/** Lists the canary's pods behind the Services of a primary that changes in place, and keeps the lists as the pods are. */
export function carryPrimary(s: Situation): Answered | undefined {
  const { apex, primary } = s.services;
  if (!isNeeded(s) || (primary.feed?.current === true && (!apex.exists || apex.feed?.current === true)))
    return undefined;
  const lists: Action[] = [{ kind: "feedService", service: "primary", from: "canary" }];
  if (apex.exists) lists.push({ kind: "feedService", service: "apex", from: "canary" });
  return {
    phase: s.canary.status?.phase ?? "Promoting",
    message: "listing the canary's pods behind the Services while the primary changes in place",
    actions: lists,
    statusStays: true,
    recheckAfterMs: 0,
  };
}

/** Lists the canary's pods no longer, before the traffic leaves them: their drain then counts for these clients too. */
export function stopCarrying(s: Situation): Answered | undefined {
  const actions = carriersGo(s);
  if (actions.length === 0 || isNeeded(s)) return undefined;
  return {
    phase: s.canary.status?.phase ?? "Promoting",
    message: "the primary's pods answer for themselves again",
    actions,
    statusStays: true,
    recheckAfterMs: 0,
  };
}

/** Takes the canary's pods from the lists: the primary's stand by behind the apex as before. */
export function carriersGo(s: Situation): Action[] {
  if (!isCarried(s) || s.services.primary.ready === 0) return [];
  // The list behind the primary Service goes last: without it nobody would know of the other one.
  return [...(s.services.apex.exists ? [STAND_BY] : []), { kind: "stopFeed", service: "primary" }];
}

/** What to do before the primary may change in place: wait until the canary's pods are known behind its Services. */
export function waitForCarriers(s: Situation, phase: Answered["phase"]): Answered | undefined {
  if (!changesInPlace(s)) return undefined;
  const left = s.settleMs - Math.min(s.services.primary.feed?.ageMs ?? 0, s.services.apex.feed?.ageMs ?? 0);
  if (left <= 0) return undefined;
  const message = "the primary changes in place: the canary's pods get known behind its Services";
  return { phase, message, actions: [], recheckAfterMs: left };
}

/** Where the apex Service is the route, it leads to the canary's pods alone. */
function changesInPlace({ primary, route }: Situation): boolean {
  return primary?.inPlace === true && route.byEndpoints !== true;
}

/** After the adoption and outside of a Rollback nobody else lists pods behind the primary Service. */
function isCarried({ services, memory }: Situation): boolean {
  return services.primary.feed !== undefined && memory.promoted !== undefined && memory.rollback === undefined;
}

/** From when the canary serves everyone until the primary, changed or put back, is ready and known. */
function isNeeded(s: Situation): boolean {
  const { rollout, primary, services } = s;
  if (rollout?.promoting !== true || rollout.weight !== 100 || rollout.effectiveSince === undefined) return false;
  if (primary === undefined || !changesInPlace(s)) return false;
  const restores = rollout.withdrawal?.restore === true;
  if (rollout.withdrawal !== undefined && !restores) return false;
  const isToChange = restores === primaryHasRevision(s, rollout);
  if (isToChange || !primary.settled || services.primary.ready < primary.replicas) return true;
  return rollout.podsReadySince === undefined || elapsedMs(s.now, rollout.podsReadySince) < s.settleMs;
}
