import { sayRequests } from "./checks/shareOfRequests.ts";
import { countReassertion } from "./contention.ts";
import * as adoption from "./rules/adoption.ts";
import * as capacity from "./rules/capacity.ts";
import * as contention from "./rules/contention.ts";
import * as handBack from "./rules/handBack.ts";
import * as inPlace from "./rules/inPlace.ts";
import * as interruptions from "./rules/interruptions.ts";
import * as jobs from "./rules/jobs.ts";
import * as previous from "./rules/previous.ts";
import * as promotion from "./rules/promotion.ts";
import * as repairs from "./rules/repairs.ts";
import * as requests from "./rules/requests.ts";
import * as rest from "./rules/rest.ts";
import * as restoration from "./rules/restoration.ts";
import * as rollback from "./rules/rollback.ts";
import * as stepList from "./rules/stepList.ts";
import * as steps from "./rules/steps.ts";
import * as withdrawal from "./rules/withdrawal.ts";
import { situate } from "./situation.ts";
import type { Rule, Situation } from "./situation.ts";
import type { Decision, Observation } from "./types.ts";

/**
 * The rules in order of precedence: the first that answers decides. This list is the table of contents of what
 * Aviary does; the name of the rule that answered stands in status, events, logs and metrics.
 */
export const rules: readonly Rule[] = [
  // What people ask for; while a Canary is deleted, that it is.
  handBack.letGo,
  requests.answerAgain,
  requests.rollBackOnRequest,
  requests.obeyRequest,

  // The Canary is being deleted.
  handBack.beginHandBack,
  handBack.repairForHandBack,
  handBack.moveTrafficToPrimary,
  handBack.leaveAsItIs,
  handBack.restoreTarget,
  handBack.switchApexBack,
  handBack.switchPrimaryBack,
  handBack.releaseRoute,
  handBack.finishHandBack,

  // What outranks everything else.
  interruptions.keepFrozen,
  // Without a primary there is nobody to give the traffic back to.
  repairs.repairPrimary,
  repairs.repairPrimarySize,
  repairs.repairCanarySize,
  inPlace.carryPrimary,
  inPlace.stopCarrying,
  restoration.leavePrimary,
  restoration.restorePrimary,
  restoration.waitForRestoredPrimary,
  withdrawal.withdrawTraffic,
  withdrawal.drainWithdrawn,
  withdrawal.finishWithdrawal,

  // A promoted version is taken back on request.
  rollback.keepCanaryOut,
  rollback.giveUpRollback,
  rollback.switchToPrevious,
  capacity.pinForRollback,
  rollback.drainForRollback,
  rollback.rollPrimaryBack,
  rollback.waitForRolledBack,
  rollback.switchFromPrevious,
  rollback.drainPrevious,
  rollback.finishRollback,

  // Users first, whatever is wrong with the Canary.
  interruptions.protectUsers,
  interruptions.restartOnNewRevision,
  interruptions.failOnChecks,
  interruptions.failOnDeadline,
  rest.changeRoute,
  rest.refuseInvalid,

  // Adoption of a target that serves already.
  adoption.addFinalizer,
  adoption.createServices,
  adoption.waitForTarget,
  capacity.copyGuards,
  adoption.createPrimary,
  adoption.rememberFound,
  capacity.pinFloor,
  capacity.copyAutoscaler,
  adoption.waitForNewPrimary,
  adoption.routeToPrimary,
  adoption.switchApex,
  adoption.stopFeedingPrimary,
  adoption.drainTarget,
  adoption.finishAdoption,

  // What somebody changed by hand.
  repairs.repairServices,
  repairs.repairApex,
  repairs.repairCopies,
  jobs.removeJobs,
  repairs.repairPrimaryImages,
  repairs.standBehindApex,
  contention.standAside,

  interruptions.honourSuspend,

  // The primary has the new revision: the canary serves everyone until it is ready.
  promotion.returnToCanary,
  promotion.waitForPrimary,
  promotion.returnTraffic,
  promotion.drainCanary,
  promotion.finishPromotion,

  // A step: pods, then weight, then judgement.
  interruptions.waitWhilePaused,
  stepList.followOtherStrategy,
  stepList.followShorterList,
  steps.clearStuckPods,
  steps.renewPods,
  capacity.resumeAutoscaler,
  capacity.wakePrimary,
  steps.scaleCanary,
  steps.waitForCanary,
  steps.waitUntilReachable,
  steps.shiftTraffic,
  capacity.waitForCapacity,
  steps.notePodsReady,
  jobs.runJobs,
  steps.refuseBadQuery,
  steps.waitForApproval,
  steps.holdWeight,
  steps.waitForChecks,
  steps.waitForMinDuration,
  steps.advance,

  // After the last step: everything on the canary, then the primary changes.
  previous.keepPrevious,
  previous.waitForPrevious,
  promotion.drainPrimary,
  promotion.updatePrimary,

  // Nothing is under way.
  previous.dropPrevious,
  rest.keepWeightAtRest,
  rest.startRollout,
  rest.restartPrimary,
  rest.keepAtRest,
  rest.removeOldCopies,
  rest.rest,
];

/** Decides what is to be done about a canary. Pure: the same observation always gives the same decision. */
export function decide(observation: Observation): Decision {
  const situation = situate(observation);
  for (const rule of rules) {
    const answered = rule(situation);
    if (answered === undefined) continue;
    const decision = { ...answered, rule: rule.name, memory: { ...situation.memory, ...answered.memory } };
    return tellOfRequests(situation, tellOfNewTraffic(situation, countReassertion(situation, decision)));
  }
  throw new Error("no rule answered; `rest` must always do so");
}

/** Says once that another `spec.traffic` waits for the end of the rollout. */
function tellOfNewTraffic({ trafficChanged, routeName, canary }: Situation, decision: Decision): Decision {
  const { generation = 0 } = canary.metadata;
  const waits = trafficChanged === true && decision.memory.rollout !== undefined && decision.rule !== "changeRoute";
  if (!waits || (canary.status?.observedGeneration ?? 0) >= generation) return decision;
  const message = `spec.traffic was changed in a rollout: ${routeName ?? "the route"} keeps the traffic until it has ended`;
  return { ...decision, warning: decision.warning ?? { reason: "TrafficChanged", message } };
}

/** Says once for each weight that the canary's part of the requests does not fit it. */
function tellOfRequests({ canary }: Situation, decision: Decision): Decision {
  const requests = decision.memory.rollout?.judging?.requests;
  const before = canary.status?.rollout?.judging?.requests;
  const told = before?.off === true && before.weight === requests?.weight;
  if (requests?.off !== true || told) return decision;
  return { ...decision, warning: decision.warning ?? { reason: "SampleRatio", message: sayRequests(requests) } };
}
