import { z } from "zod";
import { withRules } from "../api/schema.ts";
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
import { rowOf, soleNumber, soleOf } from "./http/rows.ts";
import { badQuery, partial } from "./http/sentences.ts";
import { plainSource } from "./http/source.ts";
import type { ApiRequest, HttpApi } from "./http/source.ts";
import { longestIn } from "./http/window.ts";
import type { MetricProviderKind, Reading } from "./provider.ts";

const schema = withRules(
  z.object({
    url: urlField("https://elasticsearch.logging:9200").describe("Address."),
    language: z
      .enum(["Search", "ESQL", "PPL"])
      .default("Search")
      .describe(
        "Language of the queries: Search is the JSON of the search API, which both know; ES|QL is Elasticsearch's, PPL OpenSearch's.",
      ),
    index: withRules(z.string().min(1).max(255), {
      rule: "self.matches('^[a-z0-9*.,_+-]+$')",
      message: "must be the name of an index, or a pattern such as logs-*",
    })
      .optional()
      .describe("What is searched; left out: everything. For Search only, the other languages name it themselves."),
    apiKey: secretField("the encoded key").optional().describe("API key."),
    ...connectionFields,
    ...loginFields,
  }),
  atMostOneOf(["apiKey", "bearerToken", "basicAuth"]),
  {
    rule: "!has(self.index) || self.language == 'Search'",
    message: "index belongs to the language Search only",
    fieldPath: ".index",
  },
  tlsNeedsHttps,
).describe("Elasticsearch or OpenSearch. A query gives one number, and says itself how far back it looks.");

type Block = z.output<typeof schema>;

/** `now-5m` of the search API, `NOW() - 5 minutes` of ES|QL. */
const LOOKS_BACK = /\bnow(?:\(\))?\s*-\s*(\d+)\s*([smhdw])/gi;

/**
 * Elasticsearch and OpenSearch.
 * Source: Elastic, API reference, "Run a search" (POST /{index}/_search) and "Run an ES|QL query" (POST /_query);
 * OpenSearch, "SQL and PPL API" (POST /_plugins/_ppl).
 */
export const elasticsearch: MetricProviderKind<Block> = {
  name: "elasticsearch",
  schema,
  secrets: (block) => [...secretsOfEndpoint(block), ...secretUse(block.apiKey?.secretRef, "bearerToken")],
  checkQuery({ language }, query) {
    if (language !== "Search") return undefined;
    const parsed = bodyOf(query);
    return "wrong" in parsed ? parsed.wrong : undefined;
  },
  windowMs: (_block, query) => longestIn(query, LOOKS_BACK),
  connect: (block, credentials) =>
    plainSource(apiOf(block), block, { credentials, scheme: block.apiKey === undefined ? "Bearer" : "ApiKey" }),
};

type Body = { readonly body: Readonly<Record<string, unknown>> } | { readonly wrong: string };

function bodyOf(query: string): Body {
  const wrong = 'the query is not the JSON of a search, such as {"query": {…}, "aggs": {…}}';
  try {
    const parsed: unknown = JSON.parse(query);
    const isObject = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
    return isObject ? { body: parsed as Readonly<Record<string, unknown>> } : { wrong };
  } catch {
    return { wrong };
  }
}

const failure = z.object({
  error: z.union([
    z.string(),
    z.object({
      type: z.string().nullish(),
      reason: z.string().nullish(),
      details: z.string().nullish(),
      root_cause: z.array(z.object({ reason: z.string().nullish() })).optional(),
    }),
  ]),
});

function apiOf({ language, index }: Block): HttpApi {
  return {
    product: "Elasticsearch",
    ask: (query) => requestOf(language, index, query),
    read: ({ json }, endpoint) => (language === "Search" ? readSearch(json, endpoint) : readTable(json, endpoint)),
    explain({ status, json }) {
      const parsed = failure.safeParse(json);
      if (!parsed.success) return { detail: "", blamesQuery: false };
      const { error } = parsed.data;
      const texts =
        typeof error === "string"
          ? [error]
          : [error.reason, error.details, ...(error.root_cause ?? []).map(({ reason }) => reason)];
      const said = new Set(texts.filter((text) => text !== null && text !== undefined));
      const isUnknown = status === 404 && typeof error !== "string" && error.type === "index_not_found_exception";
      return { detail: [...said].join(": "), blamesQuery: status === 400 || isUnknown };
    },
  };
}

