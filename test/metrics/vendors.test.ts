import { describe, expect, it } from "vitest";
import { metricProviderParser } from "../../src/api/metricProvider.ts";
import { metricProviderFor, metricProviders } from "../../src/metrics/index.ts";
import { ask, type Asking, closeAfterEach, open } from "./asking.ts";
import { awsKey, blockWith, json } from "./dialects.ts";
import { startStub } from "./stubServer.ts";
import type { Respond } from "./stubServer.ts";
import { dialects } from "./vendorDialects.ts";

/** What is particular to one kind of back-end: what it is sent, and the forms of its answers beyond those of the suite. */

closeAfterEach();

const csv = (body: string): Respond => {
  return (_request, response) => void response.writeHead(200, { "content-type": "text/csv" }).end(body);
};
const page: Respond = (_request, response) => void response.writeHead(400).end("<html>no</html>");
const found = (aggregations: object | undefined, timedOut = false) =>
  json(200, { timed_out: timedOut, hits: { total: { value: 9 } }, aggregations });
const insideInfluxQl = (result: object) => json(200, { results: [{ statement_id: 0, ...result }] });
const influxQl = { flux: undefined, influxQL: { database: "web" } };
const sql = { flux: undefined, sql: { database: "web" } };
const esql = { index: undefined, language: "ESQL" };

const value = (number: number) => ({ kind: "value", value: number });
const empty = { kind: "empty" };
const says = (kind: string, message: RegExp) => ({ kind, message: expect.stringMatching(message) as string });

