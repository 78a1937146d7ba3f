import { z } from "zod";
import { withRules } from "../api/schema.ts";
import { parseDuration } from "../lib/time.ts";
import {
  atMostOneOf,
  connectionFields,
  loginFields,
  secretsOfEndpoint,
  tlsNeedsHttps,
  urlField,
} from "./http/endpoint.ts";
import { rowOf, soleNumber } from "./http/rows.ts";
import { isTrouble, partial, refusedQuery } from "./http/sentences.ts";
import { plainSource } from "./http/source.ts";
import type { HttpApi } from "./http/source.ts";
import { longestIn, windowField } from "./http/window.ts";
import type { MetricProviderKind } from "./provider.ts";

const schema = withRules(
  z.object({
    url: urlField("https://splunk.example.com:8089").describe("Address of the management port."),
    window: windowField.describe("How far back a search looks that has no `earliest`."),
    ...connectionFields,
    ...loginFields,
  }),
  atMostOneOf(["bearerToken", "basicAuth"]),
  tlsNeedsHttps,
).describe(
  "Splunk Enterprise or Splunk Cloud Platform. A query is a search (SPL) whose result is one row with one number.",
);

type Block = z.output<typeof schema>;

const EARLIEST = /\bearliest\s*=\s*"?-(\d+)([smhdw])/gi;

/**
 * Splunk, by searches that are answered at once.
 * Source: Splunk, REST API reference, "search/jobs" (POST, exec_mode=oneshot, output_mode=json).
 */
export const splunk: MetricProviderKind<Block> = {
  name: "splunk",
  schema,
  secrets: secretsOfEndpoint,
  checkQuery: () => undefined,
  windowMs({ window }, query) {
    return /\bearliest\s*=/i.test(query) ? longestIn(query, EARLIEST) : parseDuration(window);
  },
  connect: (block, credentials) => plainSource(apiOf(block), block, { credentials }),
};

const message = z.object({ type: z.string(), text: z.string() });
const success = z.object({
  messages: z.array(message).optional(),
  results: z.array(z.record(z.string(), z.unknown())).optional(),
});
const failure = z.object({ messages: z.array(message).min(1) });

/** A search goes on without an indexer that fails, and says so in a warning. */
const INCOMPLETE = /\bincomplete\b|\bpartial results?\b/i;

/** Fields that Splunk adds by itself: `_time`, `_span`. */
const OWN = /^_/;

function apiOf({ window }: Block): HttpApi {
  const seconds = Math.ceil(parseDuration(window) / 1_000);
  return {
    product: "Splunk",
    ask(query) {
      const search = /^\s*(\||search\s)/i.test(query) ? query : `search ${query}`;
      const form = new URLSearchParams({
        search,
        earliest_time: `-${seconds}s`,
        latest_time: "now",
        exec_mode: "oneshot",
        output_mode: "json",
        count: "2",
      });
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      return { method: "POST", path: "/services/search/jobs", headers, body: form.toString() };
    },
    read({ json }, endpoint) {
      const parsed = success.safeParse(json);
      if (!parsed.success) return undefined;
      const { messages = [], results } = parsed.data;
      const refused = messages.find(({ type }) => type === "FATAL" || type === "ERROR");
      if (refused !== undefined) return refusedQuery(endpoint, refused.text);
      const missing = messages.find(({ type, text }) => type === "WARN" && INCOMPLETE.test(text));
      if (missing !== undefined) return partial(endpoint, missing.text);
      if (results === undefined) return undefined;
      const rows = results.map((row) => rowOf(Object.keys(row), Object.values(row), OWN));
      return soleNumber(rows, "end it with | stats, without `by`");
    },
    explain({ status, json }) {
      const parsed = failure.safeParse(json);
      const detail = parsed.success ? parsed.data.messages.map(({ text }) => text).join("; ") : "";
      return { detail, blamesQuery: status === 400 && parsed.success && !isTrouble(detail) };
    },
  };
}
