import { z } from "zod";
import { duration, foreignObject } from "../schema.ts";
import type { CheckBasics } from "./common.ts";

const labels = z.record(z.string().max(317), z.string().max(1024));

/** The block `job` of a check. */
export const jobSchema = z
  .object({
    template: z
      .object({
        metadata: z
          .object({
            labels: labels.optional().describe("Labels of the pod. No Service may select it by them."),
            annotations: labels.optional().describe("Annotations of the pod."),
          })
          .optional()
          .describe("Labels and annotations of the pod."),
        spec: foreignObject().describe(
          "The pod, as in a Deployment's template; `restartPolicy` is Never unless it says otherwise. In every text `{{ namespace }}`, `{{ target }}`, `{{ primary }}`, `{{ canary }}` and `{{ interval }}` are filled in.",
        ),
      })
      .describe("What the Job runs."),
    deadline: duration({ min: "10s", max: "6h" })
      .default("10m")
      .describe("How long it may take; a Job that has not ended by then has failed."),
    retries: z.int().min(0).max(10).default(0).describe("How often it is started again when it fails."),
  })
  .describe("Runs a Job in the namespace of the Canary at every step; that it succeeds is the verdict.");

export type JobBlock = z.output<typeof jobSchema>;

/** A check by a Job: a test that runs in the cluster, and whose exit is the verdict. */
export interface JobCheck extends CheckBasics {
  readonly job: JobBlock;
}
