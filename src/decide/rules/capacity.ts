import { isUsed, sameShare, shareOf, showShare } from "../../api/share.ts";
import { hasPods, scaleUp } from "../capacity.ts";
import { podsTrouble, stepOf, stepPods, stepShare } from "../rollout.ts";
import { elapsedMs, timestamp, TROUBLE_PERIOD_MS } from "../situation.ts";
import type { Answered, Situation } from "../situation.ts";

/*
 * The primary keeps capacity for everything until the end. It has an autoscaler of its own, a copy of the target's,
 * whose floor is pinned to what the primary had when the rollout began: while traffic leaves the primary its load says
 * nothing about what it must carry when the traffic comes back. The user's own autoscaler goes on with the canary.
 */

/** How long the floor stays after the traffic is back: an autoscaler measures late, and would shrink the primary first. */
const METRICS_LAG_MS = 120_000;

/** Makes PodDisruptionBudgets and NetworkPolicies of the target hold for the primary as well, before it has pods. */
export function copyGuards(s: Situation): Answered | undefined {
  if (s.companions.guards) return undefined;
  return {
    phase: phaseNow(s),
    message: "what guards the target's pods gets a copy for the primary's: PodDisruptionBudgets and NetworkPolicies",
    actions: [{ kind: "ensureCompanions", of: "guards" }],
    recheckAfterMs: 0,
  };
}

/** Remembers the target's autoscaler, and below what the primary must not be scaled while its traffic is elsewhere. */
export function pinFloor(s: Situation): Answered | undefined {
  const held = s.memory.autoscaler;
  // The copy of one that is gone goes first; only then is it forgotten.
  if (s.autoscaler === undefined && !s.companions.autoscaler) return undefined;
  const wanted = s.autoscaler === undefined ? undefined : withFloor(s, s.autoscaler);
  if (same(held, wanted)) return undefined;
  return {
    phase: phaseNow(s),
    message: floorSentence(wanted),
    actions: [],
    memory: { autoscaler: wanted },
    recheckAfterMs: 0,
  };
}

type Remembered = NonNullable<Situation["memory"]["autoscaler"]>;

function withFloor(s: Situation, { kind, name }: NonNullable<Situation["autoscaler"]>): Remembered {
  const { floor, releaseAt } = s.memory.autoscaler ?? {};
  const { promoted, rollback } = s.memory;
  if (s.rollout !== undefined || rollback !== undefined || promoted === undefined) {
    const pinned = floor !== undefined && releaseAt === undefined;
    // What serves in its place during a Rollback is what it has to carry afterwards.
    const kept = rollback === undefined ? 0 : (s.previous?.replicas ?? 0);
    return { kind, name, floor: pinned ? floor : Math.max(1, s.primary?.replicas ?? 1, kept, floor ?? 0) };
  }
  if (floor === undefined) return { kind, name };
  const latest = timestamp(s.now + METRICS_LAG_MS);
  // A clock that was set back must not hold it for ever.
  const until = releaseAt === undefined || Date.parse(releaseAt) > Date.parse(latest) ? latest : releaseAt;
  return Date.parse(until) <= s.now ? { kind, name } : { kind, name, floor, releaseAt: until };
}

function same(a: Remembered | undefined, b: Remembered | undefined): boolean {
  return a?.kind === b?.kind && a?.name === b?.name && a?.floor === b?.floor && a?.releaseAt === b?.releaseAt;
}

function floorSentence(wanted: Remembered | undefined): string {
  if (wanted === undefined) return "the target has no autoscaler any more";
  const { kind, name, floor, releaseAt } = wanted;
  if (floor === undefined) return `${kind} ${name}: the primary's copy scales as it does`;
  const bound = `${kind} ${name}: the primary's copy does not go below ${floor}`;
  return releaseAt === undefined ? bound : `${bound} until it has measured the traffic that came back`;
}

/**
 * Pins the floor of a primary that is taken back as well: it has no load while the kept pods serve. The Services moved
 * first, which no autoscaler can hinder.
 */
export function pinForRollback(s: Situation): Answered | undefined {
  return s.memory.rollback === undefined ? undefined : (pinFloor(s) ?? copyAutoscaler(s));
}

