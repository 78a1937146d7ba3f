import { z } from "zod";
import { readCsv } from "./http/csv.ts";
import { type Row, rowOf, soleNumber } from "./http/rows.ts";
import { badQuery, refusedQuery } from "./http/sentences.ts";
import type { ApiAnswer, Explanation, HttpApi } from "./http/source.ts";

/** Columns that say where and when, and no number that was asked for. */
const PLACE = /^(time|_time|_start|_stop|result|table|iox::measurement|)$/;

/** Flux: an answer is CSV, and the number is in the column `_value`. */
export function fluxApi(org: string): HttpApi {
  return {
    product: "InfluxDB",
    ask: (query) => ({
      method: "POST",
      path: "/api/v2/query",
      params: [["org", org]],
      headers: { Accept: "application/csv", "Content-Type": "application/vnd.flux" },
      body: query,
    }),
    read({ text }, endpoint) {
      const rows = readCsv(text);
      // No table at all is an empty answer: with one line end, as the server writes it.
      if (rows.length === 0) return text === "" ? undefined : { kind: "empty" };
      // An error may come behind tables that were sent already.
      const error = rows.findIndex(([first, second]) => first === "error" && (second ?? "reference") === "reference");
      if (error >= 0) return refusedQuery(endpoint, rows[error + 1]?.[0] ?? "");
      const values = valuesOf(rows);
      if (typeof values === "string") return badQuery(values);
      return values === undefined
        ? undefined
        : soleNumber(values, "end it with last(), mean() or sum(), after group()");
    },
    explain: (answer) => explain(answer, z.object({ code: z.string(), message: z.string() }), ({ message }) => message),
  };
}

/** What is in the column `_value` of all tables, each of which has a header of its own. Undefined when it is no table. */
function valuesOf(rows: readonly (readonly string[])[]): readonly Row[] | string | undefined {
  let at: number | undefined;
  const values: Row[] = [];
  for (const row of rows) {
    if (row.includes("table") && row.includes("result")) {
      at = row.indexOf("_value");
      if (at < 0) return "the query gives no column _value, in which the number is to be";
    } else if (at === undefined) return undefined;
    else values.push({ value: row[at] === "" ? null : row[at] });
  }
  return values;
}

const series = z.object({ columns: z.array(z.string()), values: z.array(z.array(z.unknown())).optional() });
const influxQl = z.object({
  results: z.array(z.object({ series: z.array(series).optional(), error: z.string().optional() })),
});

/** InfluxQL: an answer is JSON with series, whose rows begin with a time. */
export function influxQlApi(database: string): HttpApi {
  return {
    product: "InfluxDB",
    ask: (query) => ({
      method: "GET",
      path: "/query",
      params: [
        ["db", database],
        ["q", query],
      ],
    }),
    read({ json }, endpoint) {
      const parsed = influxQl.safeParse(json);
      if (!parsed.success) return undefined;
      const refused = parsed.data.results.find(({ error }) => error !== undefined);
      if (refused !== undefined) return refusedQuery(endpoint, refused.error ?? "");
      const found = parsed.data.results.flatMap((result) => result.series ?? []);
      const rows = found.flatMap(({ columns, values = [] }) => values.map((row) => rowOf(columns, row, PLACE)));
      return soleNumber(rows, "leave out GROUP BY, and ask for a mean or a sum");
    },
    explain: (answer) => explain(answer, z.object({ error: z.string() }), ({ error }) => error),
  };
}

/** SQL: an answer is a list of rows. */
export function sqlApi(database: string): HttpApi {
  return {
    product: "InfluxDB",
    ask: (query) => ({ method: "POST", path: "/api/v3/query_sql", body: { db: database, q: query, format: "json" } }),
    read({ json }) {
      const parsed = z.array(z.record(z.string(), z.unknown())).safeParse(json);
      if (!parsed.success) return undefined;
      const rows = parsed.data.map((row) => rowOf(Object.keys(row), Object.values(row), PLACE));
      return soleNumber(rows, "leave out GROUP BY, and ask for an average or a sum");
    },
    explain: (answer) => explain(answer, z.object({ error: z.string() }), ({ error }) => error),
  };
}

function explain<T>({ status, json }: ApiAnswer, schema: z.ZodType<T>, message: (failure: T) => string): Explanation {
  const parsed = schema.safeParse(json);
  return { detail: parsed.success ? message(parsed.data) : "", blamesQuery: status === 400 && parsed.success };
}
