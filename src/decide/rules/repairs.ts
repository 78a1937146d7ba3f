import { STAND_BY } from "../actions.ts";
import { neededPods, scaleUp } from "../capacity.ts";
import { stoodAsideFor } from "../contention.ts";
import { primaryHasRevision } from "../rollout.ts";
import type { Answered, Situation } from "../situation.ts";

/* What somebody changed by hand, deleted, or applies again from elsewhere, is put back. */

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
  // At 100 % of a judged canary the primary is made from it anyway, unless that one is taken back.
  const { rollout } = s;
  const judged = rollout?.promoting === true && rollout.weight === 100 && rollout.withdrawal === undefined;
  if (judged && s.revision === rollout.revision) return undefined;
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

/** Gives the canary its pods back when somebody took them away while it stands in for a primary that changes. */
export function repairCanarySize(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout?.promoting !== true) return undefined;
  const restores = rollout.withdrawal?.restore === true;
  if (rollout.withdrawal !== undefined && !restores) return undefined;
  const awaits = restores || rollout.waitingSince !== undefined;
  if (primaryHasRevision(s, rollout) ? !awaits : !(restores && s.used)) return undefined;
  // Whoever is on it goes elsewhere first, as far as somebody answers there.
  if (s.used && s.services.canary.ready === 0 && s.services.primary.ready > 0) return undefined;
  const action = scaleUp(s, rollout);
  if (action === undefined) return undefined;
  return {
    phase: s.canary.status?.phase ?? "Promoting",
    message: `scaling the canary to ${neededPods(s, rollout)} again: it stands in for the primary`,
    actions: [action],
    ...(s.autoscaler === undefined ? { reasserts: "Replicas" } : {}),
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
export function foreignImages({ primary, rollout, memory }: Situation): readonly string[] | undefined {
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
    actions: [STAND_BY],
    statusStays: true,
    recheckAfterMs: 0,
  };
}
