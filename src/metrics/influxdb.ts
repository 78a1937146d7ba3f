import { z } from "zod";
import { exactlyOneOf, withRules } from "../api/schema.ts";
import {
  atMostOneOf,
  connectionFields,
  loginFields,
  secretField,
  secretsOfEndpoint,
  secretUse,
  tlsNeedsHttps,
  urlField,
} from "./http/endpoint.ts";
import { plainSource } from "./http/source.ts";
import type { HttpApi } from "./http/source.ts";
import { longestIn } from "./http/window.ts";
import { fluxApi, influxQlApi, sqlApi } from "./influxdbApi.ts";
import type { MetricProviderKind } from "./provider.ts";

const database = z.string().min(1).max(253).describe("Name of the database.");

const schema = withRules(
  z.object({
    url: urlField("http://influxdb.monitoring:8086").describe("Address of the API."),
    flux: z
      .object({ org: z.string().min(1).max(253).describe("Name or id of the organisation.") })
      .optional()
      .describe("Queries are Flux, as InfluxDB 2 and InfluxDB Cloud (TSM) want them."),
    influxQL: z.object({ database }).optional().describe("Queries are InfluxQL, which every version takes."),
    sql: z.object({ database }).optional().describe("Queries are SQL, as InfluxDB 3 wants them."),
    token: secretField("the token").optional().describe("API token."),
    basicAuth: loginFields.basicAuth,
    ...connectionFields,
  }),
  exactlyOneOf(["flux", "influxQL", "sql"]),
  atMostOneOf(["token", "basicAuth"]),
  tlsNeedsHttps,
).describe("InfluxDB. A query gives one row with one number, and says itself how far back it looks.");

type Block = z.output<typeof schema>;

/** `range(start: -5m)` of Flux, `now() - 5m` of InfluxQL, `INTERVAL '5 minutes'` of SQL. */
const LOOKS_BACK = /(?:start:\s*-|now\(\)\s*-\s*|interval\s*')(\d+)\s*([smhdw])/gi;

/**
 * InfluxDB, in one of its three languages.
 * Source: InfluxData, API references of InfluxDB v2 (POST /api/v2/query), v1 (GET /query) and v3 (POST /api/v3/query_sql).
 */
export const influxdb: MetricProviderKind<Block> = {
  name: "influxdb",
  schema,
  secrets: (block) => [...secretsOfEndpoint(block), ...secretUse(block.token?.secretRef, "bearerToken")],
  checkQuery: () => undefined,
  windowMs: (_block, query) => longestIn(query, LOOKS_BACK),
  connect: (block, credentials) =>
    plainSource(apiOf(block), block, { credentials, scheme: block.sql === undefined ? "Token" : "Bearer" }),
};

function apiOf({ flux, influxQL, sql }: Block): HttpApi {
  if (flux !== undefined) return fluxApi(flux.org);
  return influxQL === undefined ? sqlApi(sql?.database ?? "") : influxQlApi(influxQL.database);
}
