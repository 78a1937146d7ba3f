import { z } from "zod";
import { dataPlaneNames } from "./dataPlanes.ts";
import { foreignObject, time } from "./schema.ts";

/** What a check makes of its readings. Only `Fail` counts against a canary. */
export const verdicts = ["Pass", "Fail", "Undecided", "NoData", "Error"] as const;

const counted = (whose: string) =>
  z
    .object({
      total: z.number().min(0).describe("All of them."),
      bad: z.number().min(0).describe("The bad ones among them."),
    })
    .describe(`Requests or events of the ${whose} since the first weight, less the first moments.`);

/** What one test of a check amounts to by now. */
const evidence = z.object({
  signal: z.enum(["Errors", "Latency", "Counters", "Objective"]).describe("What is looked at."),
  verdict: z.enum(verdicts).describe("Verdict of this part of the check."),
  canary: counted("canary"),
  primary: counted("primary").optional(),
  ratio: z
    .number()
    .optional()
    .describe("Share of bad ones of the canary over what it would be if the canary were like the primary."),
  slowerThanMs: z.number().optional().describe("For Latency: a request that took longer is bad, in milliseconds."),
  evidence: z
    .number()
    .describe("How much better 'worse' explains the numbers than 'as good': 1 says nothing, `needed` rolls back."),
  needed: z.number().describe("At this evidence the check fails."),
  dispersion: z.number().describe("How many bad ones come together; evidence counts by so much less."),
  detectable: z
    .object({
      now: z
        .number()
        .optional()
        .describe("So many times the primary's share, or what the objective allows, would have shown by now."),
      next: z.number().optional().describe("A smaller ratio that would show later,"),
      after: z.string().max(32).optional().describe("after so much longer at the newest traffic."),
    })
    .optional()
    .describe("While undecided: what could have been seen."),
});

const shownQuery = z.object({
  what: z.string().max(63).describe("What it counts."),
  query: z.string().max(4096).describe("The query of the newest interval, to be pasted into Prometheus."),
});

/** An element of `status.checks`. */
export const checkStatus = z.object({
  name: z.string().max(63).describe("Name of the check."),
  mode: z.enum(["Report"]).optional().describe("Nothing follows from its verdict."),
  verdict: z.enum(verdicts).describe("What its readings amount to. Only Fail counts against a canary."),
  value: z.number().optional().describe("Last value that was read."),
  message: z.string().max(1024).describe("The verdict as a sentence."),
  query: z.string().max(4096).optional().describe("The query as it was asked."),
  cause: z
    .enum(["Unreachable", "BadQuery"])
    .optional()
    .describe("Behind verdict Error: whether the provider gave no answer or the query is wrong."),
  readings: z.int().min(0).describe("Readings with a value in this rollout."),
  failures: z.int().min(0).describe("Readings outside the bounds in this rollout."),
  consecutiveFailures: z.int().min(0).describe("Readings outside the bounds since the last one inside."),
  lastReading: time
    .optional()
    .describe("When it was last asked; of a slo or comparison: until when both versions have been counted."),
  dataPlane: z.enum(dataPlaneNames).optional().describe("Whose metrics are read."),
  queries: z
    .array(shownQuery)
    .max(8)
    .optional()
    .describe("Of a slo, comparison or saturation: the queries as they were asked."),
  evidence: z.array(evidence).max(4).optional().describe("Of a slo or comparison: the tests and what they amount to."),
});

/** `status.rollout.judging`. */
export const judging = z
  .object({
    asked: time.describe("When numbers were last asked for."),
    until: time.optional().describe("Until when both versions have been counted."),
    mayAdvance: z.boolean().describe("Nothing speaks against the next step."),
    sources: z
      .array(
        z.object({
          check: z.string().max(63).describe("Name of the check."),
          dataPlane: z.enum(dataPlaneNames).describe("Whose metrics."),
          latency: z.boolean().describe("Whether they hold latencies."),
          native: z.boolean().optional().describe("Whether the latencies are in native histograms."),
        }),
      )
      .max(20)
      .optional()
      .describe("What was found at the beginning and is kept for the whole rollout."),
    requests: z
      .object({
        weight: z.int().min(1).max(99).describe("The weight."),
        canary: z.number().min(0).describe("Requests that the canary had at it."),
        primary: z.number().min(0).describe("Requests that the primary had meanwhile."),
        off: z.boolean().optional().describe("The canary's part does not fit the weight."),
      })
      .optional()
      .describe("Who had how many requests at the weight that is in effect."),
    sums: foreignObject().describe("Sums of the tests; for Aviary itself."),
  })
  .describe("What the checks of kind slo and comparison have seen of this rollout.");

export type Verdict = (typeof verdicts)[number];
export type CheckStatus = z.infer<typeof checkStatus>;
export type CheckEvidence = z.infer<typeof evidence>;
export type Judging = z.infer<typeof judging>;
