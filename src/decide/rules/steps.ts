import { namesOf } from "../../lib/names.ts";
import { clip } from "../../lib/text.ts";
import { formatDuration } from "../../lib/time.ts";
import { isUsed, showShare } from "../../api/share.ts";
import type { CheckStatus, RolloutMemory } from "../../api/status.ts";
import { notPassing, refusedCheck } from "../checks/index.ts";
import { carriedShare, hasPods, neededPods, scaleUp } from "../capacity.ts";
import { currentStep, enterStep, isPreview, podsTrouble, stepOf, stepShare, withdraw } from "../rollout.ts";
import { durationOf, elapsedMs, isWeightStep, timestamp, TROUBLE_PERIOD_MS } from "../situation.ts";
import type { Answered, Situation } from "../situation.ts";
import { isAsked } from "../strategy.ts";
import { nextReadingMs, waiting } from "../due.ts";
import { firstCountedMs } from "../tile.ts";
import { bringIntoEffect, followsAgain, keepWeight, waitUntilKnown, withFrozenPods } from "../traffic.ts";

function phaseOf(rollout: RolloutMemory): "Promoting" | "Progressing" {
  return rollout.promoting === true ? "Promoting" : "Progressing";
}

/** Lets the pods go that were started with an older configuration: the new one reaches pods only when they start. */
export function renewPods(s: Situation): Answered | undefined {
  const { rollout, target } = s;
  if (rollout?.renewPods !== true || target === undefined) return undefined;
  const phase = phaseOf(rollout);
  const message = "the pods that hold an older configuration go before the canary starts";
  if (target.replicas > 0) return { phase, message, actions: [{ kind: "parkTarget", replicas: 0 }] };
  if (!target.settled) return { phase, message, actions: [], recheckAfterMs: TROUBLE_PERIOD_MS };
  const { renewPods: _renewed, ...rest } = rollout;
  return {
    phase,
    message: "the canary's pods start with their configuration",
    actions: [],
    memory: { rollout: rest },
    recheckAfterMs: 0,
  };
}

/** Gives the canary pods for the weight of this step, before the weight. */
export function scaleCanary(s: Situation): Answered | undefined {
  const { rollout } = s;
  // With an autoscaler traffic for the pods that are there comes first: that is what makes it keep more of them.
  if (rollout === undefined || (s.autoscaler !== undefined && carriedShare(s, rollout) !== undefined)) return undefined;
  const action = scaleUp(s, rollout);
  if (action === undefined) return undefined;
  // The canary had as many before: somebody has taken them away. An autoscaler may.
  const had = rollout.waitingSince !== undefined || rollout.effectiveSince !== undefined;
  return {
    ...(had && s.autoscaler === undefined ? { reasserts: "Replicas" } : {}),
    phase: phaseOf(rollout),
    message: `scaling the canary to ${sizeFor(s, rollout)} for ${isPreview(s, rollout) ? "its preview" : showShare(stepShare(s, rollout))}`,
    actions: [action],
    memory: { rollout: { ...rollout, waitingSince: rollout.waitingSince ?? timestamp(s.now) } },
  };
}

function sizeFor(s: Situation, rollout: RolloutMemory): string {
  return s.target?.perNode === true ? "every node" : String(neededPods(s, rollout));
}

/**
 * Lets pods of an older template go first where they keep its controller from trying the newest: nobody is behind
 * them.
 */
export function clearStuckPods(s: Situation): Answered | undefined {
  const { rollout, target } = s;
  if (rollout === undefined || target?.stuck !== true || rollout.weight > 0 || s.route.weight !== 0) return undefined;
  return {
    phase: phaseOf(rollout),
    message: "pods of the revision before do not get ready and are in the way: scaling the canary to 0 first",
    actions: target.replicas > 0 ? [{ kind: "parkTarget", replicas: 0 }] : [],
  };
}

/** Waits until the canary's pods are ready and reachable through its Service. */
export function waitForCanary(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined) return undefined;
  if (carriedShare(s, rollout) !== undefined) return undefined;
  const since = rollout.waitingSince ?? timestamp(s.now);
  const leftMs = s.canary.spec.progressDeadlineSeconds * 1_000 - elapsedMs(s.now, since);
  const phase = phaseOf(rollout);
  const kept = keepWeight(s, { phase, rollout, message: "" });
  if (kept !== undefined && kept.actions.length > 0) return kept;
  const { podsReadySince: _ready, ...unready } = rollout;
  if (followsAgain(s, rollout)) {
    const message = "nobody is behind the canary's pods: they follow their template again";
    return {
      phase,
      message,
      actions: [{ kind: "thawTarget" }],
      memory: { rollout: { ...unready, waitingSince: since } },
    };
  }
  return {
    phase,
    message: `waiting for ${neededPods(s, rollout)} ready canary pods: ${podsTrouble(s.target)}`,
    actions: [],
    memory: { rollout: { ...unready, waitingSince: since } },
    recheckAfterMs: Math.max(0, Math.min(leftMs, TROUBLE_PERIOD_MS)),
  };
}

