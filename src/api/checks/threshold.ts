import { z } from "zod";
import { providerRef, queryText } from "../query.ts";
import type { Question } from "../query.ts";
import { withRules } from "../schema.ts";
import type { CheckBasics } from "./common.ts";

/** The block `threshold` of a check. */
export const thresholdSchema = withRules(
  z.object({
    query: queryText("A query in the language of the provider, PromQL for most, that gives one number."),
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
    minReadings: z
      .int()
      .min(1)
      .max(1_000)
      .default(1)
      .describe("The check does not pass before it has so many readings with a value in this rollout."),
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
).describe("Fails when readings leave fixed bounds. An empty or unreachable reading is not a failure.");

/** How a check finds its numbers and what it tolerates. */
export type Threshold = z.output<typeof thresholdSchema>;

/** A check of readings against fixed bounds. */
export interface ThresholdCheck extends CheckBasics {
  readonly threshold: Threshold;
}

/** What is wrong with bounds that were put together from several places. */
export function faultOfBounds({ min, max }: Threshold): string | undefined {
  if (min === undefined || max === undefined || min <= max) return undefined;
  return `threshold.min ${min} is above threshold.max ${max}, so no reading could pass`;
}

/** What the check asks. */
export function thresholdQuestion({ name, threshold }: ThresholdCheck): Question {
  const { query, providerRef: ref } = threshold;
  return { what: `check ${name}`, field: `spec.analysis.checks[${name}].threshold.query`, query, providerRef: ref };
}
