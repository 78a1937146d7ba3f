import { readFileSync } from "node:fs";
import { z } from "zod";
import { arm, curve, outage, share } from "../../../src/cli/world/arm.ts";
import { messageOf } from "../../../src/lib/errors.ts";

const scenarioSchema = z.strictObject({
  name: z.string().min(1),
  about: z.string().default(""),
  /** What the canary is; the bars follow from it. */
  canaryIs: z.enum(["healthy", "regression"]),
  /** Of a healthy one: the share of rollbacks that is tolerated, in percent. */
  tolerated: z.number().default(1),
  /** Of a regression: errors × 5 or more, or 10 points; it must not be promoted. */
  gross: z.boolean().default(false),
  /** Requests per second of the whole service. */
  rates: z.array(z.number().positive()).min(1).default([5, 50, 500]),
  /** Factor on the rate over time. */
  traffic: curve().default(1),
  intervalSeconds: z.number().positive().default(30),
  /** Canary weights in percent, each held for `stepSeconds`; the last one until the end. */
  weights: z.array(z.number().positive().max(100)).min(1).default([5, 10, 20, 30, 40, 50]),
  stepSeconds: z.number().positive().default(60),
  /** No promotion before. */
  minMinutes: z.number().default(6),
  /** Whether the judge knows the primary's hours before. */
  history: z.boolean().default(true),
  maxMinutes: z.number().default(36),
  primary: arm.prefault({}),
  canary: arm.prefault({}),
  outages: z.array(outage).default([]),
  /** More good/bad counters, each with a comparison of its own. */
  metrics: z.array(z.strictObject({ name: z.string(), primary: share, canary: share })).default([]),
  /** Also an SLO on the canary's errors: percent of requests that are to be good. */
  objective: z.number().gt(0).lt(100).optional(),
});

/** A scenario that a program makes up. */
export function scenarioOf(given: z.input<typeof scenarioSchema>): Scenario {
  return scenarioSchema.parse(given);
}

export type Scenario = z.output<typeof scenarioSchema>;

/**
 * The scenarios of a file: one object, or a list of them.
 * @throws Error that names the file and the field.
 */
export function readScenarios(file: string): Scenario[] {
  const content = readJson(file);
  const parsed = z.array(scenarioSchema).safeParse(Array.isArray(content) ? content : [content]);
  if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`${file}: ${messageOf(error)}`, { cause: error });
  }
}