/** Waits until the data plane knows the canary's pods, before their first request. */
export function waitUntilReachable(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined || s.used || !isUsed(stepShare(s, rollout))) return undefined;
  const message = "the canary's pods are ready: the data plane gets to know them";
  return waitUntilKnown(s, { phase: phaseOf(rollout), rollout, message });
}

/** Freezes the canary's pods, gives them the share of this step, and waits until it is in effect. */
export function shiftTraffic(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined || s.target === undefined) return undefined;
  const share = carriedShare(s, rollout) ?? stepShare(s, rollout);
  const { waitingSince: _waiting, ...ready } = rollout;
  const message =
    rollout.promoting === true
      ? "all steps passed: everything goes to the canary before the primary changes"
      : `${stepOf(s, rollout)}: ${showShare(share)}`;
  const moving = bringIntoEffect(s, { phase: phaseOf(rollout), rollout: ready, ...share, message });
  // Whatever Git applies meanwhile; who thaws them later meets `keepFrozen`.
  return moving === undefined || !isUsed(share) ? moving : withFrozenPods(s, moving);
}

/** Forgets a wait for pods that are ready again, so that the next one has its whole deadline. */
export function notePodsReady(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout?.waitingSince === undefined) return undefined;
  const { waitingSince: _waiting, ...ready } = rollout;
  return {
    phase: phaseOf(rollout),
    message: "the canary's pods are ready",
    actions: [],
    memory: { rollout: ready },
    recheckAfterMs: 0,
  };
}

/** Holds at a query that the back-end refuses: that is the author's mistake, and neither yes nor no. */
export function refuseBadQuery(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined || rollout.promoting === true || rollout.unjudged === true) return undefined;
  const bad = refusedCheck(s.checks);
  if (bad === undefined) return undefined;
  const message = `check ${bad.name}: ${bad.message}. Correct its query in spec.analysis.checks[${bad.name}]`;
  return {
    ...waiting(s),
    phase: "Progressing",
    message,
    actions: [],
    stalled: { reason: "InvalidQuery", message },
  };
}

/** Waits at a pause until somebody approves. */
export function waitForApproval(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined || rollout.promoting === true) return undefined;
  const index = currentStep(s, rollout);
  if (isWeightStep(s.steps[index]) || rollout.approvedStep === index) return undefined;
  const message = `${stepOf(s, rollout)} waits for an approval`;
  return { ...waiting(s), phase: "Paused", message, actions: [], awaiting: { reason: "AwaitingApproval", message } };
}

/** Holds the weight of a step for its time. */
export function holdWeight(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined || rollout.promoting === true) return undefined;
  const left = holdMs(s, rollout) - elapsedMs(s.now, rollout.effectiveSince);
  if (left <= 0) return undefined;
  return {
    phase: "Progressing",
    message: `${stepOf(s, rollout)}: ${held(s, rollout)} for ${formatDuration(holdMs(s, rollout))}`,
    actions: [],
    recheckAfterMs: Math.min(left, nextReadingMs(s)),
  };
}

function held(s: Situation, rollout: RolloutMemory): string {
  if (!isPreview(s, rollout)) return `holding weight ${rollout.weight}${reached(s)}`;
  return `preview of the new version behind Service ${namesOf(s.canary).canaryService}`;
}

/** What whole pods make of the weight, when it is not what was asked for. */
function reached({ route, weight }: Situation): string {
  return route.share === undefined || route.share === weight ? "" : ` (${route.share} % of the pods)`;
}

function holdMs(s: Situation, rollout: RolloutMemory): number {
  const step = s.steps[currentStep(s, rollout)];
  return isWeightStep(step) ? durationOf(step.hold) : 0;
}

/** Holds a step until every check has said yes at its weight; what happens when they do not decide, the user says. */
export function waitForChecks(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined) return undefined;
  const open = openChecks(s, rollout);
  const first = open[0];
  if (first === undefined) return undefined;
  const overtime = elapsedMs(s.now, rollout.effectiveSince) - holdMs(s, rollout);
  const patience = durationOf(s.canary.spec.analysis.undecidedAfter);
  if (overtime < patience) {
    return {
      phase: "Progressing",
      message: `${stepOf(s, rollout)}: ${sentence(first)}`,
      actions: [],
      recheckAfterMs: Math.min(patience - overtime, nextReadingMs(s)),
    };
  }
  return whenUndecided(s, rollout, open);
}

