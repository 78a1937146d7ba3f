import { z } from "zod";
import type { Curve } from "../../lib/curve.ts";

/* What the worlds of `aviary simulate` and the scenarios of the analysis bench have in common. */

const inOrder = (points: readonly (readonly [number, number])[]): boolean =>
  points.every(([minute], index) => minute >= (points[index - 1]?.[0] ?? -Infinity));

/** A number within bounds, or points of such numbers. */
export function curve({ least = 0, most }: { readonly least?: number; readonly most?: number } = {}) {
  const value = most === undefined ? z.number().min(least) : z.number().min(least).max(most);
  const points = z
    .array(z.tuple([z.number(), value], "must be [minute, number]"))
    .min(1)
    .refine(inOrder, "the minutes must not go back");
  return z.custom<Curve>().superRefine((given, context) => {
    const parsed = (Array.isArray(given) ? points : value).safeParse(given);
    for (const { message, path } of parsed.error?.issues ?? []) context.addIssue({ code: "custom", message, path });
  });
}

export const share = z.number().min(0).max(1);

const latency = z.strictObject({
  /** Log-normal: half of the requests are slower than this, in ms. */
  medianMs: curve({ least: 0.001 }).default(100),
  sigma: z.number().positive().default(0.4),
  /** A part of the requests that is slower (or faster) than the rest. */
  part: z
    .strictObject({ share, medianMs: z.number().positive(), sigma: z.number().positive().default(0.4) })
    .optional(),
});

const USUAL_LATENCY = latency.parse({});

const endpoint = z.strictObject({
  share,
  errorRate: curve({ most: 1 }).default(0),
  latency: latency.default(USUAL_LATENCY),
});

/** How one version answers. */
export const arm = z
  .strictObject({
    errorRate: curve({ most: 1 }).optional(),
    latency: latency.optional(),
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
  })
  .superRefine(({ endpoints, errorRate, latency: own }, context) => {
    if (endpoints === undefined || (errorRate ?? own) === undefined) return;
    const field = errorRate === undefined ? "latency" : "errorRate";
    context.addIssue({ code: "custom", path: [field], message: "endpoints have it instead: leave one of them out" });
  })
  .transform(({ errorRate = 0.001, latency: own, ...rest }) => ({
    ...rest,
    errorRate,
    latency: own ?? USUAL_LATENCY,
  }));

/** What happens to both versions for a while. */
export const outage = z.strictObject({
  fromMinute: z.number(),
  toMinute: z.number(),
  /** Both arms fail at least so often. */
  errorRate: share,
  /** Clients retry: so many times the traffic. */
  trafficFactor: z.number().positive().default(1),
  /** Mean cluster size of the errors meanwhile, where it is larger than the arm's. */
  clusterSize: z.number().min(1).default(1),
});

export type Arm = z.output<typeof arm>;
export type Latency = z.output<typeof latency>;
export type Endpoint = z.output<typeof endpoint>;
export type Outage = z.output<typeof outage>;
