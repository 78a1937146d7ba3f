import { stepOf } from "../rollout.ts";
import type { Answered, Situation } from "../situation.ts";
import type { Action } from "../actions.ts";

/** Ends Jobs that run on though nobody waits for them any more. */
export function removeJobs(s: Situation): Answered | undefined {
  const stray = s.strayJobs ?? [];
  if (stray.length === 0) return undefined;
  const actions = stray.map(({ metadata }): Action => ({ kind: "removeJob", name: metadata.name }));
  return {
    phase: s.canary.status?.phase ?? "Idle",
    message: `ending ${stray.map(({ metadata }) => `Job ${metadata.name}`).join(", ")}, which nobody waits for any more`,
    actions,
    recheckAfterMs: 0,
  };
}

/** Starts the Jobs by which this step is judged, once its weight is in effect. */
export function runJobs(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined || rollout.promoting === true) return undefined;
  const due = Object.entries(s.jobs ?? {}).filter(([check, { state }]) => {
    return state === "Absent" && s.checks.find(({ name }) => name === check)?.verdict === "Undecided";
  });
  if (due.length === 0) return undefined;
  return {
    phase: "Progressing",
    message: `${stepOf(s, rollout)}: starting ${due.map(([, { name }]) => `Job ${name}`).join(", ")}`,
    actions: due.map(([check]): Action => ({ kind: "runJob", check })),
    recheckAfterMs: 0,
  };
}
