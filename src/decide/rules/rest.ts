import { isUsed, sameShare, shareOf } from "../../api/share.ts";
import type { RolloutMemory } from "../../api/status.ts";
import { hasOtherSize, park, scaleUp } from "../capacity.ts";
import { newRollout } from "../rollout.ts";
import { calmInMs, contentionSentence, retryInMs, stoodAsideFor, wantsIdlePods, WAYS_OUT } from "../contention.ts";
import { timestamp, trafficOf } from "../situation.ts";
import { floorLeftMs } from "./capacity.ts";
import { keptForMs } from "./previous.ts";
import type { Answered, Situation } from "../situation.ts";
import type { Action, Workload } from "../types.ts";

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
function keptWhileInvalid({ problem, memory, route, rollout, services }: Situation): Action[] {
  const share = shareOf(rollout ?? { weight: 0 });
  const kept = sameShare(route, share) && (route.uniform || route.byEndpoints !== true);
  if (problem?.blocksTraffic === true || memory.promoted === undefined || kept) return [];
  const somebody = isUsed(share) ? services.canary.ready > 0 : services.primary.ready > 0;
  return somebody ? [{ kind: "setWeight", ...share }] : [];
}

/** Puts Services back that somebody deleted or changed. */
export function repairServices(s: Situation): Answered | undefined {
  if (s.memory.promoted === undefined || s.services.complete) return undefined;
  const phase = s.canary.status?.phase ?? "Idle";
  return { phase, message: "putting the Services back", actions: [{ kind: "ensureServices" }] };
}

/** Makes a primary again that somebody deleted, when the target still holds what was promoted. */
export function repairPrimary(s: Situation): Answered | undefined {
  const { primary, target, memory } = s;
  if (memory.promoted === undefined || primary !== undefined || target === undefined) return undefined;
  // At 100 % of a judged canary the primary is made from it anyway.
  if (s.rollout?.promoting === true && s.rollout.weight === 100 && s.revision === s.rollout.revision) return undefined;
  if (target.version.revision !== memory.promoted.revision) {
    const message = `the primary is gone, and the target does not hold the promoted revision ${memory.promoted.revision}`;
    const hint = "put the target back to that revision, and Aviary makes the primary again";
    return {
      phase: s.canary.status?.phase ?? "Idle",
      message,
      actions: [],
      stalled: { reason: "PrimaryMissing", message: `${message}; ${hint}` },
    };
  }
  const replicas = Math.max(1, memory.autoscaler?.floor ?? memory.adopted?.replicas ?? 1);
  return {
    phase: s.canary.status?.phase ?? "Idle",
    message: "making the primary again: somebody deleted it",
    actions: [{ kind: "ensurePrimary", replicas, revision: target.version.revision }],
  };
}

/** Gives the primary its pods back when somebody scaled it to 0: it serves everyone. */
export function repairPrimarySize(s: Situation): Answered | undefined {
  const { primary, memory } = s;
  if (memory.adopted === undefined || primary === undefined || primary.replicas > 0) return undefined;
  // It may sleep for want of work, also where its autoscaler cannot be read at the moment.
  if (s.autoscaler === undefined ? memory.autoscaler?.kind === "ScaledObject" : s.autoscaler.min === 0)
    return undefined;
  const replicas = Math.max(1, memory.autoscaler?.floor ?? memory.adopted.replicas);
  return {
    phase: s.canary.status?.phase ?? "Initializing",
    message: `scaling the primary to ${replicas} again: somebody scaled it to 0, and it serves everyone`,
    actions: [{ kind: "scalePrimary", replicas }],
  };
}

/**
 * Puts the images of the primary back when somebody changed them: what it serves was judged, and that was not. Each time
 * is a rolling update, so when somebody insists it is tried again now and then.
 */