function requestOf(
  language: Block["language"],
  index: string | undefined,
  query: string,
): ApiRequest | { readonly wrong: string } {
  if (language === "ESQL") return { method: "POST", path: "/_query", body: { query } };
  if (language === "PPL") return { method: "POST", path: "/_plugins/_ppl", body: { query } };
  const parsed = bodyOf(query);
  if ("wrong" in parsed) return parsed;
  const path = index === undefined ? "/_search" : `/${index}/_search`;
  return { method: "POST", path, body: { size: 0, track_total_hits: true, ...parsed.body } };
}

const found = z.object({
  timed_out: z.boolean(),
  _shards: z.object({ total: z.number(), failed: z.number() }).optional(),
  hits: z.object({ total: z.object({ value: z.number() }).optional() }),
  aggregations: z.record(z.string(), z.unknown()).optional(),
});

/** The value of the only aggregation, else of the one named `reading`; without aggregations the number of hits. */
function readSearch(json: unknown, endpoint: string): Reading | undefined {
  const parsed = found.safeParse(json);
  if (!parsed.success) return undefined;
  const { timed_out: isLate, _shards: shards, hits, aggregations } = parsed.data;
  if (isLate) return partial(endpoint, "the search timed out");
  if (shards !== undefined && shards.failed > 0) {
    return partial(endpoint, `${shards.failed} of ${shards.total} shards failed`);
  }
  if (aggregations === undefined) return soleOf([hits.total?.value], "values", "");
  const values = Object.entries(aggregations).flatMap(([name, body]) => valuesOf(name, body));
  const named = values.filter(({ name }) => name === "reading");
  const wanted = (named.length > 0 ? named : values).map(({ value }) => value);
  return soleOf(wanted, "values", "name the aggregation that counts `reading`, and leave out buckets");
}

interface Named {
  readonly name: string;
  readonly value: unknown;
}

/** The numbers in an aggregation: its own, those of its percentiles, or those of the aggregations within it. */
function valuesOf(name: string, body: unknown): readonly Named[] {
  if (typeof body !== "object" || body === null) return [];
  if ("value" in body) return [{ name, value: body.value }];
  if ("values" in body)
    return Object.values(body.values ?? {}).map((entry: unknown) => ({ name, value: keyed(entry) }));
  if ("buckets" in body) return Object.values(body.buckets ?? {}).flatMap((bucket: unknown) => valuesOf(name, bucket));
  const inner = Object.entries(body).flatMap(([key, value]) => valuesOf(key, value));
  return inner.length === 0 && "doc_count" in body ? [{ name, value: body.doc_count }] : inner;
}

/** Percentiles are an object, or with `keyed: false` a list of keys and values. */
function keyed(entry: unknown): unknown {
  return typeof entry === "object" && entry !== null && "value" in entry ? entry.value : entry;
}

const column = z.object({ name: z.string() });
const table = z.union([
  z.object({ columns: z.array(column), values: z.array(z.array(z.unknown())), is_partial: z.boolean().optional() }),
  z.object({ schema: z.array(column), datarows: z.array(z.array(z.unknown())) }),
]);

function readTable(json: unknown, endpoint: string): Reading | undefined {
  const parsed = table.safeParse(json);
  if (!parsed.success) return undefined;
  if ("columns" in parsed.data && parsed.data.is_partial === true) return partial(endpoint);
  const { columns, values } =
    "columns" in parsed.data ? parsed.data : { columns: parsed.data.schema, values: parsed.data.datarows };
  const names = columns.map(({ name }) => name);
  if (names.length > 1 && values.length > 0) {
    return badQuery(`the query gives ${names.length} columns instead of one: keep one of them`);
  }
  return soleNumber(
    values.map((row) => rowOf(names, row, /^$/)),
    "end it with stats, without by",
  );
}
