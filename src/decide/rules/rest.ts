import { sameShare, shareOf } from "../../api/share.ts";
import type { RolloutMemory } from "../../api/status.ts";
import { hasOtherSize, park, scaleUp } from "../capacity.ts";
import { newRollout } from "../rollout.ts";
import { calmInMs, contentionSentence, retryInMs, stoodAsideFor, wantsIdlePods, WAYS_OUT } from "../contention.ts";
import { timestamp, trafficOf } from "../situation.ts";
import { backToPrimary, isAnswered } from "../traffic.ts";
import { foreignImages } from "./repairs.ts";
import { floorLeftMs } from "./capacity.ts";
import { keptForMs } from "./previous.ts";
import type { Answered, Situation } from "../situation.ts";
import type { Action } from "../actions.ts";
import type { Workload } from "../types.ts";

/** Stops at what only a person can mend, and says what to do. The weight stays as it is. */
export function refuseInvalid(s: Situation): Answered | undefined {
  if (s.problem === undefined) return undefined;
  const { reason, message, hint } = s.problem;
  return {
    phase: s.canary.status?.phase ?? "Initializing",
    message: `${message}. ${hint}`,
    actions: keptWhileInvalid(s),
    stalled: { reason, message: `${message}. ${hint}` },
    // What mends it may be an object that nobody watches for this canary, such as another Canary.
    recheckAfterMs: INVALID_PERIOD_MS,
  };
}

const INVALID_PERIOD_MS = 15_000;

/** Whatever is wrong, users are where they were. */
function keptWhileInvalid(s: Situation): Action[] {
  const { problem, memory, route, rollout } = s;
  const share = shareOf(rollout ?? { weight: 0 });
  const kept = sameShare(route, share) && (route.uniform || route.byEndpoints !== true);
  if (problem?.blocksTraffic === true || memory.promoted === undefined || kept) return [];
  return isAnswered(s, share) ? [{ kind: "setWeight", ...share }] : [];
}

/** Takes over another `spec.traffic` between two rollouts, or when the routes before are gone: they are handed back first. */
export function changeRoute(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (s.trafficChanged !== true || s.problem?.reason === "RouteShared") return undefined;
  // The canary's users are on the routes that it began with: those keep the traffic until it has ended.
  if (rollout !== undefined && s.route.weight !== undefined) return undefined;
  return {
    phase: s.canary.status?.phase ?? "Idle",
    message: `${s.routeName ?? "the route"} is handed back: spec.traffic names another one`,
    actions: s.route.weight === undefined ? [] : [{ kind: "releaseRoute" }],
    memory: {
      traffic: trafficOf(s),
      ...forgetWeights(s),
      ...(rollout === undefined ? {} : { rollout: notInEffect(s, rollout) }),
    },
    recheckAfterMs: 0,
  };
}

/** The weights that were found are those of the routes that are handed back. */
function forgetWeights({ memory }: Situation): Pick<Situation["memory"], "adopted"> {
  if (memory.adopted === undefined) return { adopted: undefined };
  const { weights: _weights, ...adopted } = memory.adopted;
  return { adopted };
}

/** On another route its weight is still to come into effect. */
function notInEffect(s: Situation, rollout: RolloutMemory): RolloutMemory {
  const { effectiveSince: _effective, ...rest } = rollout;
  return rollout.weightSince === undefined ? rest : { ...rest, weightSince: timestamp(s.now) };
}

/** Begins a rollout when the target holds a revision that was neither promoted nor rolled back. */
export function startRollout(s: Situation): Answered | undefined {
  const { target, memory } = s;
  if (s.rollout !== undefined || target === undefined) return undefined;
  const { revision } = target.version;
  if (revision === memory.promoted?.revision || revision === memory.failed?.revision) return undefined;
  const begun = newRollout(s, target);
  const scale = begun.rollout.renewPods === true ? undefined : scaleUp(s, begun.rollout);
  const thaw: Action[] = target.frozen ? [{ kind: "thawTarget" }] : [];
  return {
    phase: "Progressing",
    message: `new revision ${revision}${detailsOf(target)}`,
    actions: [...thaw, ...(scale === undefined ? [] : [scale])],
    memory:
      scale === undefined ? begun : { ...begun, rollout: { ...begun.rollout, waitingSince: begun.rollout.startedAt } },
    recheckAfterMs: 0,
  };
}

/** What it runs, and which of its configuration is not the primary's. */
function detailsOf({ version, changed = [] }: Workload): string {
  const details = [...(version.images ?? []), ...changed.map((object) => `${object} changed`)];
  return details.length === 0 ? "" : ` (${details.join(", ")})`;
}

