import { z } from "zod";
import { readCsv } from "./http/csv.ts";
import { rowOf, soleNumber } from "./http/rows.ts";
import { badQuery } from "./http/sentences.ts";
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
    read({ text }) {
      const [header, ...rows] = readCsv(text);
      // No table at all is an empty answer: with one line end, as the server writes it.
      if (header === undefined) return text === "" ? undefined : { kind: "empty" };
      if (header[0] === "error") return badQuery(`the query was refused: ${rows[0]?.[0] ?? ""}`);
      const at = header.indexOf("_value");
      if (at < 0) {
        const isTable = header.includes("table") || header.includes("result");
        return isTable ? badQuery("the query gives no column _value, in which the number is to be") : undefined;
      }
      // Each table repeats the header.
      const values = rows
        .filter((row) => row[at] !== "_value")
        .map((row) => ({ value: row[at] === "" ? null : row[at] }));
      return soleNumber(values, "end it with last(), mean() or sum(), after group()");
    },
    explain: (answer) => explain(answer, z.object({ code: z.string(), message: z.string() }), ({ message }) => message),
  };
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
    read({ json }) {
      const parsed = influxQl.safeParse(json);
      if (!parsed.success) return undefined;
      const refused = parsed.data.results.find(({ error }) => error !== undefined);
      if (refused !== undefined) return badQuery(`the query was refused: ${refused.error ?? ""}`);
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
