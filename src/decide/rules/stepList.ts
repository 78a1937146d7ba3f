import { enterStep } from "../rollout.ts";
import type { Answered, Situation } from "../situation.ts";
import { nameOf } from "../strategy.ts";

/*
 * What an edit of spec.strategy in the middle of a rollout does. It never promotes by itself, and never takes users
 * further than the steps that are written there now have brought them.
 */

/** Begins with the first step when somebody has chosen another strategy: the steps of the one say nothing of the other's. */
export function followOtherStrategy(s: Situation): Answered | undefined {
  const { rollout } = s;
  const strategy = nameOf(s.canary.spec.strategy);
  if (rollout?.strategy === undefined || rollout.strategy === strategy || rollout.promoting === true) return undefined;
  const { approvedStep: _approved, ...rest } = enterStep(rollout, 0);
  return {
    phase: "Progressing",
    message: `spec.strategy became ${strategy}: going on from its first step`,
    actions: [],
    memory: { rollout: { ...rest, strategy } },
    recheckAfterMs: 0,
  };
}

/**
 * Goes back to the last step when somebody has shortened the list: that step is held, judged and approved like any
 * other, so that an edit of the list never promotes by itself.
 */
export function followShorterList(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined || rollout.promoting === true || rollout.step < s.steps.length) return undefined;
  const { approvedStep: _approved, ...rest } = enterStep(rollout, s.steps.length - 1);
  return {
    phase: "Progressing",
    message: `the list of steps became shorter: going on from its last step, ${s.steps.length}`,
    actions: [],
    memory: { rollout: rest },
    recheckAfterMs: 0,
  };
}