describe("answers", () => {
  const answers: readonly (Asking & { readonly what: string; readonly expected: object })[] = [
    {
      what: "Datadog: an error beside a status of success",
      provider: "datadog",
      respond: json(200, { errors: "metric not found" }),
      expected: says("badQuery", /refused: metric not found/),
    },
    {
      what: "New Relic: an error that is not about the query",
      provider: "newRelic",
      respond: json(200, { errors: [{ message: "Access denied." }] }),
      expected: says("unreachable", /Access denied/),
    },
    {
      what: "New Relic: a percentile, in an object of its own",
      provider: "newRelic",
      respond: json(200, {
        data: { actor: { account: { nrql: { results: [{ "percentile.duration": { "95": 0.25 } }] } } } },
      }),
      expected: value(0.25),
    },
    {
      what: "New Relic: two columns",
      provider: "newRelic",
      respond: json(200, { data: { actor: { account: { nrql: { results: [{ count: 1, average: 2 }] } } } } }),
      expected: says("badQuery", /2 columns instead of one/),
    },
    {
      what: "New Relic: a text",
      provider: "newRelic",
      respond: json(200, { data: { actor: { account: { nrql: { results: [{ latest: "blue" }] } } } } }),
      expected: says("badQuery", /gives "blue", not a number/),
    },
    {
      what: "CloudWatch: an error of its own",
      provider: "cloudWatch",
      respond: json(200, { MetricDataResults: [{ Id: "q", StatusCode: "InternalError", Values: [] }] }),
      expected: says("unreachable", /InternalError/),
    },
    {
      what: "CloudWatch: a key that nobody knows",
      provider: "cloudWatch",
      respond: json(400, { __type: "UnrecognizedClientException", message: "The security token is invalid." }),
      expected: says("unreachable", /security token is invalid/),
    },
    {
      what: "Google: an integer, as text",
      provider: "googleCloudMonitoring",
      respond: json(200, { timeSeries: [{ points: [{ value: { int64Value: "12" } }] }] }),
      expected: value(12),
    },
    {
      what: "Google: a distribution",
      provider: "googleCloudMonitoring",
      respond: json(200, { timeSeries: [{ points: [{ value: { distributionValue: { mean: 1 } } }] }] }),
      expected: says("badQuery", /ALIGN_PERCENTILE_99/),
    },
    {
      what: "Google: a metric that is not there",
      provider: "googleCloudMonitoring",
      respond: json(404, { error: { message: "Cannot find metric(s) that match type = x", status: "NOT_FOUND" } }),
      expected: says("badQuery", /Cannot find metric/),
    },
    { what: "Graphite: a page of a proxy", provider: "graphite", respond: page, expected: says("unreachable", /400/) },
    {
      what: "Flux: an error in the middle of the answer",
      provider: "influxdb",
      respond: csv("error,reference\r\nrange is empty,897\r\n"),
      expected: says("badQuery", /range is empty/),
    },
    {
      what: "Flux: no column with values",
      provider: "influxdb",
      respond: csv(",result,table,mean\r\n,_result,0,1\r\n"),
      expected: says("badQuery", /_value/),
    },
    {
      what: "Flux: a null",
      provider: "influxdb",
      respond: csv(",result,table,_value\r\n,_result,0,\r\n"),
      expected: empty,
    },
    {
      what: "InfluxQL: a row with its time",
      provider: "influxdb",
      more: influxQl,
      respond: insideInfluxQl({ series: [{ name: "x", columns: ["time", "mean"], values: [["1970-01-01", 3]] }] }),
      expected: value(3),
    },
    { what: "InfluxQL: nothing", provider: "influxdb", more: influxQl, respond: insideInfluxQl({}), expected: empty },
    {
      what: "InfluxQL: an error of one statement",
      provider: "influxdb",
      more: influxQl,
      respond: insideInfluxQl({ error: "database not found" }),
      expected: says("badQuery", /database not found/),
    },
    {
      what: "SQL: a row",
      provider: "influxdb",
      more: sql,
      respond: json(200, [{ time: "2026", p: 4 }]),
      expected: value(4),
    },
    { what: "SQL: no row", provider: "influxdb", more: sql, respond: json(200, []), expected: empty },
    {
      what: "SQL: an error",
      provider: "influxdb",
      more: sql,
      respond: json(400, { error: "unknown column" }),
      expected: says("badQuery", /unknown column/),
    },
    {
      what: "Splunk: an error beside a status of success",
      provider: "splunk",
      respond: json(200, { messages: [{ type: "FATAL", text: "no such index" }], results: [] }),
      expected: says("badQuery", /no such index/),
    },
    {
      what: "SignalFlow: an error in the stream",
      provider: "splunkObservability",
      respond: csv('event: error\ndata: {"message":"took too long"}\n\n'),
      expected: says("badQuery", /took too long/),
    },
    { what: "Search: the number of hits", provider: "elasticsearch", respond: found(undefined), expected: value(9) },
    {
      what: "Search: a percentile",
      provider: "elasticsearch",
      respond: found({ p: { values: { "99.0": 1.5 } } }),
      expected: value(1.5),
    },
    {
      what: "Search: what a filter counts",
      provider: "elasticsearch",
      respond: found({ errors: { doc_count: 7 } }),
      expected: value(7),
    },
    {
      what: "Search: the aggregation that is named for it",
      provider: "elasticsearch",
      respond: found({ all: { buckets: { a: { doc_count: 4, bad: { doc_count: 1 }, reading: { value: 0.25 } } } } }),
      expected: value(0.25),
    },
    {
      what: "Search: a part of the data",
      provider: "elasticsearch",
      respond: found({ p: { value: 1 } }, true),
      expected: says("unreachable", /timed out/),
    },
    {
      what: "ES|QL: a row",
      provider: "elasticsearch",
      more: esql,
      respond: json(200, { columns: [{ name: "rate", type: "double" }], values: [[0.5]] }),
      expected: value(0.5),
    },
    {
      what: "ES|QL: two columns",
      provider: "elasticsearch",
      more: esql,
      respond: json(200, { columns: [{ name: "a" }, { name: "b" }], values: [[1, 2]] }),
      expected: says("badQuery", /2 columns/),
    },
    {
      what: "PPL: a row",
      provider: "elasticsearch",
      more: { index: undefined, language: "PPL" },
      respond: json(200, { schema: [{ name: "count()" }], datarows: [[6]], total: 1, size: 1 }),
      expected: value(6),
    },
    { what: "JSON: yes", provider: "json", respond: json(200, { data: [{ score: true }] }), expected: value(1) },
    {
      what: "JSON: a number as text",
      provider: "json",
      respond: json(200, { data: [{ score: "0.5" }] }),
      expected: value(0.5),
    },
    {
      what: "JSON: an object",
      provider: "json",
      respond: json(200, { data: [{ score: { a: 1 } }] }),
      expected: says("badQuery", /not a number/),
    },
  ];

  it.each(answers)("$what", async ({ expected, ...asking }) => {
    expect((await ask(asking)).reading).toEqual(expected);
  });
});

