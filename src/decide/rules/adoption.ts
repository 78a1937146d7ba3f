import { FINALIZER } from "../../lib/names.ts";
import { park } from "../capacity.ts";
import { podsTrouble } from "../rollout.ts";
import { elapsedMs, timestamp, trafficOf, TROUBLE_PERIOD_MS } from "../situation.ts";
import type { Answered, Situation } from "../situation.ts";
import { effectOf } from "../traffic.ts";
import { STAND_BY } from "../actions.ts";
import type { Action } from "../actions.ts";

/*
 * Adoption of a workload that serves already. Nobody may lose a request, so every switch is make-before-break:
 *
 *   leaf Services (the primary's fed with the target's pods) ─▶ primary ready ─▶ route 100/0 ─▶ apex Service
 *   ─▶ feeds removed ─▶ target drained ─▶ target at 0
 *
 * Each rule looks at the world and not at a list of what was done, so a crash anywhere repeats harmlessly.
 */

function adopting(s: Situation): boolean {
  return s.memory.promoted === undefined;
}

/** Marks the Canary so that its deletion hands the traffic back before it is gone. */
export function addFinalizer(s: Situation): Answered | undefined {
  if (s.canary.metadata.finalizers?.includes(FINALIZER) === true) return undefined;
  return {
    phase: s.canary.status?.phase ?? "Initializing",
    message: adopting(s) ? "adopting the target" : "putting the finalizer back",
    actions: [{ kind: "addFinalizer" }],
    recheckAfterMs: 0,
  };
}

/** Makes the Services, and lets the target's pods answer for a primary that is not ready yet. */
export function createServices(s: Situation): Answered | undefined {
  if (!adopting(s)) return undefined;
  const taken = takeOver(s);
  if (taken !== undefined) return taken;
  const actions: Action[] = [];
  if (!s.services.complete) actions.push({ kind: "ensureServices" });
  const { feed } = s.services.primary;
  if (s.services.primary.ready === 0 && feed?.current !== true) {
    actions.push({ kind: "feedService", service: "primary", from: "canary" });
  }
  if (actions.length === 0) return undefined;
  return { phase: "Initializing", message: "making the primary and the canary Service", actions };
}

/** A primary Service that was handed back selects the target's pods: they are listed before its selector moves. */
function takeOver(s: Situation): Answered | undefined {
  const { primary, canary } = s.services;
  if (!primary.exists || primary.selects !== "target" || !canary.exists) return undefined;
  const phase = "Initializing";
  const { feed } = primary;
  if (feed?.current !== true) {
    const message = "listing the target's pods behind the primary Service";
    return { phase, message, actions: [{ kind: "feedService", service: "primary", from: "canary" }] };
  }
  const left = s.settleMs - feed.ageMs;
  const message = "making the primary Service ready for the primary's pods";
  return left > 0
    ? { phase, message, actions: [], recheckAfterMs: left }
    : { phase, message, actions: [{ kind: "ensureServices" }] };
}

/** Adopts what the ready pods run, so it waits until the target's own rolling update has finished. */
export function waitForTarget(s: Situation): Answered | undefined {
  if (!adopting(s) || s.memory.adopted !== undefined) return undefined;
  if (s.target === undefined || (s.target.settled && s.target.replicas > 0) || hasEveryone(s)) return undefined;
  if (s.target.replicas === 0 && (servesAlready(s) || sleeps(s))) return undefined;
  const message =
    s.target.replicas === 0
      ? (s.target.trouble ?? "the target has no replicas: scale it up to adopt it")
      : `waiting for the target's own rolling update: ${podsTrouble(s.target)}`;
  return { phase: "Initializing", message, actions: [], recheckAfterMs: TROUBLE_PERIOD_MS };
}

/** A Canary before this one left its primary, which serves (`onDelete: Keep`). */
function servesAlready({ primary, services }: Situation): boolean {
  return primary?.settled === true && primary.replicas > 0 && services.primary.ready > 0;
}

/** Nobody is led to the target's pods any more: what they run is to be judged before anybody is again. */
function hasEveryone(s: Situation): boolean {
  return servesAlready(s) && s.services.apex.selects === "primary" && s.services.primary.selects === "primary";
}

/** Its autoscaler has it at 0 for want of work, which is no reason not to adopt it. */
function sleeps({ target, autoscaler }: Situation): boolean {
  return target?.replicas === 0 && autoscaler?.min === 0;
}