/** Checks that have yet to say yes to the current step. */
function openChecks(s: Situation, rollout: RolloutMemory): readonly CheckStatus[] {
  if (rollout.promoting === true || rollout.unjudged === true) return [];
  if (!isWeightStep(s.steps[currentStep(s, rollout)])) return [];
  return notPassing({
    checks: s.canary.spec.analysis.checks,
    statuses: s.checks.filter((check) => isAsked(s.steps, rollout, check)),
    since: Date.parse(rollout.effectiveSince ?? timestamp(s.now)),
    countedUntil: Date.parse(rollout.firstWeightAt ?? timestamp(s.now)) + firstCountedMs(s.canary),
    mayAdvance: rollout.judging?.mayAdvance === true,
    lastStep: isLastStep(s, rollout),
  });
}

function whenUndecided(s: Situation, rollout: RolloutMemory, open: readonly CheckStatus[]): Answered | undefined {
  const unanswered = open.find((check) => check.verdict === "Error");
  const first = unanswered ?? open[0];
  if (first === undefined) return undefined;
  const policy = s.canary.spec.analysis.onUndecided;
  // A provider that does not answer says nothing about the canary: it is neither promoted nor rolled back for that.
  if (unanswered === undefined && policy === "Promote") return undefined;
  if (unanswered === undefined && policy === "Rollback") {
    const message = `undecided, and onUndecided is Rollback: ${sentence(first)}`;
    return withdraw(s, { rollout, outcome: "Failed", rule: "waitForChecks", message });
  }
  const message = `${stepOf(s, rollout)} is held: ${sentence(first)}`;
  const reason = unanswered === undefined ? "Undecided" : "MetricsUnavailable";
  return { ...waiting(s), phase: "Paused", message, actions: [], awaiting: { reason, message } };
}

function sentence(check: CheckStatus): string {
  return check.verdict === "Pass"
    ? `check ${check.name} has no reading at this weight yet, or the newest ones are doubtful`
    : `check ${check.name}: ${check.message}`;
}

function isLastStep(s: Situation, rollout: RolloutMemory): boolean {
  return currentStep(s, rollout) + 1 >= s.steps.length;
}

/** Keeps the canary under way for as long as the user said, whatever the steps add up to. */
export function waitForMinDuration(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined || rollout.promoting === true || rollout.unjudged === true) return undefined;
  if (!isLastStep(s, rollout)) return undefined;
  const minimum = durationOf(s.canary.spec.analysis.minDuration);
  // What is not counted yet has not been judged; checks that get no answer hold the step before this.
  const { until } = rollout.judging ?? {};
  const left = minimum - elapsedMs(until === undefined ? s.now : Date.parse(until), rollout.firstWeightAt);
  if (minimum === 0 || left <= 0) return undefined;
  return {
    phase: "Progressing",
    message: `last step done; minDuration ${formatDuration(minimum)} is not over`,
    actions: [],
    recheckAfterMs: Math.min(left, nextReadingMs(s)),
  };
}

/** Goes to the next step, or to promotion after the last one. What nobody has decided by then is said, and remembered. */
export function advance(s: Situation): Answered | undefined {
  const { rollout } = s;
  if (rollout === undefined || rollout.promoting === true) return undefined;
  const [open] = openChecks(s, rollout);
  const undecided = open === undefined ? {} : { undecided: clip(sentence(open)) };
  const how = open === undefined ? "" : `, undecided, and onUndecided is Promote: ${sentence(open)}`;
  const index = currentStep(s, rollout);
  if (index + 1 < s.steps.length) {
    return moveOn(s, enterStep(rollout, index + 1), `${stepOf(s, rollout)} done${how}`, "Progressing");
  }
  const promoting: RolloutMemory = { ...rollout, step: index, promoting: true, ...undecided };
  return moveOn(s, promoting, `all steps done: promoting${how}`, "Promoting");
}

/** Takes the first actions of the next step along, so that a step costs one look less. */
function moveOn(s: Situation, next: RolloutMemory, message: string, phase: Answered["phase"]): Answered {
  const later: Situation = { ...s, rollout: next };
  const ready = hasPods(later, next);
  const started = scaleCanary(later) ?? (ready ? (waitUntilReachable(later) ?? shiftTraffic(later)) : undefined);
  return started ?? { phase, message, actions: [], memory: { rollout: next }, recheckAfterMs: 0 };
}