describe("questions", () => {
  it("to Datadog may be a formula of several queries, over the window", async () => {
    const query = '{"queries": {"bad": "sum:errors{*}", "all": "sum:hits{*}"}, "formula": "bad / all"}';
    const { sent } = await ask({ provider: "datadog", query, more: { window: "2m", aggregator: "sum" } });
    const { attributes } = (JSON.parse(sent.body) as { data: { attributes: Record<string, unknown> } }).data;
    expect(attributes).toMatchObject({
      queries: [
        { data_source: "metrics", name: "bad", query: "sum:errors{*}", aggregator: "sum" },
        { data_source: "metrics", name: "all", query: "sum:hits{*}", aggregator: "sum" },
      ],
      formulas: [{ formula: "bad / all" }],
    });
    expect(Number(attributes["to"]) - Number(attributes["from"])).toBe(120_000);
  });

  it.each([
    ["SELECT count(*) FROM Log", "SELECT count(*) FROM Log SINCE 300 seconds ago"],
    ["SELECT count(*) FROM Log since 1 hour ago", "SELECT count(*) FROM Log since 1 hour ago"],
    [
      "SELECT count(*) FROM Log WHERE message LIKE '%since%'",
      "SELECT count(*) FROM Log WHERE message LIKE '%since%' SINCE 300 seconds ago",
    ],
  ])("to New Relic look back over the window unless they say so: %s", async (query, nrql) => {
    const { sent } = await ask({ provider: "newRelic", query });
    expect(sent.path).toBe("/graphql");
    expect(JSON.parse(sent.body)).toMatchObject({ variables: { account: 12345, nrql } });
  });

  it("to CloudWatch are expressions, or its own queries", async () => {
    const { sent } = await ask({ provider: "cloudWatch", query: "SELECT 1" });
    expect(sent.headers["x-amz-target"]).toBe("GraniteServiceVersion20100801.GetMetricData");
    expect(sent.headers["x-amz-security-token"]).toBe(awsKey.sessionToken);
    const body = JSON.parse(sent.body) as Record<string, unknown>;
    expect(body).toMatchObject({ MetricDataQueries: [{ Expression: "SELECT 1", Period: 60 }] });
    // The minute that is running now would be half a data point.
    expect([Number(body["StartTime"]) % 60, Number(body["EndTime"]) % 60]).toEqual([0, 0]);
    expect(Number(body["EndTime"]) - Number(body["StartTime"])).toBe(300);
    const own = [
      { Id: "a", Expression: "b/c" },
      { Id: "b", ReturnData: false },
    ];
    const other = await ask({ provider: "cloudWatch", query: JSON.stringify(own) });
    expect(JSON.parse(other.sent.body)).toMatchObject({ MetricDataQueries: own });
    const hourly = [{ Id: "a", MetricStat: { Period: 3_600, Stat: "Sum" } }];
    const long = JSON.parse((await ask({ provider: "cloudWatch", query: JSON.stringify(hourly) })).sent.body) as object;
    expect(long).toMatchObject({ StartTime: expect.any(Number) as number });
    const { StartTime: start, EndTime: end } = long as { StartTime: number; EndTime: number };
    expect([start % 3_600, end - start]).toEqual([0, 3_600]);
  });

  it("to Google name filter and aggregation, for the window where they name no period", async () => {
    const { sent } = await ask({ provider: "googleCloudMonitoring", more: { window: "2m" } });
    expect(sent.path).toBe("/v3/projects/shop/timeSeries");
    expect(Object.fromEntries(sent.params)).toMatchObject({
      filter: 'metric.type = "x"',
      "aggregation.alignmentPeriod": "120s",
      "aggregation.perSeriesAligner": "ALIGN_RATE",
      "aggregation.groupByFields": "a",
    });
    // Google refuses shorter ones.
    const short = await ask({ provider: "googleCloudMonitoring", more: { window: "30s" } });
    expect(short.sent.params.get("aggregation.alignmentPeriod")).toBe("60s");
  });

  it("to Dynatrace say in milliseconds from when to when, since relative times are whole minutes", async () => {
    const { sent } = await ask({ provider: "dynatrace", more: { window: "90s" } });
    const [from, to] = [Number(sent.params.get("from")), Number(sent.params.get("to"))];
    expect(to - from).toBe(90_000);
    expect(Math.abs(Date.now() - to)).toBeLessThan(60_000);
  });

  it.each([
    ["index=web | stats count", "search index=web | stats count"],
    ["| mstats avg(x)", "| mstats avg(x)"],
    ["search index=web", "search index=web"],
  ])("to Splunk are searches: %s", async (query, search) => {
    const { sent } = await ask({ provider: "splunk", query });
    expect(sent.params.get("search")).toBe(search);
    expect(sent.params.get("earliest_time")).toBe("-300s");
  });

  it.each([
    { provider: "dynatrace", path: "/api/v2/metrics/query", params: { resolution: "Inf" } },
    { provider: "graphite", path: "/render", params: { from: "-300s", until: "now", format: "json", noCache: "true" } },
    { provider: "influxdb", path: "/api/v2/query", params: { org: "shop" } },
    { provider: "influxdb", more: influxQl, path: "/query", params: { db: "web" } },
    { provider: "influxdb", more: sql, path: "/api/v3/query_sql", params: {} },
    { provider: "splunkObservability", path: "/v2/signalflow/execute", params: { immediate: "true" } },
    { provider: "elasticsearch", path: "/logs-*/_search", params: {} },
    { provider: "elasticsearch", more: esql, path: "/_query", params: {} },
    { provider: "json", path: "/score", params: { service: "web-canary" } },
  ])("to $provider go to $path", async ({ path, params, ...asking }) => {
    const { sent } = await ask(asking);
    expect(decodeURIComponent(sent.path)).toBe(path);
    expect(Object.fromEntries(sent.params)).toMatchObject(params);
  });

  it.each([
    { provider: "dynatrace", more: {}, credentials: { bearerToken: "t\n" }, expected: "Api-Token t" },
    { provider: "influxdb", more: {}, credentials: { bearerToken: "t" }, expected: "Token t" },
    { provider: "influxdb", more: sql, credentials: { bearerToken: "t" }, expected: "Bearer t" },
    {
      provider: "elasticsearch",
      more: { apiKey: { secretRef: { name: "s", key: "k" } } },
      credentials: { bearerToken: "t" },
      expected: "ApiKey t",
    },
  ])("to $provider show the token as $expected", async ({ provider, more, credentials, expected }) => {
    const dialect = dialects.find((entry) => entry.provider === provider);
    const kind = metricProviderFor(provider);
    const stub = await startStub(json(500, {}));
    const block = kind?.schema.parse((dialect?.block ?? blockWith({}))(stub.url, { more }));
    const source = kind?.connect(block, credentials, { mayUseOwnIdentity: false });
    open.push(stub);
    await source?.read(dialect?.query ?? "", { signal: new AbortController().signal });
    await source?.close();
    expect(stub.requests.map(({ headers }) => headers.authorization)).toEqual([expected]);
  });
});

