import { isUsed, sameShare, shareOf, showShare } from "../api/share.ts";
import type { Share } from "../api/share.ts";
import type { RolloutMemory } from "../api/status.ts";
import { managersOf } from "./contention.ts";
import { elapsedMs, timestamp, TROUBLE_PERIOD_MS } from "./situation.ts";
import { proofOf } from "./evidence.ts";
import type { Proof } from "./evidence.ts";
import type { Answered, Situation } from "./situation.ts";
import type { Reason } from "./types.ts";

/** A status that never comes must not stop a rollout: after so many milliseconds it is only a warning. */
export const STATUS_TIMEOUT_MS = 30_000;

/** How far the wanted share has got. */
export type Effect =
  /** The route says something else. */
  | { readonly state: "differs" }
  /** The route says it; the data plane has not followed yet, as far as one can tell. */
  | { readonly state: "pending"; readonly message: string; readonly recheckAfterMs: number }
  | { readonly state: "rejected"; readonly reason: string; readonly message: string }
  | { readonly state: "effective"; readonly by: "Evidence" | "Settle"; readonly warning?: Reason };

/**
 * Whether a share, which the route was told at `since`, is in effect: the route holds it, its controller accepted
 * it, and the data plane had time to follow. Acceptance alone says that the route was read, not that any
 * proxy follows it.
 */
export function effectOf(situation: Situation, share: Share, since: string | undefined): Effect {
  const { route, now, settleMs } = situation;
  if (!sameShare(route, share) || !route.uniform) return { state: "differs" };
  const age = since === undefined ? Number.POSITIVE_INFINITY : elapsedMs(now, since);
  if (route.acceptance.state === "rejected") {
    return { state: "rejected", reason: route.acceptance.reason, message: route.acceptance.message };
  }
  if (route.acceptance.state === "following") {
    return { state: "pending", message: route.acceptance.message, recheckAfterMs: TROUBLE_PERIOD_MS };
  }
  // Evidence is worth more than a status that does not come.
  const proof = proofOf(situation, share.weight, age);
  if (proof?.state === "shown") return { state: "effective", by: "Evidence" };
  const pending = (message: string, leftMs: number): Effect => {
    const lookMs = proof?.state === "missing" ? EVIDENCE_PERIOD_MS : leftMs;
    return { state: "pending", message, recheckAfterMs: Math.min(leftMs, lookMs) };
  };
  if (route.acceptance.state === "unknown" && age < STATUS_TIMEOUT_MS) {
    return pending(route.acceptance.message, STATUS_TIMEOUT_MS - age);
  }
  if (age < settleMs) return pending("the data plane needs time to follow", settleMs - age);
  if (proof?.state === "missing") return pending(proof.message, proof.leftMs);
  const warning = warningOf(situation, proof);
  return { state: "effective", by: "Settle", ...(warning === undefined ? {} : { warning }) };
}

/** While evidence is awaited, how often to look whether it is to be asked for again, in milliseconds. */
const EVIDENCE_PERIOD_MS = 2_000;

/** What people should know of a weight that only the settle time speaks for. */
function warningOf({ route }: Situation, proof: Proof | undefined): Reason | undefined {
  if (proof?.state === "overdue") {
    return { reason: "EvidenceMissing", message: `no evidence that the weight is in effect: ${proof.message}` };
  }
  if (route.acceptance.state !== "unknown") return undefined;
  return { reason: "RouteStatusStale", message: `no status for this weight: ${route.acceptance.message}` };
}

/** Decisions about traffic that several phases share. */
interface Shift extends Share {
  readonly phase: Answered["phase"];
  readonly rollout: RolloutMemory;
  /** Why the share changes, as a sentence. */
  readonly message: string;
}

/**
 * Gives the data plane time to learn of pods that have just become ready: a weight that arrives before their endpoints
 * sends requests to nobody. Undefined when they have been ready for the settle time.
 */
export function waitUntilKnown(
  situation: Situation,
  { phase, rollout, message }: Omit<Shift, keyof Share>,
): Answered | undefined {
  const { now, settleMs } = situation;
  const since = rollout.podsReadySince ?? timestamp(now);
  const left = settleMs - elapsedMs(now, since);
  if (left <= 0) return undefined;
  return {
    phase,
    message,
    actions: [],
    memory: { rollout: { ...rollout, podsReadySince: since } },
    recheckAfterMs: left,
  };
}

/** Gives the canary its share and starts its clock. */
export function shiftTo(situation: Situation, { phase, rollout, message, ...wanted }: Shift): Answered {
  const share = shareOf(wanted);
  const { effectiveSince: _effective, effectBy: _by, podsReadySince: _ready, ...known } = rollout;
  const { matched: _matched, mirror: _mirror, ...rest } = known;
  return {
    phase,
    message,
    actions: [{ kind: "setWeight", ...share }],
    memory: {
      rollout: {
        ...rest,
        ...share,
        weightBefore: rollout.weight,
        weightSince: timestamp(situation.now),
        exposed: rollout.exposed === true || isUsed(share),
      },
    },
  };
}

/**
 * Brings a share into effect, one decision at a time: shift, wait, note that it is in effect.
 * Undefined when it is in effect and noted.
 */