/** Milliseconds until the floor is released; undefined when none is about to be. */
export function floorLeftMs(s: Situation): number | undefined {
  const { releaseAt } = s.memory.autoscaler ?? {};
  return releaseAt === undefined ? undefined : Math.max(0, Date.parse(releaseAt) - s.now);
}

/** Gives the primary a copy of the target's autoscaler, and keeps it like its original, but for the floor. */
export function copyAutoscaler(s: Situation): Answered | undefined {
  if (s.companions.autoscaler) return undefined;
  const what =
    s.autoscaler === undefined
      ? "the copy of an autoscaler that is gone"
      : `the copy of ${s.autoscaler.kind} ${s.autoscaler.name}`;
  return {
    phase: phaseNow(s),
    message: s.autoscaler === undefined ? `removing ${what}` : `bringing ${what} up to date for the primary`,
    actions: [{ kind: "ensureCompanions", of: "autoscaler" }],
    recheckAfterMs: 0,
  };
}

/**
 * Lets the user's autoscaler go on with the canary. One that may go down to 0 stays paused: it would take a canary away
 * that has no traffic yet, and the pods for a share are asked for anyway.
 */
export function resumeAutoscaler(s: Situation): Answered | undefined {
  const { rollout, autoscaler } = s;
  if (rollout === undefined || autoscaler?.paused !== true || autoscaler.min === 0) return undefined;
  return {
    phase: phaseOf(s),
    message: `${autoscaler.kind} ${autoscaler.name} takes over the canary`,
    actions: [{ kind: "resumeAutoscaler" }],
    recheckAfterMs: 0,
  };
}

/** Waits for a primary that was scaled to 0 for want of work: it has to carry what the canary does not. */
export function wakePrimary(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined || s.autoscaler === undefined || s.used) return undefined;
  if (s.services.primary.ready > 0 || !isUsed(stepShare(s, rollout))) return undefined;
  const since = rollout.waitingSince;
  const { waitingSince: _waiting, ...rest } = rollout;
  return {
    phase: phaseOf(s),
    message: `waiting for the primary, which its autoscaler had at 0: ${podsTrouble(s.primary)}`,
    actions: [],
    // The canary's deadline does not count for this.
    ...(since === undefined ? {} : { memory: { rollout: rest } }),
    recheckAfterMs: TROUBLE_PERIOD_MS,
  };
}

/**
 * Asks for the pods that the step wants, beyond what the autoscaler gave, and holds at the weight that the ready ones
 * carry until they are there. It asks again whenever they are taken away.
 */
export function waitForCapacity(s: Situation): Answered | undefined {
  const { rollout, autoscaler } = s;
  if (rollout === undefined || autoscaler === undefined) return undefined;
  const wanted = stepShare(s, rollout);
  if (sameShare(shareOf(rollout), wanted) || hasPods(s, rollout)) return undefined;
  const asked = scaleUp(s, rollout);
  const actions = asked === undefined ? [] : [asked];
  const { ready } = s.services.canary;
  const message = `${stepOf(s, rollout)}: ${showShare(rollout)}, not yet ${showShare(wanted)}, for ${ready} of ${stepPods(s, rollout)} pods are ready; ${autoscaler.kind} ${autoscaler.name} has the say over their number`;
  const since = rollout.waitingSince ?? timestamp(s.now);
  const memory = { rollout: { ...rollout, waitingSince: since } };
  const leftMs = s.canary.spec.progressDeadlineSeconds * 1_000 - elapsedMs(s.now, since);
  if (leftMs > 0) {
    return { phase: phaseOf(s), message, actions, memory, recheckAfterMs: Math.min(leftMs, TROUBLE_PERIOD_MS) };
  }
  // Its pods are fine, so it is not taken back: it has been given fewer than its share needs.
  const hint = `${message}: raise its minimum or maximum, or lower the weight`;
  const awaiting = { reason: "AwaitingCapacity", message: hint };
  return { phase: "Paused", message: hint, actions, memory, awaiting, recheckAfterMs: TROUBLE_PERIOD_MS };
}

function phaseNow(s: Situation): Answered["phase"] {
  return s.canary.status?.phase ?? "Initializing";
}

function phaseOf({ rollout }: Situation): Answered["phase"] {
  return rollout?.promoting === true ? "Promoting" : "Progressing";
}
