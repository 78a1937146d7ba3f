import { z } from "zod";
import { withRules } from "../schema.ts";
import type { CheckBasics } from "./common.ts";
import { countersSchema, countingFields, dataPlaneField } from "./counters.ts";

/** The block `slo` of a check. */
export const sloSchema = withRules(
  z.object({
    objective: z
      .number()
      .min(50)
      .max(99.9999)
      .describe("Percent of the requests that must be good, such as 99.9. The canary's requests alone are judged."),
    period: withRules(z.string().max(5), {
      rule: "self.matches('^[1-9][0-9]{0,2}d$')",
      message: "must be a number of days such as 30d",
    })
      .default("30d")
      .describe("Time over which the objective holds. How many requests that is, the last hour tells."),
    budgetPercent: z
      .number()
      .min(0.01)
      .max(100)
      .default(1)
      .describe("Percent of the period's error budget that one canary may burn; beyond it, it is rolled back at once."),
    counters: countersSchema.optional().describe("Counters of yours instead of failed requests at the data plane."),
    dataPlane: dataPlaneField,
    ...countingFields,
  }),
  {
    rule: "!has(self.counters) || !has(self.dataPlane)",
    message: "choose at most one of counters, dataPlane",
  },
).describe("Holds the canary to an objective: by how fast it burns the error budget, however often one looks.");

export type Slo = z.output<typeof sloSchema>;

/** A check of the canary alone against an objective. */
export interface SloCheck extends CheckBasics {
  readonly slo: Slo;
}
