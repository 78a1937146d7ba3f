import { z } from "zod";
import { providerRef } from "../query.ts";
import type { Question } from "../query.ts";
import type { CheckBasics } from "./common.ts";

const percent = () => z.number().max(100);

/** The block `saturation` of a check. */
export const saturationSchema = z
  .object({
    maxMemoryPercent: percent()
      .min(1)
      .default(90)
      .describe("Memory in use (the working set) in percent of the container's limit; above it the canary is full."),
    maxCPUPercent: percent()
      .min(1)
      .default(90)
      .describe("CPU in use in percent of the container's limit; above it the canary is full."),
    maxThrottledPercent: percent()
      .min(0)
      .default(25)
      .describe("Percent of the CPU scheduler's periods (CFS) in which a container was held up by its limit."),
    consecutiveFailureLimit: z
      .int()
      .min(1)
      .max(100)
      .default(2)
      .describe("Readings above a maximum in a row that are tolerated; the next one fails the check."),
    providerRef: providerRef.optional(),
  })
  .describe(
    "Looks at how full the canary's containers are, by the metrics of cAdvisor and kube-state-metrics; the fullest container counts. `{}` is enough. Its mode is Report unless it says Gate.",
  );

export type SaturationBlock = z.output<typeof saturationSchema>;

/** A check of CPU, throttling and memory against limits. */
export interface SaturationCheck extends CheckBasics {
  readonly saturation: SaturationBlock;
}

/** The question for which a provider is looked up; the queries are Aviary's own. */
export function saturationQuestion({ name, saturation }: SaturationCheck, query: string): Question {
  return {
    what: `check ${name}`,
    field: `spec.analysis.checks[${name}].saturation`,
    query,
    series: true,
    providerRef: saturation.providerRef,
  };
}
