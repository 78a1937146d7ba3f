import type { RolloutMemory } from "../../api/status.ts";
import { canCarry, hasPods, park } from "../capacity.ts";
import { canRestore, endOf, GOES_ON, podsTrouble, primaryHasRevision, primarySize, waitOrTell } from "../rollout.ts";
import { durationOf, elapsedMs, timestamp } from "../situation.ts";
import type { Answered, Situation } from "../situation.ts";
import { waitForCarriers } from "./inPlace.ts";
import { lackOfPrevious, noteKept } from "./previous.ts";
import { bringIntoEffect, shiftTo, waitUntilKnown, withFrozenPods } from "../traffic.ts";

/** Waits for the requests that the primary still works on, before it changes. */
export function drainPrimary(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout?.promoting !== true || primaryHasRevision(s, rollout)) return undefined;
  const left = s.drainMs - elapsedMs(s.now, rollout.effectiveSince);
  if (left <= 0) return undefined;
  return {
    phase: "Promoting",
    message: "the canary serves everyone; draining the primary before it changes",
    actions: [],
    recheckAfterMs: left,
  };
}

/** Gives the primary the revision that was judged, while the canary serves everyone. */
export function updatePrimary(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout?.promoting !== true || primaryHasRevision(s, rollout)) return undefined;
  const carriers = waitForCarriers(s, "Promoting");
  if (carriers !== undefined) return carriers;
  const { keepingSince: _keeping, ...rest } = rollout;
  return {
    phase: "Promoting",
    message: `the primary changes to revision ${rollout.revision}`,
    actions: [{ kind: "ensurePrimary", ...primarySize(s), revision: rollout.revision }],
    memory: { rollout: { ...rest, waitingSince: timestamp(s.now) } },
    ...lackOfPrevious(s),
  };
}

/** Takes everyone back to the canary when the primary loses its last ready pod while the traffic returns to it. */
export function returnToCanary(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined || !primaryHasRevision(s, rollout) || s.services.primary.ready > 0) return undefined;
  if (rollout.weight === 0 || rollout.weight === 100 || !hasPods(s, rollout)) return undefined;
  const { returnStep: _step, ...rest } = rollout;
  return shiftTo(s, {
    phase: "Promoting",
    rollout: { ...rest, waitingSince: timestamp(s.now) },
    weight: 100,
    message: `the primary has no ready pod left: the canary serves everyone again (${podsTrouble(s.primary)})`,
  });
}

/** Keeps everyone on the canary until the changed primary is ready: the canary is the only known-good copy. */
export function waitForPrimary(s: Situation): Answered | undefined {
  const { rollout, primary } = s;
  if (rollout === undefined || primary === undefined || !primaryHasRevision(s, rollout)) return undefined;
  // Everyone has returned to a primary that was ready.
  if (rollout.weight === 0 && rollout.waitingSince === undefined) return undefined;
  if (primary.settled && s.services.primary.ready >= primary.replicas) return undefined;
  // It had lost all its pods.
  const weight = rollout.weight === 0 && canCarry(s, rollout) ? 100 : rollout.weight;
  const message = "the canary's pods are ready: it serves everyone until the primary is";
  const moving = bringIntoEffect(s, { phase: "Promoting", rollout, weight, message });
  if (moving !== undefined) return weight === 0 ? moving : withFrozenPods(s, moving);
  const trouble = podsTrouble(primary);
  // A crash may have lost the moment: the clock then starts now.
  const since = rollout.waitingSince ?? timestamp(s.now);
  const { podsReadySince: _ready, ...unready } = rollout;
  const wait = waitOrTell(s, { since, reason: "PrimaryNotReady", message: `${trouble}; ${wayOut(s)}` });
  if (wait.stalled === undefined) {
    return {
      phase: "Promoting",
      message: `waiting for the primary: ${trouble}`,
      actions: [],
      memory: { rollout: { ...unready, waitingSince: since } },
      ...wait,
    };
  }
  return {
    phase: "Promoting",
    message: `${rollout.weight === 0 ? "no canary pod is ready either" : "the canary goes on serving everyone"}: the primary does not get ready (${trouble})`,
    actions: [],
    ...wait,
  };
}

