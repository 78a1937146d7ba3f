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
import { newestOf, soleOf } from "./http/rows.ts";
import { several } from "./http/sentences.ts";
import { plainSource } from "./http/source.ts";
import type { HttpApi } from "./http/source.ts";
import { windowField } from "./http/window.ts";
import type { MetricProviderKind } from "./provider.ts";

const schema = withRules(
  z.object({
    url: urlField("http://graphite.monitoring:8080").describe("Address; `/render` is added to it."),
    window: windowField.describe("How far back a query looks; its newest known point is the reading."),
    ...connectionFields,
    ...loginFields,
  }),
  atMostOneOf(["bearerToken", "basicAuth"]),
  tlsNeedsHttps,
).describe("Graphite. A query is a target of the render API.");

type Block = z.output<typeof schema>;

/**
 * Graphite, by its render API.
 * Source: Graphite, "The Render URL API" (target, from, until, format=json; datapoints are pairs of value and time).
 */
export const graphite: MetricProviderKind<Block> = {
  name: "graphite",
  schema,
  secrets: secretsOfEndpoint,
  checkQuery: () => undefined,
  windowMs: ({ window }) => parseDuration(window),
  connect: (block, credentials) => plainSource(apiOf(block), block, { credentials }),
};

const success = z.array(z.object({ datapoints: z.array(z.tuple([z.unknown(), z.number()])) }));

function apiOf({ window }: Block): HttpApi {
  const seconds = Math.ceil(parseDuration(window) / 1_000);
  return {
    product: "Graphite",
    ask(target) {
      // Without noCache an answer may be one of a minute ago, of the weight before.
      const noCache = "true";
      const form = new URLSearchParams({ target, from: `-${seconds}s`, until: "now", format: "json", noCache });
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      return { method: "POST", path: "/render", headers, body: form.toString() };
    },
    read({ json }) {
      const parsed = success.safeParse(json);
      if (!parsed.success) return undefined;
      const [series, ...others] = parsed.data;
      if (others.length > 0) return several(others.length + 1, "series", "put sumSeries() around it");
      return soleOf([newestOf((series?.datapoints ?? []).map(([value]) => value))], "values", "");
    },
    explain({ status, text }) {
      // Graphite says what is wrong with a target in one line, escaped for a page; a page is of a proxy before it.
      const isPage = text.trimStart().startsWith("<");
      return { detail: isPage ? "" : unescaped(text), blamesQuery: status === 400 && !isPage && text !== "" };
    },
  };
}

const ESCAPED: Readonly<Record<string, string>> = { quot: '"', "#x27": "'", "#39": "'", lt: "<", gt: ">", amp: "&" };

function unescaped(text: string): string {
  return text.replace(/&(quot|#x27|#39|lt|gt|amp);/g, (found, name: string) => ESCAPED[name] ?? found);
}
