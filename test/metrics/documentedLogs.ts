import { json } from "./dialects.ts";
import { type Documented, empty, says, text, value } from "./documented.ts";

const annotated = (...tables: readonly (readonly string[])[]) =>
  text(200, tables.map((lines) => `${lines.join("\r\n")}\r\n\r\n`).join(""), "text/csv; charset=utf-8");
const table = [
  "#datatype,string,long,dateTime:RFC3339,double",
  "#group,false,false,false,false",
  "#default,_result,,,",
  ",result,table,_time,_value",
  ",,0,2026-01-01T00:00:00Z,0.5",
];
const broken = ["#datatype,string,string", "#group,true,true", "#default,,", ",error,reference"];

export const influxdb: readonly Documented[] = [
  { what: "Flux: an annotated table", respond: annotated(table), expected: value(0.5) },
  {
    what: "Flux: an error behind a table",
    respond: annotated(table, [...broken, ",unsupported input type,897"]),
    expected: says("badQuery", /unsupported input type/),
  },
  {
    what: "Flux: a query that was ended behind a table",
    respond: annotated(table, [...broken, ",context deadline exceeded,"]),
    expected: says("unreachable", /deadline exceeded/),
  },
  {
    what: "Flux: tables with other columns",
    respond: annotated(table, ["#datatype,string,long,double", ",result,table,_value", ",,1,2"]),
    expected: says("badQuery", /2 rows/),
  },
  {
    what: "InfluxQL: a query that was ended",
    more: { flux: undefined, influxQL: { database: "web" } },
    respond: json(200, { results: [{ statement_id: 0, error: "query-timeout limit exceeded" }] }),
    expected: says("unreachable", /query-timeout/),
  },
  {
    what: "SQL: a null, which is left out",
    more: { flux: undefined, sql: { database: "web" } },
    respond: json(200, [{}]),
    expected: empty,
  },
].map((entry) => ({ ...entry, provider: "influxdb" }));

const searched = (type: string, message: string, ...results: readonly object[]) =>
  json(200, {
    preview: false,
    init_offset: 0,
    messages: [{ type, text: message }],
    fields: [{ name: "count" }],
    results,
  });

export const splunk: readonly Documented[] = [
  { what: "a count", respond: searched("INFO", "Your timerange was substituted", { count: "7" }), expected: value(7) },
  {
    what: "a peer that failed",
    respond: searched("WARN", "Search results might be incomplete: the search process on peer idx2 ended early", {
      count: "7",
    }),
    expected: says("unreachable", /a part of the data only: Search results might be incomplete/),
  },
  {
    what: "too many searches at once",
    respond: searched(
      "FATAL",
      "Search not executed: The maximum number of concurrent historical searches has been reached.",
    ),
    expected: says("unreachable", /concurrent/),
  },
].map((entry) => ({ ...entry, provider: "splunk" }));

const streamOf = (...messages: readonly (readonly [name: string, data: object])[]) =>
  text(
    200,
    messages.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join(""),
    "text/event-stream",
  );
const data = ["data", { logicalTimestampMs: 1, data: [{ tsId: "AAA", value: 4 }] }] as const;
const end = ["control-message", { event: "END_OF_CHANNEL", timestampMs: 2 }] as const;

export const splunkObservability: readonly Documented[] = [
  { what: "a value and the end", respond: streamOf(data, end), expected: value(4) },
  {
    what: "errors, with their code",
    respond: streamOf(["error", { errors: [{ code: "ANALYTICS_PROGRAM_NAME_ERROR", context: { name: "dta" } }] }]),
    expected: says("badQuery", /ANALYTICS_PROGRAM_NAME_ERROR/),
  },
  {
    what: "a computation that was ended",
    respond: streamOf(data, [
      "control-message",
      { event: "CHANNEL_ABORT", abortInfo: { sf_job_abortReason: "too busy" } },
    ]),
    expected: says("unreachable", /too busy/),
  },
  { what: "half of the stream", respond: streamOf(data), expected: says("unreachable", /before its end/) },
  {
    what: "more time series than are looked at",
    respond: streamOf(
      ["message", { message: { messageCode: "FIND_LIMITED_RESULT_SET", contents: { matchedSize: 9, limitSize: 5 } } }],
      data,
      end,
    ),
    expected: says("badQuery", /more time series than/),
  },
].map((entry) => ({ ...entry, provider: "splunkObservability" }));

const hits = { total: { value: 9, relation: "eq" }, max_score: null, hits: [] };
const shards = (failures: number) => ({ total: 5, successful: 5 - failures, skipped: 0, failed: failures });

export const elasticsearch: readonly Documented[] = [
  {
    what: "a shard that failed",
    respond: json(200, { took: 1, timed_out: false, _shards: shards(1), hits }),
    expected: says("unreachable", /1 of 5 shards/),
  },
  {
    what: "percentiles as a list",
    respond: json(200, {
      timed_out: false,
      _shards: shards(0),
      hits,
      aggregations: { p: { values: [{ key: 99, value: 1.5 }] } },
    }),
    expected: value(1.5),
  },
  {
    what: "percentiles of nothing",
    respond: json(200, {
      timed_out: false,
      _shards: shards(0),
      hits,
      aggregations: { p: { values: { "99.0": null } } },
    }),
    expected: empty,
  },
  {
    what: "ES|QL: a part of the data",
    more: { index: undefined, language: "ESQL" },
    respond: json(200, { took: 3, is_partial: true, columns: [{ name: "r", type: "long" }], values: [[1]] }),
    expected: says("unreachable", /a part of the data only/),
  },
  {
    what: "an index that is not there",
    respond: json(404, {
      error: { root_cause: [], type: "index_not_found_exception", reason: "no such index [logs]" },
      status: 404,
    }),
    expected: says("badQuery", /no such index/),
  },
  {
    what: "too many searches at once",
    respond: json(429, {
      error: { type: "es_rejected_execution_exception", reason: "rejected execution" },
      status: 429,
    }),
    expected: says("unreachable", /429.*rejected execution/),
  },
].map((entry) => ({ ...entry, provider: "elasticsearch" }));
