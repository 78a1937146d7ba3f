import { z } from "zod";
import { needsInNamespaces, withRules } from "../api/schema.ts";
import { parseDuration } from "../lib/time.ts";
import { googleAuthorizer, googleFields, googleSecrets } from "./cloud/google.ts";
import { plainAuthorizer } from "./http/authorizer.ts";
import { connectionFields, secretsOfEndpoint, tlsNeedsHttps, urlField } from "./http/endpoint.ts";
import { soleOf } from "./http/rows.ts";
import { badQuery, partial, several } from "./http/sentences.ts";
import { httpSource } from "./http/source.ts";
import type { HttpApi } from "./http/source.ts";
import { windowField } from "./http/window.ts";
import type { MetricProviderKind } from "./provider.ts";

const schema = withRules(
  needsInNamespaces(
    z.object({
      project: withRules(z.string().min(1).max(63), {
        rule: "self.matches('^[a-z0-9.:-]+$')",
        message: "must be the id of a project",
      }).describe("Project of Google Cloud."),
      url: urlField("https://monitoring.googleapis.com")
        .default("https://monitoring.googleapis.com")
        .describe("Address of the API."),
      ...googleFields,
      window: windowField.describe("How far back a query looks; its newest point is the reading."),
      ...connectionFields,
    }),
    "serviceAccountSecretRef",
  ),
  tlsNeedsHttps,
).describe(
  "Google Cloud Monitoring. A query is a filter of time series, or JSON with `filter`, `aggregation` and `secondaryAggregation`. For PromQL use `prometheus` with `google`.",
);

type Block = z.output<typeof schema>;

/**
 * Google Cloud Monitoring, by lists of time series.
 * Source: Google Cloud, Monitoring API v3, "projects.timeSeries.list". MQL is not offered, since Google has deprecated it.
 */
export const googleCloudMonitoring: MetricProviderKind<Block> = {
  name: "googleCloudMonitoring",
  schema,
  secrets: (block) => [...secretsOfEndpoint(block), ...googleSecrets(block)],
  checkQuery(_block, query) {
    const parsed = questionOf(query);
    return "wrong" in parsed ? parsed.wrong : undefined;
  },
  windowMs: ({ window }) => parseDuration(window),
  connect(block, credentials, options) {
    const authorizer = googleAuthorizer({ credentials, base: plainAuthorizer(block, credentials), ...options });
    return httpSource({ api: apiOf(block), endpoint: block, credentials, authorizer });
  },
};

const aggregation = z.strictObject({
  alignmentPeriod: z.string().optional(),
  perSeriesAligner: z.string().optional(),
  crossSeriesReducer: z.string().optional(),
  groupByFields: z.array(z.string()).max(10).optional(),
});
const questionSchema = z.strictObject({
  filter: z.string().min(1),
  aggregation: aggregation.optional(),
  secondaryAggregation: aggregation.optional(),
});

function questionOf(query: string): z.output<typeof questionSchema> | { readonly wrong: string } {
  if (!query.trimStart().startsWith("{")) return { filter: query };
  const wrong =
    'a query in JSON looks like {"filter": "metric.type = …", "aggregation": {"perSeriesAligner": "ALIGN_RATE", "crossSeriesReducer": "REDUCE_SUM"}}';
  try {
    const parsed = questionSchema.safeParse(JSON.parse(query));
    return parsed.success ? parsed.data : { wrong };
  } catch {
    return { wrong };
  }
}

/** Google refuses shorter periods of alignment, in seconds. Source: Monitoring API v3, "Aggregation". */
const MIN_ALIGNMENT = 60;

/** Parameters of a URL; a window is the period of an aggregation that has none. */
function paramsOf(
  name: string,
  found: z.output<typeof aggregation> | undefined,
  seconds: number,
): readonly (readonly [string, string])[] {
  if (found === undefined) return [];
  const { groupByFields = [], ...rest } = { alignmentPeriod: `${Math.max(MIN_ALIGNMENT, seconds)}s`, ...found };
  const single = Object.entries(rest).flatMap(([key, value]) => {
    return value === undefined ? [] : [[`${name}.${key}`, value] as const];
  });
  return [...single, ...groupByFields.map((field) => [`${name}.groupByFields`, field] as const)];
}

const point = z.object({
  value: z.object({
    doubleValue: z.unknown().optional(),
    int64Value: z.unknown().optional(),
    boolValue: z.boolean().optional(),
    distributionValue: z.unknown().optional(),
  }),
});
const success = z.object({
  timeSeries: z.array(z.object({ points: z.array(point).optional() })).optional(),
  executionErrors: z.array(z.object({ message: z.string().optional() })).optional(),
});
const failure = z.object({ error: z.object({ message: z.string(), status: z.string().optional() }) });

function apiOf({ project, window }: Block): HttpApi {
  return {
    product: "Google Cloud Monitoring",
    ask(query, nowMs) {
      const question = questionOf(query);
      if ("wrong" in question) return question;
      const seconds = Math.ceil(parseDuration(window) / 1_000);
      const params = [
        ["filter", question.filter],
        ["interval.startTime", new Date(nowMs - seconds * 1_000).toISOString()],
        ["interval.endTime", new Date(nowMs).toISOString()],
        ...paramsOf("aggregation", question.aggregation, seconds),
        ...paramsOf("secondaryAggregation", question.secondaryAggregation, seconds),
      ] as const;
      return { method: "GET", path: `/v3/projects/${project}/timeSeries`, params };
    },
    read({ json }, endpoint) {
      const parsed = success.safeParse(json);
      if (!parsed.success) return undefined;
      const { executionErrors: missing = [] } = parsed.data;
      if (missing.length > 0) return partial(endpoint, missing.map(({ message = "" }) => message).join("; "));
      // Without series the answer is an empty object.
      const [series, ...others] = parsed.data.timeSeries ?? [];
      if (others.length > 0) {
        return several(others.length + 1, "series", "set crossSeriesReducer in its aggregation");
      }
      const [newest] = series?.points ?? [];
      if (newest === undefined) return { kind: "empty" };
      const { doubleValue, int64Value, boolValue, distributionValue } = newest.value;
      if (distributionValue !== undefined) {
        return badQuery("the query gives a distribution, not a number: use an aligner such as ALIGN_PERCENTILE_99");
      }
      return soleOf([doubleValue ?? int64Value ?? (boolValue === undefined ? null : Number(boolValue))], "values", "");
    },
    explain({ status, json }) {
      const parsed = failure.safeParse(json);
      if (!parsed.success) return { detail: "", blamesQuery: false };
      const { message, status: word } = parsed.data.error;
      const unknownMetric = status === 404 && /metric/i.test(message);
      return { detail: message, blamesQuery: (status === 400 && word === "INVALID_ARGUMENT") || unknownMetric };
    },
  };
}
