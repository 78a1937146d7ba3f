import { z } from "zod";
import { checkSchema } from "./checks/index.ts";
import type { Check } from "./checks/index.ts";
import type { CelRule } from "./schema.ts";
import { duration, listMap, withRules } from "./schema.ts";

/**
 * A rule on `spec`, since a rule on `analysis` would be broken by its own default, which Kubernetes refuses.
 */
export const judgedByWhat: CelRule = {
  rule: "has(self.analysis) && (has(self.analysis.checks) || (has(self.analysis.unjudged) && self.analysis.unjudged))",
  message: "nothing judges the canary: add a check to spec.analysis.checks, or say spec.analysis.unjudged: true",
  reason: "FieldValueRequired",
  fieldPath: ".analysis",
};

/** What a check is when it does not say its mode. */
const gates = "self.checks.exists(check, !has(check.mode) || check.mode == 'Gate')";

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
    checks: listMap(z.array(checkSchema).min(1).max(20), "name").optional().describe("What the canary is judged by."),
  }),
  {
    rule: "!has(self.checks) || !has(self.unjudged) || !self.unjudged",
    message: "unjudged: true and checks exclude each other; remove one of them",
  },
  {
    rule: `!has(self.checks) || ${gates}`,
    message: "every check only reports, so nothing judges the canary: let one have mode Gate",
    fieldPath: ".checks",
  },
);

/** `spec.analysis` with defaults filled in. Durations are texts; `parseDuration` of `lib/time.ts` reads them. */
export interface Analysis extends Omit<z.output<typeof analysisSchema>, "checks" | "unjudged"> {
  /** Empty when the Canary is unjudged. */
  readonly checks: readonly Check[];
  readonly unjudged: boolean;
}
