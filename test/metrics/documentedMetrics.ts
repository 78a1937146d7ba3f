import { json } from "./dialects.ts";
import { type Documented, empty, says, text, value } from "./documented.ts";

const up = { resultType: "vector", result: [{ metric: {}, value: [1_435_781_451.781, "4"] }] };
const failed = (errorType: string, error: string) => ({ status: "error", errorType, error });

export const prometheus: readonly Documented[] = [
  {
    what: "Prometheus: annotations of PromQL beside a value",
    respond: json(200, {
      status: "success",
      data: up,
      warnings: ['PromQL warning: bucket label "le" is missing or has a malformed value of "x" (1:1)'],
      infos: ['PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "x" (1:6)'],
    }),
    expected: value(4),
  },
  {
    what: "Thanos: a part of the data, with warnings",
    respond: json(200, {
      status: "success",
      data: up,
      warnings: ["receive series from Addr: store:10901: rpc error: code = Unavailable desc = transport is closing"],
    }),
    expected: says("unreachable", /a part of the data only: receive series from Addr/),
  },
  {
    what: "VictoriaMetrics: a part of the data",
    respond: json(200, { status: "success", isPartial: true, data: up }),
    expected: says("unreachable", /a part of the data only/),
  },
  {
    what: "Thanos: no store answers",
    respond: json(
      422,
      failed("execution", "expanding series: proxy Series(): rpc error: code = Aborted desc = fetch series for x"),
    ),
    expected: says("unreachable", /expanding series/),
  },
  {
    what: "VictoriaMetrics: a time-out, which has the status of a wrong query",
    respond: json(
      422,
      failed("422", "error when executing query: cannot fetch data: timeout exceeded during the query"),
    ),
    expected: says("unreachable", /timeout exceeded/),
  },
  {
    what: "Mimir: a query beyond a limit",
    respond: json(
      422,
      failed(
        "execution",
        "expanding series: the query exceeded the maximum number of series (err-mimir-max-series-per-query)",
      ),
    ),
    expected: says("badQuery", /err-mimir-max-series-per-query/),
  },
  {
    what: "Mimir: too many questions",
    respond: json(429, failed("too_many_requests", "too many outstanding requests")),
    expected: says("unreachable", /429.*too many outstanding/),
  },
  {
    what: "Amazon Managed Service: a key without permission",
    respond: json(403, { message: "User: x is not authorized to perform: aps:QueryMetrics" }),
    expected: says("unreachable", /credentials.*403.*aps:QueryMetrics/),
  },
  {
    what: "Google Managed Service: an account without permission",
    respond: json(403, {
      error: { code: 403, message: "Permission monitoring.timeSeries.list denied", status: "PERMISSION_DENIED" },
    }),
    expected: says("unreachable", /credentials.*403.*monitoring\.timeSeries\.list/),
  },
].map((entry) => ({ ...entry, provider: "prometheus" }));

const scalar = (...columns: readonly object[]) => ({
  data: { id: "0", type: "scalar_response", attributes: { columns } },
});

export const datadog: readonly Documented[] = [
  {
    what: "a column with its unit",
    respond: json(200, scalar({ name: "a", type: "number", values: [0.5], meta: { unit: [null, null] } })),
    expected: value(0.5),
  },
  { what: "no column", respond: json(200, scalar()), expected: empty },
  {
    what: "groups",
    respond: json(
      200,
      scalar(
        { name: "env", type: "group", values: [["production"], ["staging"]] },
        { name: "a", type: "number", values: [1, 2] },
      ),
    ),
    expected: says("badQuery", /2 series/),
  },
  {
    what: "a time-out beside a status of success",
    respond: json(200, { ...scalar(), errors: "Query timed out" }),
    expected: says("unreachable", /timed out/),
  },
  {
    what: "a key that nobody knows",
    respond: json(403, { errors: ["Forbidden"] }),
    expected: says("unreachable", /403.*Forbidden/),
  },
  {
    what: "too many questions",
    respond: json(429, { errors: ["Rate limit of 100 requests in 3600 seconds reached"] }),
    expected: says("unreachable", /429.*Rate limit/),
  },
].map((entry) => ({ ...entry, provider: "datadog" }));

const refused = (message: string, extensions: object) => json(200, { data: null, errors: [{ message, extensions }] });

