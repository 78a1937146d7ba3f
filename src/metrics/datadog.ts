import { z } from "zod";
import { parseDuration } from "../lib/time.ts";
import { withRules } from "../api/schema.ts";
import {
  connectionFields,
  secretField,
  secretsOfEndpoint,
  secretUse,
  tlsNeedsHttps,
  urlField,
} from "./http/endpoint.ts";
import { soleOf } from "./http/rows.ts";
import { refusedQuery } from "./http/sentences.ts";
import { plainSource } from "./http/source.ts";
import type { ApiAnswer, HttpApi } from "./http/source.ts";
import { windowField } from "./http/window.ts";
import type { MetricProviderKind, Reading } from "./provider.ts";

const schema = withRules(
  z.object({
    url: urlField("https://api.datadoghq.eu")
      .default("https://api.datadoghq.com")
      .describe("Address of the API of your Datadog site."),
    apiKey: secretField("the API key").describe("API key."),
    applicationKey: secretField("the application key").describe(
      "Application key with the permission `timeseries_query`.",
    ),
    window: windowField,
    aggregator: z
      .enum(["avg", "last", "max", "min", "sum"])
      .default("avg")
      .describe("How the points of the window become one number."),
    ...connectionFields,
  }),
  tlsNeedsHttps,
).describe("Datadog. A query is a metric query, or JSON with `queries` by name and a `formula` of these names.");

type Block = z.output<typeof schema>;

/**
 * Datadog, by scalar queries.
 * Source: Datadog, API reference, "Query scalar data across multiple products" (POST /api/v2/query/scalar).
 */
export const datadog: MetricProviderKind<Block> = {
  name: "datadog",
  schema,
  secrets: (block) => [
    ...secretsOfEndpoint(block),
    ...secretUse(block.apiKey.secretRef, { header: "DD-API-KEY" }),
    ...secretUse(block.applicationKey.secretRef, { header: "DD-APPLICATION-KEY" }),
  ],
  checkQuery(_block, query) {
    const parsed = questionOf(query);
    return "wrong" in parsed ? parsed.wrong : undefined;
  },
  windowMs: ({ window }) => parseDuration(window),
  connect: (block, credentials) => plainSource(apiOf(block), block, { credentials }),
};

const formulaSchema = z.strictObject({
  queries: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), z.string().min(1)),
  formula: z.string().min(1),
});

type Formula = z.output<typeof formulaSchema>;

/** A metric query cannot begin with a brace, so that what does is a formula. */
function questionOf(query: string): Formula | { readonly wrong: string } {
  if (!query.trimStart().startsWith("{")) return { queries: { a: query }, formula: "a" };
  const wrong = 'a query in JSON looks like {"queries": {"a": "sum:…", "b": "sum:…"}, "formula": "a / b"}';
  try {
    const parsed = formulaSchema.safeParse(JSON.parse(query));
    return parsed.success ? parsed.data : { wrong };
  } catch {
    return { wrong };
  }
}

const success = z.object({
  data: z.object({
    attributes: z.object({
      columns: z.array(z.object({ type: z.string().optional(), values: z.array(z.unknown()).optional() })).optional(),
    }),
  }),
});
const inQuery = z.object({ errors: z.string().min(1) });
const failure = z.object({ errors: z.array(z.string()) });

function apiOf({ window, aggregator }: Block): HttpApi {
  return {
    product: "Datadog",
    ask(query, nowMs) {
      const question = questionOf(query);
      if ("wrong" in question) return question;
      const queries = Object.entries(question.queries).map(([name, text]) => {
        return { data_source: "metrics", name, query: text, aggregator };
      });
      const formulas = [{ formula: question.formula }];
      const attributes = { from: nowMs - parseDuration(window), to: nowMs, queries, formulas };
      return { method: "POST", path: "/api/v2/query/scalar", body: { data: { type: "scalar_request", attributes } } };
    },
    read({ json }, endpoint): Reading | undefined {
      const refused = inQuery.safeParse(json);
      if (refused.success) return refusedQuery(endpoint, refused.data.errors);
      const parsed = success.safeParse(json);
      if (!parsed.success) return undefined;
      const columns = (parsed.data.data.attributes.columns ?? []).filter(({ type }) => type !== "group");
      const values = columns.flatMap((column) => column.values ?? []);
      return soleOf(values, "series", "leave out `by {…}`");
    },
    explain({ status, json }: ApiAnswer) {
      const parsed = failure.safeParse(json);
      return {
        detail: parsed.success ? parsed.data.errors.join("; ") : "",
        blamesQuery: status === 400 && parsed.success,
      };
    },
  };
}
