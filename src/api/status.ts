import { z } from "zod";
import { checkStatus, judging } from "./checkStatus.ts";
import { foreignObject, listMap, time } from "./schema.ts";

export { verdicts } from "./checkStatus.ts";
export type { CheckEvidence, CheckStatus, Judging, Verdict } from "./checkStatus.ts";

/** What a canary is doing, for people. A closed list; conditions say the same to machines. */
export const phases = [
  "Initializing",
  "Idle",
  "Progressing",
  "Paused",
  "Promoting",
  "RollingBack",
  "Succeeded",
  "Failed",
  "Terminating",
] as const;

/** How a rollout ended. */
export const outcomes = ["Succeeded", "Failed", "Superseded", "Reverted", "Skipped"] as const;

/** What Aviary puts back when somebody else changes it. */
export const contendedFields = ["Weight", "Replicas", "Freeze", "ApexSelector", "PrimaryImages"] as const;

/** Keys below `spec.strategy`. */
export const strategyNames = ["canary", "abTest", "blueGreen"] as const;
export type StrategyName = (typeof strategyNames)[number];

const revision = z.string().max(64).describe("Fingerprint of the pod template and its configuration.");
const images = z.array(z.string().max(512)).max(40).describe("Container images of the revision.");
const release = z.string().max(256).describe("Value of the target's annotation `aviary.dev/release`.");

const version = z.object({ revision, images: images.optional(), release: release.optional() });

const outcome = z.enum(outcomes);

const targetStatus = z
  .object({
    kind: z.string().max(63).describe("Kind of the target."),
    name: z.string().max(253).describe("Name of the target."),
    generation: z.int().min(0).describe("Newest generation of the target that was seen."),
    revision: revision.describe("Revision of that generation."),
    release: release.optional(),
    result: outcome.optional().describe("How that revision ended; absent while it is not decided."),
  })
  .describe("For CI: the newest generation of the target and how its revision ended.");

const why = z
  .object({
    rule: z.string().max(63).describe("Name of the rule that decided."),
    message: z.string().max(1024).describe("Its sentence."),
  })
  .describe("Why the canary is in this state.");

const withdrawal = z.object({
  outcome: outcome.describe("Outcome that is recorded when the canary has no traffic any more."),
  rule: z.string().max(63).describe("Name of the rule that decided to take the rollout back."),
  message: z.string().max(1024).describe("Its sentence."),
  restore: z
    .boolean()
    .optional()
    .describe("The primary had changed already: it gets the version before back while the canary serves everyone."),
});

const asked = z.object({
  by: z.string().max(256).describe("Who."),
  reason: z.string().max(1024).optional().describe("Why."),
  since: time.describe("Since when."),
});

const waited = z
  .int()
  .min(0)
  .describe("Seconds that were spent waiting for weights to take effect, all weights of the rollout together.");

