import { awsKey, blockWith, json, prometheus, secretRef, serviceAccount } from "./dialects.ts";
import type { Dialect } from "./dialects.ts";
import type { Respond } from "./stubServer.ts";

const ref = (key: string) => ({ secretRef: secretRef(key) });

function text(status: number, body: string, contentType: string): Respond {
  return (_request, response) => void response.writeHead(status, { "content-type": contentType }).end(body);
}

const SYNTAX = "syntax error at 1:5";

const columns = (...values: readonly unknown[]) =>
  json(200, {
    data: { type: "scalar_response", attributes: { columns: [{ name: "a", type: "number", values, meta: {} }] } },
  });

const datadog: Dialect = {
  provider: "datadog",
  block: blockWith({ apiKey: ref("api"), applicationKey: ref("app") }),
  query: "sum:trace.http.request.errors{service:web}.as_rate()",
  value: (value) => columns(value),
  empty: columns(null),
  several: columns(1, 2),
  refusesQuery: json(400, { errors: [`Error parsing query: ${SYNTAX}`] }),
  everyCredential: [
    { more: {}, credentials: { headers: { "DD-API-KEY": "api-5f1e9a", "DD-APPLICATION-KEY": "app/77+aa=" } } },
  ],
};

const nrql = (...results: readonly object[]) => json(200, { data: { actor: { account: { nrql: { results } } } } });

const newRelic: Dialect = {
  provider: "newRelic",
  block: blockWith({ accountId: 12345, apiKey: ref("key") }),
  query: "SELECT percentage(count(*), WHERE error IS true) FROM Transaction WHERE service = 'web'",
  value: (value) => nrql({ "average.duration": value }),
  empty: nrql({ "average.duration": null }),
  several: nrql({ count: 1, facet: "a" }, { count: 2, facet: "b" }),
  refusesQuery: json(200, { data: null, errors: [{ message: `NRQL Syntax Error: ${SYNTAX}` }] }),
  everyCredential: [{ more: {}, credentials: { headers: { "API-Key": "NRAK-5f1e9a/+=" } } }],
};

const metricData = (...results: readonly (readonly unknown[])[]) =>
  json(200, {
    MetricDataResults: results.map((Values, at) => ({ Id: `q${at}`, StatusCode: "Complete", Values, Timestamps: [] })),
    Messages: [],
  });

const cloudWatch: Dialect = {
  provider: "cloudWatch",
  block: blockWith({ region: "eu-central-1" }),
  query: "SELECT AVG(Latency) FROM SCHEMA(\"Shop\", Service) WHERE Service = 'web'",
  value: (value) => metricData([value, 17]),
  empty: metricData([]),
  several: metricData([1], [2]),
  refusesQuery: json(400, { __type: "com.amazonaws.monitoring#ValidationError", message: SYNTAX }),
  needs: awsKey,
  everyCredential: [
    {
      more: {
        accessKey: {
          idSecretRef: secretRef("id"),
          secretSecretRef: secretRef("secret"),
          sessionTokenSecretRef: secretRef("session"),
        },
      },
      credentials: awsKey,
    },
  ],
};

const timeSeries = (...values: readonly unknown[]) =>
  json(200, {
    timeSeries: values.map((doubleValue) => ({ points: [{ value: { doubleValue } }, { value: { doubleValue: 17 } }] })),
  });

const googleCloudMonitoring: Dialect = {
  provider: "googleCloudMonitoring",
  block: blockWith({ project: "shop" }),
  query:
    '{"filter": "metric.type = \\"x\\"", "aggregation": {"perSeriesAligner": "ALIGN_RATE", "groupByFields": ["a"]}}',
  value: (value) => timeSeries(value),
  empty: json(200, { unit: "1" }),
  several: timeSeries(1, 2),
  refusesQuery: json(400, { error: { code: 400, message: SYNTAX, status: "INVALID_ARGUMENT" } }),
  needs: { serviceAccount },
  everyCredential: [{ more: { serviceAccountSecretRef: secretRef("google") }, credentials: { serviceAccount } }],
};

const points = (...data: readonly (readonly unknown[])[]) =>
  json(200, {
    totalCount: 1,
    resolution: "Inf",
    result: [{ metricId: "m", data: data.map((values) => ({ values })) }],
  });

const dynatrace: Dialect = {
  provider: "dynatrace",
  block: blockWith({ token: ref("token") }),
  query: "builtin:service.errors.total.rate:splitBy()",
  value: (value) => points([value]),
  empty: points([null]),
  several: points([1], [2]),
  refusesQuery: json(400, {
    error: { code: 400, message: "Constraints violated.", constraintViolations: [{ message: SYNTAX }] },
  }),
  everyCredential: [{ more: {}, credentials: { bearerToken: "dt0c01.5F1E9A.77/AA+" } }],
};

const rendered = (...series: readonly (readonly unknown[])[]) =>
  json(
    200,
    series.map((values) => ({ target: "t", datapoints: values.map((value, at) => [value, 1_700_000_000 + at]) })),
  );