export const newRelic: readonly Documented[] = [
  {
    what: "too many questions, said with a status of success and the word NRQL",
    respond: refused("NRQL query rate limit reached", { errorClass: "TOO_MANY_REQUESTS" }),
    expected: says("unreachable", /rate limit/),
  },
  {
    what: "a query that took too long",
    respond: refused("NRQL query exceeded its time", { errorClass: "TIMEOUT" }),
    expected: says("unreachable", /exceeded its time/),
  },
  {
    what: "a wrong query",
    respond: refused("NRQL Syntax Error: Error at line 1 position 8, unexpected 'FORM'", {
      errorClass: "INVALID_INPUT",
    }),
    expected: says("badQuery", /position 8/),
  },
  {
    what: "a key that nobody knows",
    respond: refused("The API key provided is invalid", { error_code: "BAD_API_KEY" }),
    expected: says("unreachable", /API key/),
  },
].map((entry) => ({ ...entry, provider: "newRelic" }));

const metricData = (result: object, more: object = {}) =>
  json(200, { MetricDataResults: [{ Id: "reading", Label: "x", Timestamps: [], ...result }], Messages: [], ...more });

export const cloudWatch: readonly Documented[] = [
  {
    what: "a part of the data",
    respond: metricData({ StatusCode: "PartialData", Values: [1] }, { NextToken: "t" }),
    expected: says("unreachable", /PartialData/),
  },
  {
    what: "a part of the data, and why",
    respond: metricData(
      { StatusCode: "PartialData", Values: [] },
      { Messages: [{ Code: "MaxMetricsExceeded", Value: "The query matches more metrics than are looked at" }] },
    ),
    expected: says("unreachable", /PartialData.*The query matches more metrics/),
  },
  {
    what: "a division by nothing",
    respond: metricData({
      StatusCode: "Complete",
      Values: [],
      Messages: [{ Code: "ArithmeticError", Value: "dropped" }],
    }),
    expected: empty,
  },
  {
    what: "too many questions",
    respond: json(400, { __type: "com.amazon.coral.availability#ThrottlingException", message: "Rate exceeded" }),
    expected: says("unreachable", /Rate exceeded/),
  },
].map((entry) => ({ ...entry, provider: "cloudWatch" }));

const point = { interval: { endTime: "2026-01-01T00:00:00Z" }, value: { doubleValue: 3 } };

export const google: readonly Documented[] = [
  {
    what: "a part of the data",
    respond: json(200, {
      timeSeries: [{ points: [point] }],
      executionErrors: [{ code: 4, message: "one region failed" }],
    }),
    expected: says("unreachable", /a part of the data only: one region failed/),
  },
  {
    what: "too many questions",
    respond: json(429, { error: { code: 429, message: "Quota exceeded", status: "RESOURCE_EXHAUSTED" } }),
    expected: says("unreachable", /429.*Quota exceeded/),
  },
].map((entry) => ({ ...entry, provider: "googleCloudMonitoring" }));

export const dynatrace: readonly Documented[] = [
  {
    what: "one point, with its notes",
    respond: json(200, {
      totalCount: 1,
      nextPageKey: null,
      resolution: "Inf",
      warnings: ["The field dimensionCount is deprecated"],
      result: [
        {
          metricId: "builtin:host.cpu.idle:splitBy()",
          dataPointCountRatio: 0.1,
          dimensionCountRatio: 0.1,
          data: [{ dimensions: [], dimensionMap: {}, timestamps: [1_704_067_200_000], values: [11.1] }],
        },
      ],
    }),
    expected: value(11.1),
  },
  {
    what: "a metric without data",
    respond: json(200, { totalCount: 0, nextPageKey: null, resolution: "Inf", result: [{ metricId: "x", data: [] }] }),
    expected: empty,
  },
  {
    what: "a token without the scope",
    respond: json(403, { error: { code: 403, message: "Token is missing required scope. Use one of: metrics.read" } }),
    expected: says("unreachable", /credentials.*metrics\.read/),
  },
].map((entry) => ({ ...entry, provider: "dynatrace" }));

export const graphite: readonly Documented[] = [
  {
    what: "infinity, as the server writes it",
    respond: text(
      200,
      '[{"target": "a", "tags": {"name": "a"}, "datapoints": [[1e9999, 60], [null, 120]]}]',
      "application/json",
    ),
    expected: value(Number.MAX_VALUE),
  },
  { what: "no series", respond: json(200, []), expected: empty },
  {
    what: "a wrong target, escaped for a page",
    respond: text(400, "Invalid parameters (bad func); targets: &quot;x(a)&quot;", "text/html; charset=utf-8"),
    expected: says("badQuery", /targets: "x\(a\)"/),
  },
].map((entry) => ({ ...entry, provider: "graphite" }));
