import type { CanaryStatus } from "../api/status.ts";
import type { Action } from "../decide/actions.ts";
import type { Decision } from "../decide/types.ts";

/** How loudly a decision is told: not at all, in the log, or in an event (and the log). */
export type News = "nothing" | "log" | "event";

/**
 * Whether a person would care. Waits, and the small writes on the way, are for the log: a rollout of many steps would
 * otherwise use up what one object may have of events before its end is told.
 */
export function newsOf(before: CanaryStatus | undefined, decision: Decision): News {
  const { rule, phase, actions, ended, stalled, awaiting } = decision;
  const stalledBefore = before?.conditions?.find(({ type }) => type === "Stalled");
  const reconciling = before?.conditions?.find(({ type }) => type === "Reconciling");
  if (
    ended !== undefined ||
    (before?.phase !== phase && before?.phase !== phaseAfterEnd(decision)) ||
    (stalled !== undefined && stalled.reason !== stalledBefore?.reason) ||
    (awaiting !== undefined && awaiting.reason !== reconciling?.reason) ||
    (stalled === undefined && stalledBefore !== undefined && phase !== "Failed") ||
    actions.some(isLoud)
  ) {
    return "event";
  }
  return before?.why?.rule !== rule || actions.length > 0 ? "log" : "nothing";
}

/** The end of a rollout is told once; coming to rest after it is not news. */
function phaseAfterEnd({ rule, phase }: Decision): string | undefined {
  return rule === "rest" && phase === "Idle" ? "Succeeded" : undefined;
}

/** Whether an action is one that a person would care about, and not a small write on the way. */
export function isLoud({ kind }: Action): boolean {
  switch (kind) {
    case "setWeight":
    case "ensurePrimary":
    case "keepPrevious":
    case "restorePrimary":
    case "restartPrimary":
    case "scalePrimary":
    case "restoreImages":
    case "deletePrimary":
    case "pointService":
    case "restoreTarget":
    case "releaseRoute":
    case "removeFinalizer":
    case "ensureServices":
    case "ensureCopies":
    case "ensureCompanions":
    case "removeCompanions":
    case "runJob":
      return true;
    case "addFinalizer":
    case "feedService":
    case "stopFeed":
    case "scaleTarget":
    case "freezeTarget":
    case "thawTarget":
    case "parkTarget":
    case "removeCopies":
    case "pauseAutoscaler":
    case "resumeAutoscaler":
    case "deletePrevious":
    case "removeJob":
      return false;
  }
}