export function bringIntoEffect(situation: Situation, shift: Shift): Answered | undefined {
  const { rollout, phase } = shift;
  const share = shareOf(shift);
  if (!sameShare(rollout, share) || rollout.weightSince === undefined) return shiftTo(situation, shift);
  const effect = effectOf(situation, share, rollout.weightSince);
  switch (effect.state) {
    case "differs":
      if (!isAnswered(situation, share)) return { phase, message: unanswered(share), actions: [] };
      // Clocks keep running: whoever changes the route every few seconds must not stop a rollout for ever.
      return {
        phase,
        message: putBack(situation, share),
        actions: [{ kind: "setWeight", ...share }],
        reasserts: "Weight",
      };
    case "pending":
      return {
        phase,
        message: `waiting for ${showShare(share)} to take effect: ${effect.message}`,
        actions: [],
        recheckAfterMs: effect.recheckAfterMs,
      };
    case "rejected":
      return {
        phase,
        message: `the route was rejected (${effect.reason}): ${effect.message}`,
        actions: [],
        stalled: { reason: "RouteRejected", message: effect.message },
      };
    case "effective":
      return rollout.effectiveSince === undefined ? noteEffect(situation, shift, effect) : undefined;
  }
}

/** The same with the canary's pods frozen before: they stand still from before their first request on. */
export function withFrozenPods({ target }: Situation, moving: Answered): Answered {
  if (target === undefined || target.frozen) return moving;
  return { ...moving, actions: [{ kind: "freezeTarget", generation: target.generation }, ...moving.actions] };
}

/** A `kubectl rollout restart`, which is no release, keeps frozen pods from getting ready when their users are gone. */
export function followsAgain(s: Situation, rollout: RolloutMemory): boolean {
  const { target, now, settleMs, drainMs } = s;
  if (s.used || target?.frozen !== true || target.settled || s.revision !== rollout.revision) return false;
  const effect = effectOf(s, { weight: 0 }, rollout.weightSince);
  return effect.state === "effective" && elapsedMs(now, rollout.weightSince) >= settleMs + drainMs;
}

/** Whether somebody answers for those whom a share leads to other pods. */
export function isAnswered({ services }: Situation, share: Share): boolean {
  return isUsed(share) ? services.canary.ready > 0 : services.primary.ready > 0;
}

/**
 * What puts a route at rest back on the primary alone; undefined when it is there. Whoever is led to idle pods that
 * answer stays with them until the primary answers too. Where neither does, nobody is lost.
 */
export function backToPrimary(s: Situation): Pick<Answered, "actions" | "reasserts" | "stalled"> | undefined {
  const { route, services } = s;
  if (sameShare(route, { weight: 0 }) && route.uniform) return undefined;
  if (isUsed(route) && !isAnswered(s, { weight: 0 }) && services.canary.ready > 0) {
    const message = `the route gives idle pods ${showShare({ ...route, weight: route.weight ?? 0 })}, and the primary has no ready pod to take that back`;
    return { actions: [], stalled: { reason: "PrimaryNotReady", message } };
  }
  return { actions: [{ kind: "setWeight", weight: 0 }], reasserts: "Weight" };
}

/** Keeps the weight that a rollout has, also before its first one, when somebody changes the route. */
export function keepWeight(situation: Situation, shift: Omit<Shift, keyof Share>): Answered | undefined {
  const { rollout, phase } = shift;
  const share = shareOf(rollout);
  if (rollout.weightSince !== undefined) return bringIntoEffect(situation, { ...shift, ...share });
  const { route } = situation;
  if (sameShare(route, share) && route.uniform) return undefined;
  if (!isAnswered(situation, share)) return { phase, message: unanswered(share), actions: [] };
  return { phase, message: putBack(situation, share), actions: [{ kind: "setWeight", ...share }], reasserts: "Weight" };
}

function unanswered(share: Share): string {
  return `${showShare(share)}: waits for a ready pod of the ${isUsed(share) ? "canary" : "primary"}`;
}

function noteEffect(
  situation: Situation,
  shift: Shift,
  { by: effectBy, warning }: Extract<Effect, { state: "effective" }>,
): Answered {
  const now = timestamp(situation.now);
  const { rollout, phase } = shift;
  const share = shareOf(shift);
  // The next step may have the same weight: that one was waited for before.
  const waitedMs = rollout.effectBy === undefined ? elapsedMs(situation.now, rollout.weightSince) : 0;
  const firstWeightAt = rollout.firstWeightAt ?? (isUsed(share) ? now : undefined);
  return {
    phase,
    message: `in effect: ${showShare(share)}`,
    actions: [],
    memory: {
      rollout: {
        ...rollout,
        effectiveSince: now,
        effectBy,
        waitedSeconds: (rollout.waitedSeconds ?? 0) + Math.round(waitedMs / 1_000),
        ...(firstWeightAt === undefined ? {} : { firstWeightAt }),
      },
    },
    ...(warning === undefined ? {} : { warning }),
    recheckAfterMs: 0,
  };
}

function putBack(situation: Situation, share: Share): string {
  const { route } = situation;
  if (route.byEndpoints === true && route.weight === share.weight)
    return `weight ${share.weight}: listing the pods that are ready now`;
  return `put ${showShare(share)} back: ${found(situation)}`;
}

/** What the route said instead, and who wrote it. */
function found(situation: Situation): string {
  const managers = managersOf(situation, "Weight");
  const by = managers === undefined ? "" : `, last written by ${managers}`;
  const { weight, matched, mirror } = situation.route;
  const what = weight === undefined ? "something else" : showShare({ weight, matched, mirror });
  return `the route said ${what}${by}`;
}
