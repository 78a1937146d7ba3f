import { z } from "zod";
import { withRules } from "../api/schema.ts";
import { parseDuration } from "../lib/time.ts";
import {
  connectionFields,
  secretField,
  secretsOfEndpoint,
  secretUse,
  tlsNeedsHttps,
  urlField,
} from "./http/endpoint.ts";
import { soleNumber } from "./http/rows.ts";
import { refusedQuery, unreachable } from "./http/sentences.ts";
import { plainSource } from "./http/source.ts";
import type { HttpApi } from "./http/source.ts";
import { longestIn, windowField } from "./http/window.ts";
import type { MetricProviderKind } from "./provider.ts";

const schema = withRules(
  z.object({
    url: urlField("https://api.eu.newrelic.com")
      .default("https://api.newrelic.com")
      .describe("Address of NerdGraph in your region, without `/graphql`."),
    accountId: z.int().min(1).max(4_294_967_295).describe("Number of the account."),
    apiKey: secretField("the key").describe("User key."),
    window: windowField.describe("How far back a query looks that has no SINCE."),
    ...connectionFields,
  }),
  tlsNeedsHttps,
).describe("New Relic. A query is NRQL that gives one number.");

type Block = z.output<typeof schema>;

/**
 * New Relic, by NRQL over NerdGraph.
 * Source: New Relic, "NerdGraph tutorial: Query your data using NRQL"; the user key is in the header API-Key.
 */
export const newRelic: MetricProviderKind<Block> = {
  name: "newRelic",
  schema,
  secrets: (block) => [...secretsOfEndpoint(block), ...secretUse(block.apiKey.secretRef, { header: "API-Key" })],
  checkQuery: () => undefined,
  windowMs({ window }, query) {
    return hasSince(query)
      ? longestIn(query, /\bsince\s+(\d+)\s+(second|minute|hour|day|week)s?\s+ago/gi)
      : parseDuration(window);
  },
  connect: (block, credentials) => plainSource(apiOf(block), block, { credentials }),
};

/** The word may also be in a text that is compared with. */
function hasSince(query: string): boolean {
  return /\bsince\b/i.test(query.replace(/'[^']*'/g, ""));
}

const GRAPHQL = `query($account: Int!, $nrql: Nrql!, $seconds: Seconds!) {
  actor { account(id: $account) { nrql(query: $nrql, timeout: $seconds) { results } } }
}`;

const success = z.object({
  data: z.object({
    actor: z.object({
      account: z.object({ nrql: z.object({ results: z.array(z.record(z.string(), z.unknown())) }) }),
    }),
  }),
});
const failure = z.object({
  errors: z
    .array(
      z.object({
        message: z.string(),
        extensions: z.object({ errorClass: z.string().optional() }).nullish(),
      }),
    )
    .min(1),
});

/** Classes of errors that say nothing about the query, whatever the words. Source: New Relic's client for Go. */
const TROUBLES = new Set(["TOO_MANY_REQUESTS", "TIMEOUT", "SERVER_ERROR", "INTERNAL_SERVER_ERROR", "ACCESS_DENIED"]);

/** What NRQL itself is blamed for; every other error is about the account, the key or the service. */
const BLAMED = /nrql|syntax|query (was|is) (in)?valid|unknown function/i;

function apiOf({ accountId, window, timeout }: Block): HttpApi {
  // NerdGraph takes whole seconds, from 5 to 120.
  const seconds = Math.min(120, Math.max(5, Math.ceil(parseDuration(timeout) / 1_000)));
  return {
    product: "New Relic",
    ask(query) {
      const since = hasSince(query) ? "" : ` SINCE ${Math.ceil(parseDuration(window) / 1_000)} seconds ago`;
      const variables = { account: accountId, nrql: `${query}${since}`, seconds };
      return { method: "POST", path: "/graphql", body: { query: GRAPHQL, variables } };
    },
    read({ json }, endpoint) {
      const failed = failure.safeParse(json);
      if (failed.success) {
        const detail = failed.data.errors.map(({ message }) => message).join("; ");
        const isTheirs = failed.data.errors.some(({ extensions }) => TROUBLES.has(extensions?.errorClass ?? ""));
        if (!isTheirs && BLAMED.test(detail)) return refusedQuery(endpoint, detail);
        return unreachable(endpoint, `answers with an error: ${detail}`);
      }
      const parsed = success.safeParse(json);
      if (!parsed.success) return undefined;
      return soleNumber(parsed.data.data.actor.account.nrql.results, "leave out FACET and TIMESERIES");
    },
    explain({ json }) {
      const parsed = failure.safeParse(json);
      return {
        detail: parsed.success ? parsed.data.errors.map(({ message }) => message).join("; ") : "",
        blamesQuery: false,
      };
    },
  };
}