/** Makes the primary, a copy of the target at its size. */
export function createPrimary(s: Situation): Answered | undefined {
  const { target, primary } = s;
  if (!adopting(s) || target === undefined || s.memory.drainingSince !== undefined) return undefined;
  // The target may change while it is adopted; until the Services lead to the primary its own rolling update serves users.
  if (primary?.version.revision === target.version.revision || hasEveryone(s)) return undefined;
  // Its pods go on as they started; a configuration that changed since is a rollout, after the adoption.
  if (primary !== undefined && target.sameTemplate === true) return undefined;
  if (!target.settled || (target.replicas === 0 && !sleeps(s))) return undefined;
  // One pod proves that it can run; its own autoscaler may have it at 0 again afterwards.
  const replicas = Math.max(1, target.replicas);
  return {
    phase: "Initializing",
    message: `making the primary from revision ${target.version.revision} with ${replicas} replicas`,
    actions: [{ kind: "ensurePrimary", replicas, revision: target.version.revision }],
    memory: { adopted: found(s, target.replicas), primaryLabel: s.memory.primaryLabel ?? s.primaryLabel },
  };
}

/** What was found is remembered before anything of it changes, also after a crash that lost what createPrimary noted. */
export function rememberFound(s: Situation): Answered | undefined {
  const { primary } = s;
  if (!adopting(s) || primary === undefined || s.memory.adopted !== undefined) return undefined;
  return {
    phase: "Initializing",
    message: `found a primary with ${primary.replicas} replicas`,
    actions: [],
    memory: { adopted: found(s, primary.replicas), primaryLabel: s.memory.primaryLabel ?? s.primaryLabel },
    recheckAfterMs: 0,
  };
}

/** What is handed back at deletion. A selector that is ours already was found by an earlier look. */
function found(s: Situation, replicas: number): NonNullable<Situation["memory"]["adopted"]> {
  const selector =
    s.memory.adopted?.apexSelector ?? (s.services.apex.selects === "primary" ? undefined : s.apexSelector);
  // An earlier look saw the route before Aviary had written to it.
  const weights = s.memory.adopted === undefined ? s.route.found : s.memory.adopted.weights;
  return {
    replicas,
    ...(selector === undefined ? {} : { apexSelector: { ...selector } }),
    ...(weights === undefined ? {} : { weights: weights.map((one) => ({ ...one, weights: [...one.weights] })) }),
  };
}

/** Waits until the primary can carry everything. */
export function waitForNewPrimary(s: Situation): Answered | undefined {
  const { primary } = s;
  if (!adopting(s)) return undefined;
  if (primary?.settled === true && primary.replicas > 0 && s.services.primary.ready >= primary.replicas)
    return undefined;
  const message = `waiting for the primary: ${podsTrouble(primary)}`;
  const trouble = primary?.trouble;
  return {
    phase: "Initializing",
    message,
    actions: [],
    recheckAfterMs: TROUBLE_PERIOD_MS,
    ...(trouble === undefined ? {} : { warning: { reason: "PrimaryNotReady", message: trouble } }),
  };
}

/** Points the route at the primary alone, and waits until whoever runs it has taken that over: the target's pods go then. */
export function routeToPrimary(s: Situation): Answered | undefined {
  const { adopted } = s.memory;
  // Where the apex Service is the route, it is pointed at the primary with more care than a weight needs.
  if (!adopting(s) || adopted === undefined || s.route.byEndpoints === true) return undefined;
  const effect = effectOf(s, { weight: 0 }, adopted.weightSince);
  const phase = "Initializing";
  const toldNow = { adopted: { ...adopted, weightSince: timestamp(s.now) } };
  switch (effect.state) {
    case "differs": {
      const message = "the route gives the primary everything";
      return { phase, message, actions: [{ kind: "setWeight", weight: 0 }], memory: toldNow };
    }
    case "rejected":
      return {
        phase,
        message: `the route is rejected (${effect.reason}): ${effect.message}`,
        actions: [],
        stalled: { reason: "RouteRejected", message: effect.message },
      };
    case "pending": {
      // The time to settle is a part of the target's drain.
      if (s.route.acceptance.state === "accepted") return undefined;
      const message = `waiting until the primary gets everything: ${effect.message}`;
      return { phase, message, actions: [], recheckAfterMs: effect.recheckAfterMs };
    }
    case "effective": {
      // A crash may have lost when it was told, or the user wrote it just now.
      const unsaid = s.route.acceptance.state === "unknown" && adopted.weightSince === undefined;
      if (unsaid) return { phase, message: "the route is new", actions: [], memory: toldNow, recheckAfterMs: 0 };
      return undefined;
    }
  }
}