function wayOut(s: Situation): string {
  if (!canRestore(s)) return GOES_ON;
  return `${GOES_ON}. Else release a fix, which is judged like any revision, or create a CanaryAction Abort: either puts revision ${s.memory.promoted?.revision ?? ""} back on the primary first`;
}

/** Returns the traffic to the primary, which now runs the new revision, in the steps that the user wants. */
export function returnTraffic(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined || !primaryHasRevision(s, rollout)) return undefined;
  if (rollout.weight > 0 && rollout.returnStep === undefined) {
    const message = "the primary's pods are ready: the data plane gets to know them";
    const unknown = waitUntilKnown(s, { phase: "Promoting", rollout, message });
    if (unknown !== undefined) return unknown;
  }
  const { waitingSince: _waiting, ...ready } = rollout;
  const index = rollout.returnStep ?? 0;
  const step = s.returnSteps[index];
  if (step === undefined) {
    const message = "the primary is ready: it takes the traffic back";
    return bringIntoEffect(s, { phase: "Promoting", rollout: ready, weight: 0, message });
  }
  // An edit of the list never takes users from the primary again.
  const weight = Math.min(step.weight, rollout.weight);
  const message = `the primary takes the traffic back, step ${index + 1}/${s.returnSteps.length}: ${100 - weight} %`;
  const moving = bringIntoEffect(s, {
    phase: "Promoting",
    rollout: { ...ready, returnStep: index },
    weight,
    message,
  });
  if (moving !== undefined) return moving;
  const left = durationOf(step.hold) - elapsedMs(s.now, rollout.effectiveSince);
  if (left > 0) return { phase: "Promoting", message, actions: [], recheckAfterMs: left };
  const { effectiveSince: _effective, effectBy: _by, ...next } = ready;
  return {
    phase: "Promoting",
    message,
    actions: [],
    memory: { rollout: { ...next, returnStep: index + 1 } },
    recheckAfterMs: 0,
  };
}

/** Waits for the requests that the canary's pods still work on. */
export function drainCanary(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined || !primaryHasRevision(s, rollout)) return undefined;
  const left = s.drainMs - elapsedMs(s.now, rollout.effectiveSince);
  if (left <= 0) return undefined;
  return {
    phase: "Promoting",
    message: "the primary serves everyone; draining the canary",
    actions: [],
    recheckAfterMs: left,
  };
}

/** Ends a rollout well. */
export function finishPromotion(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined || !primaryHasRevision(s, rollout)) return undefined;
  const { revision, images, release, skipped } = rollout;
  const message = `revision ${revision} is promoted${unproved(rollout)}`;
  return {
    phase: "Succeeded",
    message,
    actions: [park(s)],
    memory: {
      rollout: undefined,
      failed: undefined,
      ...noteKept(s),
      promoted: {
        revision,
        ...(images === undefined ? {} : { images }),
        ...(release === undefined ? {} : { release }),
        time: timestamp(s.now),
      },
    },
    ended: endOf(s, {
      rollout,
      outcome: skipped === undefined ? "Succeeded" : "Skipped",
      rule: "finishPromotion",
      message,
    }),
    recheckAfterMs: 0,
  };
}

/** Why it was promoted though no check has said yes to it: nobody is to find that out later. */
function unproved({ skipped, undecided }: RolloutMemory): string {
  if (skipped !== undefined) {
    const { by, reason } = skipped;
    return ` without analysis, as ${by} asked${reason === undefined ? "" : `: ${reason}`}`;
  }
  return undecided === undefined ? "" : `, undecided, since onUndecided is Promote: ${undecided}`;
}
