import { z } from "zod";
import { duration, needsInNamespaces, withRules } from "../api/schema.ts";
import { parseDuration } from "../lib/time.ts";
import { awsAuthorizer, awsFields, awsSecrets } from "./cloud/aws.ts";
import { plainAuthorizer } from "./http/authorizer.ts";
import { connectionFields, secretsOfEndpoint, tlsNeedsHttps, urlField } from "./http/endpoint.ts";
import { soleOf } from "./http/rows.ts";
import { partial, several, unreachable } from "./http/sentences.ts";
import { httpSource } from "./http/source.ts";
import type { HttpApi } from "./http/source.ts";
import { windowField } from "./http/window.ts";
import type { MetricProviderKind } from "./provider.ts";

const schema = withRules(
  needsInNamespaces(
    z.object({
      ...awsFields,
      url: urlField("https://monitoring.eu-central-1.amazonaws.com")
        .optional()
        .describe("Address, if it is not that of the region: a VPC endpoint, a partition of its own."),
      window: windowField.describe("How far back a query looks; its newest complete data point is the reading."),
      period: duration({ min: "1s", max: "1h" }).default("1m").describe("Length of a data point."),
      ...connectionFields,
    }),
    "accessKey",
  ),
  tlsNeedsHttps,
).describe(
  "Amazon CloudWatch. A query is an expression (Metrics Insights SQL or metric math), or the MetricDataQueries of GetMetricData as a JSON list.",
);

type Block = z.output<typeof schema>;

/**
 * Amazon CloudWatch, by GetMetricData.
 * Source: AWS, CloudWatch API reference, "GetMetricData", in the protocol of the official SDK: AWS JSON 1.0 with the
 * target GraniteServiceVersion20100801, signed for the service `monitoring`.
 */
export const cloudWatch: MetricProviderKind<Block> = {
  name: "cloudWatch",
  schema,
  secrets: (block) => [...secretsOfEndpoint({ ...block, url: "" }), ...awsSecrets(block)],
  checkQuery({ period }, query) {
    const queries = queriesOf(query, period);
    return "wrong" in queries ? queries.wrong : undefined;
  },
  windowMs: ({ window }) => parseDuration(window),
  connect(block, credentials, options) {
    const endpoint = { ...block, url: block.url ?? addressOf(block.region) };
    const base = plainAuthorizer(endpoint, credentials);
    const authorizer = awsAuthorizer({ identity: block, credentials, base, service: "monitoring", ...options });
    return httpSource({ api: apiOf(block), endpoint, credentials, authorizer });
  },
};

/** China is a partition with a domain of its own. Source: AWS, "Amazon CloudWatch endpoints and quotas". */
function addressOf(region: string): string {
  return `https://monitoring.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
}

const listSchema = z
  .array(
    z.looseObject({
      Id: z.string(),
      ReturnData: z.boolean().optional(),
      Period: z.number().optional(),
      MetricStat: z.looseObject({ Period: z.number().optional() }).optional(),
    }),
  )
  .min(1);

/** `periodSeconds` is the longest of the periods that the data points have. */
type Queries = { readonly list: readonly unknown[]; readonly periodSeconds: number } | { readonly wrong: string };

function queriesOf(query: string, period: string): Queries {
  const seconds = Math.ceil(parseDuration(period) / 1_000);
  if (!query.trimStart().startsWith("[")) {
    return { list: [{ Id: "reading", Expression: query.trim(), Period: seconds }], periodSeconds: seconds };
  }
  const wrong = 'a query in JSON is a list of MetricDataQueries, such as [{"Id": "a", "MetricStat": {…}}]';
  try {
    const parsed = listSchema.safeParse(JSON.parse(query));
    if (!parsed.success) return { wrong };
    const shown = parsed.data.filter(({ ReturnData }) => ReturnData !== false).length;
    const periods = parsed.data.map(({ Period, MetricStat }) => Period ?? MetricStat?.Period ?? 0);
    return shown === 1
      ? { list: parsed.data, periodSeconds: Math.max(...periods) || seconds }
      : { wrong: `${shown} of the MetricDataQueries return data; set "ReturnData": false for all but one` };
  } catch {
    return { wrong };
  }
}

const messages = z.array(z.object({ Code: z.string().optional(), Value: z.string().optional() })).optional();
const success = z.object({
  MetricDataResults: z.array(
    z.object({
      StatusCode: z.string().optional(),
      Values: z.array(z.unknown()).optional(),
      Messages: messages,
    }),
  ),
  Messages: messages,
});
const failure = z.object({
  __type: z.string(),
  message: z.string().optional(),
  Message: z.string().optional(),
});

const BLAMED = /Validation|InvalidParameter|InvalidFormat|MissingParameter|MissingRequiredParameter/;

function apiOf({ window, period }: Block): HttpApi {
  return {
    product: "CloudWatch",
    ask(query, nowMs) {
      const queries = queriesOf(query, period);
      if ("wrong" in queries) return queries;
      // The period that is running now would count as less than it will be.
      const { list, periodSeconds } = queries;
      const aligned = (ms: number) => Math.floor(ms / 1_000 / periodSeconds) * periodSeconds;
      const end = aligned(nowMs);
      const body = {
        MetricDataQueries: list,
        StartTime: Math.min(aligned(end * 1_000 - parseDuration(window)), end - periodSeconds),
        EndTime: end,
        ScanBy: "TimestampDescending",
      };
      const headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "GraniteServiceVersion20100801.GetMetricData",
      };
      return { method: "POST", path: "/", headers, body };
    },
    read({ json }, endpoint) {
      const parsed = success.safeParse(json);
      if (!parsed.success) return undefined;
      const [result, ...others] = parsed.data.MetricDataResults;
      if (result === undefined) return { kind: "empty" };
      if (others.length > 0) return several(others.length + 1, "series", "leave out GROUP BY and SEARCH");
      const { StatusCode: state, Values: values = [], Messages: own = [] } = result;
      if (state === "InternalError" || state === "Forbidden") {
        return unreachable(endpoint, `answers with ${state} instead of data`);
      }
      if (state === "PartialData") {
        const said = [...own, ...(parsed.data.Messages ?? [])].map(({ Code = "", Value = "" }) => `${Code} ${Value}`);
        return partial(endpoint, ["PartialData", ...said].join("; "));
      }
      return soleOf(values.slice(0, 1), "values", "");
    },
    explain({ status, json }) {
      const parsed = failure.safeParse(json);
      if (!parsed.success) return { detail: "", blamesQuery: false };
      const { __type: type, message, Message: older } = parsed.data;
      return { detail: message ?? older ?? type, blamesQuery: status === 400 && BLAMED.test(type) };
    },
  };
}
