import { z } from "zod";
import { withRules } from "../api/schema.ts";
import { parseDuration } from "../lib/time.ts";
import {
  connectionFields,
  secretField,
  secretsOfEndpoint,
  secretUse,
  tlsNeedsHttps,
  urlField,
} from "./http/endpoint.ts";
import { newestOf, soleOf } from "./http/rows.ts";
import { several } from "./http/sentences.ts";
import { plainSource } from "./http/source.ts";
import type { HttpApi } from "./http/source.ts";
import { windowField } from "./http/window.ts";
import type { MetricProviderKind } from "./provider.ts";

const schema = withRules(
  z.object({
    url: urlField("https://abc12345.live.dynatrace.com").describe("Address of the environment."),
    token: secretField("the token").describe("API token with the scope `metrics.read`."),
    window: windowField,
    ...connectionFields,
  }),
  tlsNeedsHttps,
).describe("Dynatrace. A query is a metric selector.");

type Block = z.output<typeof schema>;

/**
 * Dynatrace, by metric selectors with one point for the whole window.
 * Source: Dynatrace, Metrics API v2, "GET metric data points" (/api/v2/metrics/query, resolution=Inf).
 */
export const dynatrace: MetricProviderKind<Block> = {
  name: "dynatrace",
  schema,
  secrets: (block) => [...secretsOfEndpoint(block), ...secretUse(block.token.secretRef, "bearerToken")],
  checkQuery: () => undefined,
  windowMs: ({ window }) => parseDuration(window),
  connect: (block, credentials) => plainSource(apiOf(block), block, { credentials, scheme: "Api-Token" }),
};

const success = z.object({
  result: z.array(z.object({ data: z.array(z.object({ values: z.array(z.unknown()) })).optional() })),
});
const failure = z.object({
  error: z.object({
    message: z.string(),
    constraintViolations: z.array(z.object({ message: z.string() })).optional(),
  }),
});

function apiOf({ window }: Block): HttpApi {
  return {
    product: "Dynatrace",
    // Relative times would be in whole minutes at the least.
    ask: (query, nowMs) => ({
      method: "GET",
      path: "/api/v2/metrics/query",
      params: [
        ["metricSelector", query],
        ["from", String(nowMs - parseDuration(window))],
        ["to", String(nowMs)],
        ["resolution", "Inf"],
      ],
    }),
    read({ json }) {
      const parsed = success.safeParse(json);
      if (!parsed.success) return undefined;
      const series = parsed.data.result.flatMap(({ data }) => data ?? []);
      if (series.length > 1) return several(series.length, "series", "put :splitBy() behind the selector");
      return soleOf([newestOf(series[0]?.values ?? [])], "values", "");
    },
    explain({ status, json }) {
      const parsed = failure.safeParse(json);
      if (!parsed.success) return { detail: "", blamesQuery: false };
      const { message, constraintViolations = [] } = parsed.data.error;
      const detail = [message, ...constraintViolations.map((violation) => violation.message)].join("; ");
      return { detail, blamesQuery: status === 400 };
    },
  };
}