/** Points the apex Service at the primary: its pods are added first, then the selector moves, then the addition goes. */
export function switchApex(s: Situation): Answered | undefined {
  if (!adopting(s)) return undefined;
  return pointWithFeed(s, { service: "apex", at: "primary", from: "primary", phase: "Initializing" });
}

interface Pointing {
  readonly service: "apex" | "primary";
  readonly at: "primary" | "previous" | "target";
  /** The Service whose endpoints are listed beside the others meanwhile, mostly those of the pods that it is pointed at. */
  readonly from: "primary" | "canary" | "previous";
  readonly phase: Answered["phase"];
}

/** Moves a Service's selector without a moment in which nobody is behind it. */
export function pointWithFeed(s: Situation, { service, at, from, phase }: Pointing): Answered | undefined {
  const view = s.services[service];
  const name = service === "apex" ? "apex" : "primary";
  if (!view.exists) return undefined;
  if (view.selects === at) {
    if (view.feed === undefined) return undefined;
    const left = s.settleMs - view.feed.ageMs;
    if (view.ready === 0 || left > 0) {
      return { phase, message: `waiting for the endpoints of the ${name} Service`, actions: [], ...recheck(left) };
    }
    return {
      phase,
      message: `the ${name} Service finds its pods by itself`,
      actions: [{ kind: "stopFeed", service }],
      recheckAfterMs: 0,
    };
  }
  if (view.feed === undefined || !view.feed.current) {
    const beside = from === "primary" ? "canary" : from;
    const feed = service === "apex" ? ({ service, from } as const) : ({ service, from: beside } as const);
    return {
      phase,
      message: `adding the ${at}'s pods to the ${name} Service`,
      actions: [{ kind: "feedService", ...feed }],
    };
  }
  const left = s.settleMs - view.feed.ageMs;
  if (left > 0) {
    return {
      phase,
      message: `waiting until the ${at}'s pods are known behind the ${name} Service`,
      actions: [],
      recheckAfterMs: left,
    };
  }
  return {
    phase,
    message: `pointing the ${name} Service at the ${at}`,
    actions: [{ kind: "pointService", service, at }],
  };
}

function recheck(leftMs: number): { recheckAfterMs?: number } {
  return leftMs > 0 ? { recheckAfterMs: leftMs } : {};
}

/** Lets the primary Service stand on its own pods. */
export function stopFeedingPrimary(s: Situation): Answered | undefined {
  if (!adopting(s) || s.services.primary.feed === undefined) return undefined;
  return {
    phase: "Initializing",
    message: "the primary's pods answer for themselves",
    actions: [{ kind: "stopFeed", service: "primary" }],
    recheckAfterMs: 0,
  };
}

/** Waits for the requests that the target's pods still work on, and for a data plane that follows late. */
export function drainTarget(s: Situation): Answered | undefined {
  if (!adopting(s)) return undefined;
  const { drainingSince } = s.memory;
  const wait = s.settleMs + s.drainMs;
  const left = drainingSince === undefined ? wait : wait - elapsedMs(s.now, drainingSince);
  if (left <= 0) return undefined;
  return {
    phase: "Initializing",
    message: "the primary serves everyone; draining the target",
    actions: [],
    memory: { drainingSince: drainingSince ?? timestamp(s.now) },
    recheckAfterMs: left,
  };
}

/** Ends the adoption: the target rests at 0, and what the primary runs counts as promoted. */
export function finishAdoption(s: Situation): Answered | undefined {
  const { primary } = s;
  if (!adopting(s) || primary === undefined) return undefined;
  return {
    phase: "Idle",
    message: `adopted revision ${primary.version.revision}`,
    // Before the target's pods go: from then on nobody else is behind an apex Service that is applied again.
    actions: [...(s.services.apex.exists ? [STAND_BY] : []), park(s)],
    memory: {
      promoted: { ...primary.version, time: timestamp(s.now) },
      drainingSince: undefined,
      traffic: trafficOf(s),
    },
    recheckAfterMs: 0,
  };
}
