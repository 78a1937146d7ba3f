import { OBEYED_LIMIT } from "../../api/status.ts";
import type { RolloutMemory } from "../../api/status.ts";
import type { Answered, Situation } from "../situation.ts";
import { isLeaving, timestamp } from "../situation.ts";
import { contended } from "../contention.ts";
import {
  canRestore,
  currentStep,
  enterStep,
  newRollout,
  podsTrouble,
  primaryHasRevision,
  stepOf,
  withdraw,
} from "../rollout.ts";
import { clip } from "../../lib/text.ts";
import { keptForMs, previousReady } from "./previous.ts";
import type { Action } from "../actions.ts";
import type { Answer, Memory, Request } from "../types.ts";

/** The effect of an action: a decision, or why it is refused. */
type Obeyed = { readonly decision: Omit<Answered, "answers">; readonly message: string } | { readonly refused: string };

/** Answers a request whose effect is in the status already; only its answer was lost. */
export function answerAgain(s: Situation): Answered | undefined {
  const answers = openRequests(s).flatMap((request): readonly Answer[] => {
    const known = s.memory.obeyed?.find(({ uid }) => uid === request.uid);
    return known === undefined ? [] : [{ request, phase: "Applied", message: known.message }];
  });
  if (answers.length === 0) return undefined;
  const { status } = s.canary;
  return {
    phase: status?.phase ?? "Initializing",
    message: status?.why?.message ?? "",
    actions: [],
    answers,
    statusStays: true,
    recheckAfterMs: 0,
  };
}

function openRequests({ requests }: Situation): readonly Request[] {
  return requests.filter(({ decided }) => decided !== true);
}

/** Rolls back at once when somebody asks for it. Outranks every other request, and every wait. */
export function rollBackOnRequest(s: Situation): Answered | undefined {
  const request = openRequests(s).find(({ action }) => action === "Abort");
  return request === undefined ? undefined : answered(s, request, abort(s, request));
}

/** Does what people and CI ask for, the oldest request first. */
export function obeyRequest(s: Situation): Answered | undefined {
  const request = openRequests(s).find(({ action }) => action !== "Abort");
  return request === undefined ? undefined : answered(s, request, obey(s, request));
}

function answered(s: Situation, request: Request, obeyed: Obeyed): Answered {
  if ("refused" in obeyed) {
    const { status } = s.canary;
    return {
      phase: status?.phase ?? "Initializing",
      message: status?.why?.message ?? obeyed.refused,
      actions: [],
      answers: [{ request, phase: "Refused", message: obeyed.refused }],
      statusStays: true,
      recheckAfterMs: 0,
    };
  }
  const { decision, message } = obeyed;
  return {
    ...decision,
    memory: { ...decision.memory, obeyed: [...unanswered(s), { uid: request.uid, message: clip(message) }] },
    answers: [{ request, phase: "Applied", message }],
    recheckAfterMs: 0,
  };
}

/** What was obeyed and is still asked for. Bounded, so that a status cannot grow without end while nothing can be answered. */
function unanswered({ memory, requests }: Situation): NonNullable<Memory["obeyed"]> {
  const asked = (memory.obeyed ?? []).filter(({ uid }) => requests.some((request) => request.uid === uid));
  return asked.slice(1 - OBEYED_LIMIT);
}

function abort(s: Situation, request: Request): Obeyed {
  const { rollout } = s;
  if (isLeaving(s)) return LEAVES;
  if (s.memory.rollback !== undefined) return { refused: `already under way: ${s.memory.rollback.message}` };
  if (rollout === undefined) return { refused: "there is no rollout to abort" };
  const other = otherRevision(request, rollout.revision);
  if (other !== undefined) return { refused: other };
  if (rollout.withdrawal !== undefined) return { refused: `already under way: ${rollout.withdrawal.message}` };
  if (primaryHasRevision(s, rollout) && !canRestore(s)) {
    return {
      refused: `the primary already runs revision ${rollout.revision}, and the version before it was not noted there; release that one to go back`,
    };
  }
  const message = `aborted${by(request)}`;
  return { decision: withdraw(s, { rollout, outcome: "Failed", rule: "rollBackOnRequest", message }), message };
}