export function repairPrimaryImages(s: Situation): Answered | undefined {
  const images = s.memory.promoted?.images;
  const found = foreignImages(s);
  if (images === undefined || found === undefined || stoodAsideFor(s, "PrimaryImages") !== undefined) return undefined;
  return {
    phase: s.canary.status?.phase ?? "Idle",
    message: `putting the primary's images back: somebody changed them to ${found.join(", ")}, which nobody judged`,
    actions: [{ kind: "restoreImages", images }],
    reasserts: "PrimaryImages",
  };
}

/** The images of a primary that somebody has changed. */
function foreignImages({ primary, rollout, memory }: Situation): readonly string[] | undefined {
  const images = memory.promoted?.images;
  const found = primary?.version.images;
  if (images === undefined || found === undefined) return undefined;
  // From the promotion on it runs what the rollout brings.
  if (primary?.version.revision !== memory.promoted?.revision || rollout?.promoting === true) return undefined;
  return found.length !== images.length || found.every((image, index) => image === images[index]) ? undefined : found;
}

/** Puts the apex Service back on the primary when somebody pointed it elsewhere. */
export function repairApex(s: Situation): Answered | undefined {
  const { apex, primary } = s.services;
  if (s.memory.promoted === undefined || !apex.exists || apex.selects === "primary" || primary.ready === 0)
    return undefined;
  // Where the apex Service is the route, its selector follows the weight.
  if (s.route.byEndpoints === true) return undefined;
  return {
    phase: s.canary.status?.phase ?? "Idle",
    message: "pointing the apex Service at the primary again",
    actions: [{ kind: "pointService", service: "apex", at: "primary" }],
    reasserts: "ApexSelector",
  };
}

/** Makes copies of the configuration again that somebody deleted: the primary's pods do not start without them. */
export function repairCopies(s: Situation): Answered | undefined {
  if (s.memory.promoted === undefined || s.copies === undefined) return undefined;
  const { gone, lost } = s.copies;
  const phase = s.canary.status?.phase ?? "Idle";
  if (gone.length > 0) {
    return {
      phase,
      message: `making ${gone.join(", ")} again: somebody deleted it`,
      actions: [{ kind: "ensureCopies" }],
    };
  }
  // A newer revision brings copies of its own.
  if (lost.length === 0 || s.rollout !== undefined || s.revision !== s.memory.failed?.revision) return undefined;
  const message = `${lost.join(", ")} is gone, and no new pod of the primary starts without it`;
  const hint = "put what it was copied from back to the values that were promoted, and Aviary makes it again";
  return { phase, message, actions: [], stalled: { reason: "ConfigurationLost", message: `${message}; ${hint}` } };
}

/**
 * Keeps the primary's ready pods behind the apex Service for the moment in which somebody applies the Service's own
 * selector again and nobody else is behind it.
 */
export function standBehindApex(s: Situation): Answered | undefined {
  const { apex } = s.services;
  if (s.memory.promoted === undefined || !apex.exists || apex.feed?.current === true) return undefined;
  // The canary's pods stand there meanwhile.
  if (s.services.primary.feed !== undefined) return undefined;
  // Pods that come and go are not worth a write each.
  if (s.primary?.settled !== true || s.services.primary.ready < s.primary.replicas) return undefined;
  return {
    phase: s.canary.status?.phase ?? "Idle",
    message: "listing the primary's pods behind the apex Service, for when nobody else is",
    actions: [{ kind: "feedService", service: "apex", from: "primary", standby: true }],
    statusStays: true,
    recheckAfterMs: 0,
  };
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
    memory: { traffic: trafficOf(s), ...(rollout === undefined ? {} : { rollout: notInEffect(s, rollout) }) },
    recheckAfterMs: 0,
  };
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
  // Somebody restarted the primary itself, later.
  if (primary.restartedAt !== undefined && primary.restartedAt > target.restartedAt) return undefined;
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
  if (sameShare(s.route, { weight: 0 }) && s.route.uniform) return undefined;
  return {
    ...atRest(s),
    message: `${atRest(s).message}; put back what somebody changed`,
    actions: [{ kind: "setWeight", weight: 0 }],
    reasserts: "Weight",
  };
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