const rollout = z
  .object({
    revision,
    images: images.optional(),
    release: release.optional(),
    startedAt: time.describe("When the revision was first seen."),
    strategy: z.enum(strategyNames).optional().describe("The strategy whose steps these are."),
    step: z.int().min(0).describe("Index of the current step, from 0."),
    promoting: z.boolean().optional().describe("The steps are done: 100 %, then the primary changes, then back."),
    returnStep: z.int().min(0).optional().describe("Index of the current step of the traffic's return, from 0."),
    approvedStep: z.int().min(-1).optional().describe("The highest pause step that has been approved."),
    weight: z.int().min(0).max(100).describe("Weight that Aviary wants in effect."),
    matched: z.boolean().optional().describe("Requests that match the A/B test are wanted on the canary as well."),
    mirror: z.int().min(0).max(100).optional().describe("Copies of so many percent of the requests are wanted there."),
    weightSince: time.optional().describe("When that weight was written to the route."),
    weightBefore: z.int().min(0).max(100).optional().describe("The weight that it was before."),
    effectiveSince: time.optional().describe("When that weight came into effect; the analysis clock starts here."),
    firstWeightAt: time.optional().describe("When the canary first had traffic in effect."),
    effectBy: z
      .enum(["Evidence", "Settle"])
      .optional()
      .describe("What says that the weight is in effect: evidence, or the settle time alone."),
    waitedSeconds: waited.optional(),
    waitingSince: time.optional().describe("Since when the canary's pods are awaited."),
    keepingSince: time.optional().describe("Since when the pods of the version before are awaited, which are kept."),
    podsReadySince: time
      .optional()
      .describe("Since when the pods that traffic is to move to have been ready; the data plane has to learn of them."),
    renewPods: z
      .boolean()
      .optional()
      .describe("Pods were there before the rollout began; they go first, since they hold an older configuration."),
    exposed: z.boolean().optional().describe("Whether users have reached this revision."),
    judging: judging.optional(),
    unjudged: z.boolean().optional().describe("Somebody asked for promotion without analysis."),
    paused: asked.optional().describe("A person paused this rollout."),
    skipped: asked.optional().describe("A person asked to ship this revision without analysis."),
    undecided: z
      .string()
      .max(1024)
      .optional()
      .describe("The check that had not said yes when the revision was promoted since `onUndecided` is Promote."),
    withdrawal: withdrawal.optional().describe("The rollout is being taken back: traffic first, then pods."),
  })
  .describe("The rollout under way: all that is remembered between two looks.");

const contention = z.object({
  field: z.enum(contendedFields).describe("What is changed again and again."),
  manager: z.string().max(256).describe("Field manager that changed it last, from `metadata.managedFields`."),
  count: z.int().min(1).describe("How often Aviary has put it back."),
  since: time.describe("When it was put back first."),
  last: time.describe("When it was put back last. It counts as settled some minutes after that."),
});

const trafficUnderWay = z.object({
  router: z.string().max(63).describe("Key of the block below `spec.traffic`."),
  block: foreignObject().describe("The block."),
});

const rollback = version
  .extend({
    to: version.describe("The version that comes back."),
    message: z.string().max(1024).describe("Who asked, and why."),
    startedAt: time.describe("When it was asked for."),
    drainingSince: time.optional().describe("Since when pods that lost their traffic are being drained."),
    waitingSince: time.optional().describe("Since when the primary is awaited with the version before."),
  })
  .describe("The promoted version that is being taken back, on request.");

const obeyed = z.object({
  uid: z.string().max(64).describe("UID of the CanaryAction."),
  message: z.string().max(1024).describe("Its answer."),
});

const historyEntry = z.object({
  revision,
  images: images.optional(),
  release: release.optional(),
  outcome: outcome.describe("How it ended."),
  startedAt: time.describe("When the revision was first seen."),
  finishedAt: time.describe("When it ended."),
  weight: z.int().min(0).max(100).describe("Highest weight that it had reached at the end."),
  waitedSeconds: waited.optional(),
  why,
});

const condition = z.object({
  type: z.string().max(316).describe("Ready, Reconciling, Stalled or Promoted."),
  status: z.enum(["True", "False", "Unknown"]).describe("Whether it holds."),
  reason: z.string().max(1024).describe("Cause in CamelCase, for machines."),
  message: z.string().max(32768).describe("Cause as a sentence."),
  lastTransitionTime: time.describe("When `status` last changed."),
  observedGeneration: z.int().min(0).optional().describe("Generation of the Canary that it speaks about."),
});

/** How many CanaryActions `status.obeyed` keeps. */
export const OBEYED_LIMIT = 20;

/** How many ended rollouts `status.history` keeps. */
export const HISTORY_LIMIT = 10;