const LEAVES = { refused: "the Canary is being deleted, and hands its traffic back" };

function obey(s: Situation, request: Request): Obeyed {
  const { rollout } = s;
  if (isLeaving(s)) return LEAVES;
  if (s.memory.rollback !== undefined) return { refused: `a Rollback is under way: ${s.memory.rollback.message}` };
  if (request.action === "Rollback") return rollBack(s, request);
  if (request.action === "Retry") return retry(s, request);
  if (request.action === "Skip" && rollout === undefined) return skipFromRest(s, request);
  if (rollout === undefined) return { refused: `there is no rollout to ${request.action.toLowerCase()}` };
  const other = otherRevision(request, rollout.revision) ?? askedBefore(request, rollout);
  if (other !== undefined) return { refused: other };
  if (rollout.withdrawal !== undefined)
    return { refused: `the rollout is being taken back: ${rollout.withdrawal.message}` };
  if (primaryHasRevision(s, rollout)) {
    return { refused: `the primary already runs revision ${rollout.revision}; its promotion is being finished` };
  }
  switch (request.action) {
    case "Approve":
      return approve(s, rollout, request);
    case "Pause":
      return changed({ ...rollout, paused: askedBy(s, request) }, "Paused", `paused${by(request)}`);
    case "Resume":
      return resume(s, rollout, request);
    case "Promote":
      return finishStep(s, rollout, request);
    case "PromoteFull": {
      const { paused: _paused, ...rest } = rollout;
      return changed({ ...rest, promoting: true, unjudged: true }, "Promoting", `promoted unjudged${by(request)}`);
    }
    case "Skip":
      return skipRest(s, rollout, request);
    case "Abort":
      return abort(s, request);
  }
}

/** Begins to take the promoted version back, to the one before whose pods are kept. */
function rollBack(s: Situation, request: Request): Obeyed {
  const { promoted, previous } = s.memory;
  if (s.rollout !== undefined) return { refused: `revision ${s.rollout.revision} is under way; Abort takes it back` };
  const release = "release the version before again, for instance by a git revert";
  if (s.canary.spec.keepPreviousFor === undefined) {
    return { refused: `the pods of the version before are not kept (spec.keepPreviousFor); ${release}` };
  }
  if (promoted === undefined || previous === undefined || keptForMs(s) === 0) {
    return { refused: `the pods of the version before are kept no longer, or there was none; ${release}` };
  }
  const other = otherRevision(request, promoted.revision);
  if (other !== undefined) return { refused: other };
  if (!previousReady(s)) return { refused: `the kept pods are not ready (${podsTrouble(s.previous)}); ${release}` };
  const message = `revision ${promoted.revision} is taken back to ${previous.revision}${by(request)}`;
  const { time: _time, ...taken } = promoted;
  const { until: _until, ...to } = previous;
  const rollback = { ...taken, to, message: clip(message), startedAt: timestamp(s.now) };
  return { decision: { phase: "RollingBack", message, actions: [], memory: { rollback } }, message };
}

/** Ships the revision under way without analysis: its pods, everything on them, then the primary. */
function skipRest(s: Situation, rollout: RolloutMemory, request: Request): Obeyed {
  const { paused: _paused, ...rest } = rollout;
  const message = `revision ${rollout.revision} ships without analysis${by(request)}`;
  return changed({ ...rest, promoting: true, unjudged: true, skipped: askedBy(s, request) }, "Promoting", message);
}

/** The same for a revision that was rolled back, or that has only just come. */
function skipFromRest(s: Situation, request: Request): Obeyed {
  const { target, memory } = s;
  if (target === undefined || memory.promoted === undefined) return { refused: "there is no revision to ship" };
  if (target.incomplete === true) {
    return {
      refused: "some configuration of the target is missing or cannot be read, so its revision is not known yet",
    };
  }
  const { revision } = target.version;
  if (revision === memory.promoted.revision) return { refused: `revision ${revision} is promoted already` };
  const other = otherRevision(request, revision);
  if (other !== undefined) return { refused: other };
  const begun = newRollout(s, target);
  const obeyed = skipRest(s, begun.rollout, request);
  if ("refused" in obeyed) return obeyed;
  const { decision, message } = obeyed;
  const thaw: Action[] = target.frozen ? [{ kind: "thawTarget" }] : [];
  return {
    decision: { ...decision, actions: thaw, memory: { ...begun, ...decision.memory } },
    message,
  };
}

