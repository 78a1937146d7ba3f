import { readFileSync } from "node:fs";
import { z } from "zod";
import { messageOf } from "../../../src/lib/errors.ts";

/** A number, or `[minute, number]` points with straight lines between them. */
const curve = z.union([z.number(), z.array(z.tuple([z.number(), z.number()])).min(1)]);
export type Curve = z.output<typeof curve>;

const share = z.number().min(0).max(1);

const latency = z.strictObject({
  /** Log-normal: half of the requests are slower than this, in ms. */
  medianMs: curve.default(100),
  sigma: z.number().positive().default(0.4),
  /** A part of the requests that is slower (or faster) than the rest. */
  part: z
    .strictObject({ share, medianMs: z.number().positive(), sigma: z.number().positive().default(0.4) })
    .optional(),
});

const endpoint = z.strictObject({
  share,
  errorRate: curve.default(0),
  latency: latency.default({ medianMs: 100, sigma: 0.4 }),
});

const arm = z.strictObject({
  errorRate: curve.default(0.001),
  latency: latency.default({ medianMs: 100, sigma: 0.4 }),
  /** Instead of the two above: kinds of requests with rates of their own. */
  endpoints: z
    .array(endpoint)
    .min(1)
    .refine(
      (kinds) => Math.abs(kinds.reduce((sum, kind) => sum + kind.share, 0) - 1) < 1e-6,
      "the shares must sum to 1",
    )
    .optional(),
  /** Errors come in clusters of this mean size. */
  clusterSize: z.number().min(1).default(1),
  /** Some of the pods are bad: the share of the arm's requests that they get, and their error rate. */
  badPods: z.strictObject({ share: z.number().min(0).max(0.5), errorRate: share }).optional(),
  /** After the first weight, a share of the requests takes longer by this factor. */
  coldStart: z.strictObject({ seconds: z.number(), share, factor: z.number().positive() }).optional(),
});

const outage = z.strictObject({
  fromMinute: z.number(),
  toMinute: z.number(),
  /** Both arms fail at least so often. */
  errorRate: share,
  /** Clients retry: so many times the traffic. */
  trafficFactor: z.number().positive().default(1),
  /** Mean cluster size of the errors meanwhile, where it is larger than the arm's. */
  clusterSize: z.number().min(1).default(1),
});

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
  traffic: curve.default(1),
  intervalSeconds: z.number().positive().default(30),
  /** Canary weights in percent, each held for `stepSeconds`; the last one until the end. */
  weights: z.array(z.number().positive().max(100)).min(1).default([5, 10, 20, 30, 40, 50]),
  stepSeconds: z.number().positive().default(60),
  /** No promotion before. */
  minMinutes: z.number().default(6),
  /** Whether the judge knows the primary's hour before. */
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

export type Scenario = z.output<typeof scenarioSchema>;
export type Arm = Scenario["primary"];
export type Latency = z.output<typeof latency>;
export type Endpoint = z.output<typeof endpoint>;

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

/** The value of a curve at a minute. */
export function valueAt(points: Curve, minute: number): number {
  if (typeof points === "number") return points;
  const after = points.findIndex(([at]) => at > minute);
  const right = points[after === -1 ? points.length - 1 : after];
  const left = points[after === -1 ? points.length - 1 : Math.max(0, after - 1)];
  if (left === undefined || right === undefined) return 0;
  if (right[0] <= left[0] || minute <= left[0]) return left[1];
  return left[1] + ((right[1] - left[1]) * (minute - left[0])) / (right[0] - left[0]);
}