const logins: Dialect["everyCredential"] = [
  { more: { bearerToken: ref("token") }, credentials: { bearerToken: "tok-5f1e9a/+=" } },
  {
    more: { basicAuth: { usernameSecretRef: secretRef("user"), passwordSecretRef: secretRef("password") } },
    credentials: { username: "reader-31", password: 'pa"ss wörd' },
  },
];

const graphite: Dialect = {
  provider: "graphite",
  block: blockWith({}),
  query: "sumSeries(web.*.errors)",
  value: (value) => rendered([17, value, null]),
  empty: rendered([null, null]),
  several: rendered([1], [2]),
  refusesQuery: text(400, `Invalid target: ${SYNTAX}`, "text/plain"),
  everyCredential: logins,
};

const flux = (...values: readonly unknown[]) =>
  text(
    200,
    ["#datatype,string,long,dateTime:RFC3339,double,string", ",result,table,_time,_value,host"]
      .concat(values.map((value) => `,_result,0,2026-01-01T00:00:00Z,${String(value)},"a, b"`))
      .concat("", "")
      .join("\r\n"),
    "text/csv",
  );

const influxdb: Dialect = {
  provider: "influxdb",
  block: blockWith({ flux: { org: "shop" } }),
  query: 'from(bucket: "web") |> range(start: -5m) |> mean()',
  value: (value) => flux(value),
  empty: text(200, "\r\n", "text/csv"),
  several: flux(1, 2),
  refusesQuery: json(400, { code: "invalid", message: `compilation failed: ${SYNTAX}` }),
  everyCredential: [{ more: { token: ref("token") }, credentials: { bearerToken: "tok-5f1e9a/+==" } }],
};

const searched = (...values: readonly unknown[]) =>
  json(200, {
    preview: false,
    messages: [],
    results: values.map((value) => ({ errors: String(value), _span: "60" })),
  });

const splunk: Dialect = {
  provider: "splunk",
  block: blockWith({}),
  query: "index=web status>=500 | stats count",
  value: (value) => searched(value),
  empty: searched(),
  several: searched(1, 2),
  refusesQuery: json(400, { messages: [{ type: "FATAL", text: `Error in 'stats' command: ${SYNTAX}` }] }),
  everyCredential: logins,
};

const stream = (...messages: readonly (readonly unknown[])[]) =>
  text(
    200,
    [
      'event: control-message\ndata: {\ndata:   "event" : "STREAM_START"\ndata: }\n\n',
      ...messages.map((values) => {
        const data = values.map((value, at) => ({ tsId: `AAA${at}`, value }));
        return `event: data\nid: data-1\ndata: {\ndata: "data": ${JSON.stringify(data)}\ndata: }\n\n`;
      }),
      'event: control-message\ndata: {"event":"END_OF_CHANNEL"}\n\n',
    ].join(""),
    "text/event-stream",
  );

const splunkObservability: Dialect = {
  provider: "splunkObservability",
  block: blockWith({ token: ref("token") }),
  query: "data('errors', filter('service', 'web')).sum().publish()",
  value: (value) => stream([17], [value], []),
  empty: stream(),
  several: stream([1, 2]),
  refusesQuery: json(400, { code: 400, message: `SignalFlow: ${SYNTAX}` }),
  everyCredential: [{ more: {}, credentials: { headers: { "X-SF-TOKEN": "sf-5f1e9a/+=" } } }],
};

const aggregated = (aggregations: object) =>
  json(200, { took: 1, timed_out: false, hits: { total: { value: 9, relation: "eq" } }, aggregations });

const elasticsearch: Dialect = {
  provider: "elasticsearch",
  block: blockWith({ index: "logs-*" }),
  query: '{"query": {"range": {"@timestamp": {"gte": "now-5m"}}}, "aggs": {"slow": {"avg": {"field": "ms"}}}}',
  value: (value) => aggregated({ slow: { value } }),
  empty: aggregated({ slow: { value: null } }),
  several: aggregated({
    byPod: {
      buckets: [
        { key: "a", doc_count: 1 },
        { key: "b", doc_count: 2 },
      ],
    },
  }),
  refusesQuery: json(400, { error: { type: "parsing_exception", reason: SYNTAX, root_cause: [] }, status: 400 }),
  everyCredential: [...logins, { more: { apiKey: ref("key") }, credentials: { bearerToken: "VnVhQ2ZHY0JDZGJrU==" } }],
};

const anyJson: Dialect = {
  provider: "json",
  block: blockWith({ value: "$.data[*].score" }),
  query: "/score?service=web-canary",
  value: (score) => json(200, { data: [{ score }] }),
  empty: json(200, { data: [] }),
  several: json(200, { data: [{ score: 1 }, { score: 2 }] }),
  refusesQuery: json(400, { error: SYNTAX }),
  takesAnyJson: true,
  everyCredential: logins,
};

/** One of each kind, by which the suite speaks for it. */
export const dialects: readonly Dialect[] = [
  prometheus,
  datadog,
  newRelic,
  cloudWatch,
  googleCloudMonitoring,
  dynatrace,
  graphite,
  influxdb,
  splunk,
  splunkObservability,
  elasticsearch,
  anyJson,
];
