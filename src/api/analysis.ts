import { z } from "zod";
import { providerRef, queryText } from "./query.ts";
import type { Question } from "./query.ts";
import type { CelRule } from "./schema.ts";
import { duration, exactlyOneOf, labelName, listMap, withRules } from "./schema.ts";

const threshold = withRules(
  z.object({
    query: queryText("PromQL that gives one number."),
    min: z.number().optional().describe("A reading below it is a failure."),
    max: z.number().optional().describe("A reading above it is a failure."),
    failureLimit: z
      .int()
      .min(0)
      .max(100)
      .default(2)
      .describe("Readings outside the bounds that are tolerated in one rollout; the next one fails the check."),
    consecutiveFailureLimit: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .describe("Readings outside the bounds in a row that are tolerated; the next one fails the check."),
    providerRef: providerRef.optional(),
  }),
  {
    rule: "has(self.min) || has(self.max)",
    message: "needs a bound: set min, max or both",
  },
  {
    rule: "!has(self.min) || !has(self.max) || self.min <= self.max",
    message: "min must not be above max, or no reading could pass",
  },
  {
    rule: "!has(self.consecutiveFailureLimit) || self.consecutiveFailureLimit <= self.failureLimit",
    message: "consecutiveFailureLimit has no effect above failureLimit; raise failureLimit or lower it",
    fieldPath: ".consecutiveFailureLimit",
  },
);

const check = withRules(
  z.object({
    name: labelName().describe("Name of the check, unique in the Canary; status, events and metrics use it."),
    threshold: threshold
      .optional()
      .describe("Fails when readings leave fixed bounds. An empty or unreachable reading is never a failure."),
  }),
  exactlyOneOf(["threshold"]),
);

/**
 * A rule on `spec`, since a rule on `analysis` would be broken by its own default, which Kubernetes refuses.
 */
export const judgedByWhat: CelRule = {
  rule: "has(self.analysis) && (has(self.analysis.checks) || (has(self.analysis.unjudged) && self.analysis.unjudged))",
  message: "nothing judges the canary: add a check to spec.analysis.checks, or say spec.analysis.unjudged: true",
  reason: "FieldValueRequired",
  fieldPath: ".analysis",
};

/** `spec.analysis`. */
export const analysisSchema = withRules(
  z.object({
    interval: duration({ min: "1s", max: "1h" }).default("30s").describe("Time between two readings of a check."),
    minDuration: duration({ min: "1s", max: "168h" })
      .optional()
      .describe("The canary is not promoted before it has had traffic for so long, whatever the steps say."),
    undecidedAfter: duration({ min: "0s", max: "24h" })
      .default("5m")
      .describe("How long a step waits beyond its hold for a check to decide; then `onUndecided` applies."),
    onUndecided: z
      .enum(["Pause", "Promote", "Rollback"])
      .default("Pause")
      .describe(
        "What happens to a step whose checks do not decide: Pause asks a person, Promote goes on to the next step.",
      ),
    unjudged: z
      .boolean()
      .optional()
      .describe("Says that there are to be no checks: every release whose pods get ready is promoted."),
    checks: listMap(z.array(check).min(1).max(20), "name").optional().describe("What the canary is judged by."),
  }),
  {
    rule: "!has(self.checks) || !has(self.unjudged) || !self.unjudged",
    message: "unjudged: true and checks exclude each other; remove one of them",
  },
);

/** How a check finds its numbers and what it tolerates. */
export type Threshold = z.output<typeof threshold>;

/** A check of readings against fixed bounds. */
export interface ThresholdCheck {
  readonly name: string;
  readonly threshold: Threshold;
}

/** Exactly one kind each; told apart by the key of the block, as in the YAML. */
export type Check = ThresholdCheck;

/** What a check asks. */
export function questionOf({ name, threshold }: Check): Question {
  const { query, providerRef: ref } = threshold;
  return { what: `check ${name}`, field: `spec.analysis.checks[${name}].threshold.query`, query, providerRef: ref };
}

export type StoredCheck = z.output<typeof check>;

/** `spec.analysis` with defaults filled in. Durations are texts; `parseDuration` of `lib/time.ts` reads them. */
export interface Analysis extends Omit<z.output<typeof analysisSchema>, "checks" | "unjudged"> {
  /** Empty when the Canary is unjudged. */
  readonly checks: readonly Check[];
  readonly unjudged: boolean;
}