/** Restarts the primary when somebody restarts the target (`kubectl rollout restart`): that is not a release. */
export function restartPrimary(s: Situation): Answered | undefined {
  const { target, primary } = s;
  if (target?.restartedAt === undefined || primary === undefined || target.restartedAt === primary.restartedAt)
    return undefined;
  if (target.version.revision !== primary.version.revision) return undefined;
  // Somebody restarted the primary itself, later. kubectl writes the time in the zone of whoever asks.
  if (Date.parse(primary.restartedAt ?? "") > Date.parse(target.restartedAt)) return undefined;
  return {
    phase: atRest(s).phase,
    message: "restarting the primary by a rolling update",
    actions: [{ kind: "restartPrimary", restartedAt: target.restartedAt }],
  };
}

/**
 * Keeps the weight at 0 while nothing is rolled out. It comes before the next rollout: a weight that nobody remembers
 * giving was set by hand, or by a controller that was killed before it could say so, and pods must not change under it.
 */
export function keepWeightAtRest(s: Situation): Answered | undefined {
  const back = backToPrimary(s);
  const { phase, message } = atRest(s);
  return (
    back && { phase, message: `${message}; ${back.stalled?.message ?? "put back what somebody changed"}`, ...back }
  );
}

/** Keeps the target idle while nothing is rolled out. */
export function keepAtRest(s: Situation): Answered | undefined {
  const message = `${atRest(s).message}; put back what somebody changed`;
  const { target } = s;
  if (target === undefined) return undefined;
  if (hasOtherSize(s) && wantsIdlePods(s) === undefined) {
    return { ...atRest(s), message, actions: [park(s)], reasserts: "Replicas" };
  }
  if (s.autoscaler?.paused === false) return { ...atRest(s), message, actions: [{ kind: "pauseAutoscaler" }] };
  return target.frozen ? { ...atRest(s), message, actions: [{ kind: "thawTarget" }] } : undefined;
}

/** Deletes the copies of configuration that no pod of the primary's names any more. */
export function removeOldCopies(s: Situation): Answered | undefined {
  if (s.primary?.settled !== true || s.copies === undefined || s.copies.stale.length === 0) return undefined;
  return { ...atRest(s), actions: [{ kind: "removeCopies", which: "stale" }], recheckAfterMs: 0 };
}

/** Rests: the primary serves. */
export function rest(s: Situation): Answered {
  const forgets = s.revision === s.memory.promoted?.revision && s.memory.failed !== undefined;
  const insisted = insistedOn(s);
  const warning = insisted?.warning;
  const kept = keptForMs(s);
  // Then it is forgotten, which the status is to say.
  const calm = (s.memory.contention ?? []).flatMap((entry) =>
    entry.field === "Replicas" ? [] : Math.max(1_000, calmInMs(s, entry)),
  );
  const times = [floorLeftMs(s) ?? [], kept > 0 ? kept : [], insisted?.recheckAfterMs ?? [], calm].flat();
  return {
    ...atRest(s),
    ...(warning === undefined ? {} : { message: `${atRest(s).message}. ${warning.message}`, warning }),
    actions: [],
    // Failed ends when the target is put back to what is promoted.
    ...(forgets ? { memory: { failed: undefined } } : {}),
    ...(times.length === 0 ? {} : { recheckAfterMs: Math.min(...times) }),
  };
}

/** What somebody else insists on, and Aviary does not put back for now. */
function insistedOn(s: Situation): Pick<Answered, "warning" | "recheckAfterMs"> | undefined {
  const images = foreignImages(s);
  const entry = images === undefined ? undefined : stoodAsideFor(s, "PrimaryImages");
  if (images !== undefined && entry !== undefined) {
    const message = `${contentionSentence(s, entry)}: it serves ${images.join(", ")}, which nobody judged, and is put back now and then. To end it, ${WAYS_OUT.PrimaryImages}`;
    return { warning: { reason: "Contended", message }, recheckAfterMs: retryInMs(s, entry) };
  }
  const idle = hasOtherSize(s) ? wantsIdlePods(s) : undefined;
  if (idle === undefined) return undefined;
  const message = `${contentionSentence(s, idle)}: these pods get no traffic, and are left alone. To be without them, ${WAYS_OUT.Replicas}`;
  return { warning: { reason: "IdlePods", message } };
}

function atRest(s: Situation): Pick<Answered, "phase" | "message"> {
  const { failed, promoted } = s.memory;
  if (failed !== undefined && failed.revision === s.revision) return { phase: "Failed", message: failed.why.message };
  const latest = s.canary.status?.history?.[0];
  if ((latest?.outcome === "Succeeded" || latest?.outcome === "Skipped") && latest.revision === promoted?.revision) {
    return { phase: "Succeeded", message: `revision ${promoted.revision} is promoted` };
  }
  return { phase: "Idle", message: `revision ${promoted?.revision ?? "unknown"} serves; nothing to roll out` };
}