export const canaryStatusSchema = z.object({
  observedGeneration: z.int().min(0).optional().describe("Generation of the Canary that this status speaks about."),
  phase: z.enum(phases).optional().describe("What the canary is doing."),
  weight: z.int().min(0).max(100).optional().describe("Percent of requests that go to the canary."),
  share: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe(
      "Without a router: percent of the pods behind the apex Service that are the canary's, which make the weight.",
    ),
  step: z.string().max(16).optional().describe("Current step of all steps, such as `2/6`."),
  why: why.optional(),
  target: version.optional().describe("What the target's template says now."),
  targets: z
    .array(targetStatus)
    .max(1)
    .optional()
    .describe("For CI: the newest generation of the target that was seen, and how its revision ended."),
  promoted: version
    .extend({ time: time.describe("When it was promoted.") })
    .optional()
    .describe("What the primary runs."),
  failed: version
    .extend({ time: time.describe("When it was rolled back."), why })
    .optional()
    .describe("The revision that was rolled back last."),
  previous: version
    .extend({ until: time.describe("When its pods go.") })
    .optional()
    .describe("The version before the promoted one, whose pods are kept for a Rollback."),
  rollback: rollback.optional(),
  obeyed: z
    .array(obeyed)
    .max(OBEYED_LIMIT)
    .optional()
    .describe("CanaryActions that were obeyed, so that none is obeyed twice when its answer is lost."),
  primaryLabel: z
    .object({
      key: z.string().max(316).describe("Key of the label."),
      value: z.string().max(63).describe("The primary's value."),
    })
    .optional()
    .describe("The selector label that tells the primary's pods from the target's; derived once."),
  adopted: z
    .object({
      replicas: z.int().min(0).describe("Replicas of the target."),
      apexSelector: z
        .record(z.string().max(316), z.string().max(63))
        .optional()
        .describe("Selector of the apex Service."),
      weights: z
        .array(
          z.object({
            route: z.string().max(384).describe("Kind, namespace and name of the route, such as `HTTPRoute shop/web`."),
            rule: z.int().min(0).describe("Index of the rule."),
            weights: z
              .array(z.int().min(-1).max(1_000_000))
              .max(16)
              .describe("Weights of its backends, in their order; -1: it had none."),
          }),
        )
        .max(128)
        .optional()
        .describe("Weights that Aviary has to make larger, or to write at all."),
      weightSince: time
        .optional()
        .describe("When the route was told to give the primary everything, as far as that had to be waited for."),
    })
    .optional()
    .describe("What Aviary found at adoption, for handing back."),
  autoscaler: z
    .object({
      kind: z.enum(["HorizontalPodAutoscaler", "ScaledObject"]).describe("Kind of the autoscaler."),
      name: z.string().max(253).describe("Name of the autoscaler."),
      floor: z.int().min(1).optional().describe("The primary's copy does not go below so many replicas."),
      releaseAt: time.optional().describe("When it may again: the traffic has come back, and its metrics follow late."),
    })
    .optional()
    .describe("The target's autoscaler, and what the primary's copy of it is held to."),
  drainingSince: time
    .optional()
    .describe("Since when pods that lost their traffic are being drained, at adoption and at deletion."),
  waitingSince: time.optional().describe("Since when the target's pods are awaited, at deletion."),
  traffic: trafficUnderWay
    .optional()
    .describe("The routes that have the traffic. A change of `spec.traffic` is taken over between two rollouts."),
  contention: z.array(contention).max(5).optional().describe("Who changes back what Aviary has set."),
  rollout: rollout.optional(),
  checks: z.array(checkStatus).max(22).optional().describe("The checks of the rollout under way, or of the last one."),
  runningJobs: z.boolean().optional().describe("Jobs of checks are running."),
  history: z.array(historyEntry).max(HISTORY_LIMIT).optional().describe("Ended rollouts, the newest first."),
  conditions: listMap(z.array(condition).max(8), "type")
    .optional()
    .describe("The state for kstatus, `kubectl wait`, Argo CD and Flux."),
});

export type Phase = (typeof phases)[number];
export type RolloutOutcome = (typeof outcomes)[number];
export type CanaryStatus = z.infer<typeof canaryStatusSchema>;
export type RolloutMemory = z.infer<typeof rollout>;
export type RollbackMemory = z.infer<typeof rollback>;
export type Withdrawal = z.infer<typeof withdrawal>;
export type Contention = z.infer<typeof contention>;
export type ContendedField = Contention["field"];
export type Condition = z.infer<typeof condition>;
export type HistoryEntry = z.infer<typeof historyEntry>;
export type Version = z.infer<typeof version>;
export type Why = z.infer<typeof why>;
