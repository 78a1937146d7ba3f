import { z } from "zod";
import { duration, listSet, withRules } from "../schema.ts";
import type { CheckBasics } from "./common.ts";
import { countersSchema, countingFields, dataPlaneField } from "./counters.ts";

/** What of the requests is compared. */
export const signals = ["Errors", "Latency"] as const;
export type Signal = (typeof signals)[number];

const points = z.number().min(0.01).max(50);

/** The block `comparison` of a check. */
export const comparisonSchema = withRules(
  z.object({
    signals: listSet(z.array(z.enum(signals)).min(1).max(2))
      .optional()
      .describe("What of the requests is compared. Left out: errors, and latency where it is measured."),
    dataPlane: dataPlaneField,
    counters: countersSchema.optional().describe("Counters of yours instead of those of the data plane."),
    margin: points
      .optional()
      .describe(
        "The canary passes when its share of bad requests is shown to be less than so many percentage points above the primary's. Left out: 0.88, and 5 for slow requests.",
      ),
    slowerThan: duration({ min: "1ms", max: "5m" })
      .optional()
      .describe(
        "A latency that always counts as slow, when it is in the tail of the histograms and they have this bound, as native ones always have.",
      ),
    ...countingFields,
  }),
  {
    rule: "!has(self.counters) || (!has(self.signals) && !has(self.dataPlane) && !has(self.slowerThan))",
    message: "counters are compared as they are: remove signals, dataPlane and slowerThan, or remove counters",
  },
  {
    rule: "!has(self.slowerThan) || !has(self.signals) || self.signals.exists(signal, signal == 'Latency')",
    message: "has no effect without the signal Latency: add it to signals, or remove slowerThan",
    fieldPath: ".slowerThan",
  },
).describe(
  "Compares the canary with the primary at the same time, by a test that stays valid however often one looks. `{}` is enough: the data plane's metrics are found.",
);

export type Comparison = z.output<typeof comparisonSchema>;

/** A check of the canary against the primary. */
export interface ComparisonCheck extends CheckBasics {
  readonly comparison: Comparison;
}