function approve(s: Situation, rollout: RolloutMemory, request: Request): Obeyed {
  const index = currentStep(s, rollout);
  const step = s.steps[index];
  if (rollout.promoting === true || step === undefined || !("pause" in step)) {
    return { refused: `${stepOf(s, rollout)} does not wait for an approval` };
  }
  if (request.step !== undefined && request.step !== index + 1) {
    return { refused: `step ${request.step} is not the one that waits; the current one is ${index + 1}` };
  }
  return changed({ ...rollout, approvedStep: index }, "Progressing", `${stepOf(s, rollout)} approved${by(request)}`);
}

function resume(s: Situation, rollout: RolloutMemory, request: Request): Obeyed {
  const standing = contended(s) !== undefined;
  if (rollout.paused === undefined && !standing) return { refused: "the rollout is not paused by anybody" };
  const { paused: _paused, ...rest } = rollout;
  const obeyed = changed(rest, "Progressing", `resumed${by(request)}`);
  return standing
    ? { ...obeyed, decision: { ...obeyed.decision, memory: { rollout: rest, contention: undefined } } }
    : obeyed;
}

/** Ends the current step now; the next one begins, judged like any other. */
function finishStep(s: Situation, rollout: RolloutMemory, request: Request): Obeyed {
  if (rollout.promoting === true) return { refused: "the last step is done; the rollout is being promoted" };
  const { paused: _paused, ...rest } = rollout;
  const last = rollout.step + 1 >= s.steps.length;
  const next = last ? { ...rest, promoting: true } : enterStep(rest, rollout.step + 1);
  return changed(next, last ? "Promoting" : "Progressing", `${stepOf(s, rollout)} finished${by(request)}`);
}

function retry(s: Situation, request: Request): Obeyed {
  const { failed } = s.memory;
  if (s.rollout !== undefined) return { refused: "a rollout is under way" };
  if (s.target === undefined || failed === undefined || failed.revision !== s.revision) {
    return { refused: "there is no failed revision to retry" };
  }
  const other = otherRevision(request, failed.revision);
  if (other !== undefined) return { refused: other };
  const message = `revision ${failed.revision} is tried again${by(request)}`;
  return {
    decision: {
      phase: "Progressing",
      message,
      actions: [],
      memory: newRollout(s, s.target),
    },
    message,
  };
}

function changed(
  rollout: RolloutMemory,
  phase: Answered["phase"],
  message: string,
): Extract<Obeyed, { readonly message: string }> {
  const awaiting = phase === "Paused" ? { awaiting: { reason: "PausedByRequest", message } } : {};
  return { decision: { phase, message, actions: [], memory: { rollout }, ...awaiting }, message };
}

function askedBy(s: Situation, request: Request): NonNullable<RolloutMemory["paused"]> {
  const reason = request.reason === undefined ? {} : { reason: request.reason };
  return { by: request.requestedBy ?? "somebody", ...reason, since: timestamp(s.now) };
}

function otherRevision(request: Request, revision: string): string | undefined {
  if (request.revision === undefined || request.revision === revision) return undefined;
  return `asked for revision ${request.revision}, but revision ${revision} is under way`;
}

/**
 * A request that names no revision means the rollout that its author saw. One that was made before this rollout began
 * meant another one. Creation is known to the second.
 */
function askedBefore(request: Request, rollout: RolloutMemory): string | undefined {
  if (request.revision !== undefined || request.created === undefined) return undefined;
  if (!(Date.parse(request.created) + 1_000 <= Date.parse(rollout.startedAt))) return undefined;
  return `was asked before the rollout of revision ${rollout.revision} began; ask again, or name the revision`;
}

function by(request: Request): string {
  const who = request.requestedBy === undefined ? "" : ` by ${request.requestedBy}`;
  return request.reason === undefined ? who : `${who}: ${request.reason}`;
}