describe("queries that are wrong by themselves", () => {
  it("so is a path that is no JSONPath, which the provider is told for", () => {
    const blocks = Object.fromEntries(metricProviders.map(({ name, schema }) => [name, schema]));
    const parsed = metricProviderParser("MetricProvider", { blocks })({
      apiVersion: "aviary.dev/v1beta1",
      kind: "MetricProvider",
      metadata: { name: "scores", namespace: "shop" },
      spec: { json: { url: "http://scores", value: "$.data[" } },
    });
    expect(parsed).toMatchObject({
      ok: false,
      problems: [{ path: "spec.json.value", message: expect.stringMatching(/is not a JSONPath/) as string }],
    });
  });

  it.each([
    { provider: "prometheus", query: "sum(up", says: /line 1, column 7/ },
    { provider: "datadog", query: '{"queries": {}}', says: /"formula"/ },
    { provider: "datadog", query: "{", says: /"formula"/ },
    { provider: "cloudWatch", query: "[]", says: /list of MetricDataQueries/ },
    { provider: "cloudWatch", query: '[{"Id": "a"}, {"Id": "b"}]', says: /2 of the MetricDataQueries return data/ },
    { provider: "googleCloudMonitoring", query: '{"filters": "x"}', says: /"filter"/ },
    { provider: "elasticsearch", query: "status:500", says: /JSON of a search/ },
    { provider: "json", query: "evil.example.com", says: /a path or parameters/ },
    { provider: "json", query: "@evil.example.com/", says: /a path or parameters/ },
    { provider: "json", more: { method: "POST" }, query: "{", says: /the JSON that is sent/ },
  ])("$provider: $query", ({ says: sentence, ...asking }) => {
    const dialect = dialects.find(({ provider }) => provider === asking.provider);
    const kind = metricProviderFor(asking.provider);
    const block = kind?.schema.parse(dialect?.block("http://127.0.0.1", asking));
    expect(kind?.checkQuery(block, asking.query)).toMatch(sentence);
  });
});

describe("how far back a query looks", () => {
  it.each([
    ["prometheus", {}, "rate(x[2m])", 120_000],
    ["datadog", { window: "90s" }, "sum:x{*}", 90_000],
    ["newRelic", {}, "SELECT 1 SINCE 2 hours ago", 7_200_000],
    ["newRelic", {}, "SELECT 1", 300_000],
    ["influxdb", {}, "range(start: -10m)", 600_000],
    ["influxdb", influxQl, "SELECT mean(x) WHERE time > now() - 30s", 30_000],
    ["influxdb", sql, "WHERE time > now() - INTERVAL '2 minutes'", 120_000],
    ["splunk", {}, "index=web earliest=-10m | stats count", 600_000],
    ["elasticsearch", {}, '{"gte": "now-15m"}', 900_000],
    ["elasticsearch", esql, "WHERE @timestamp > NOW() - 5 minutes", 300_000],
    ["json", {}, "/score", 0],
  ] as const)("%s %j %s: %d ms", (provider, more, query, expected) => {
    const kind = metricProviderFor(provider);
    const dialect = dialects.find((entry) => entry.provider === provider);
    expect(kind?.windowMs(kind.schema.parse(dialect?.block("http://127.0.0.1", { more })), query)).toBe(expected);
  });
});
