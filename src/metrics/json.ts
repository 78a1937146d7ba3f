import { jsonpath } from "json-p3";
import { z } from "zod";
import { withRules } from "../api/schema.ts";
import { messageOf } from "../lib/errors.ts";
import {
  atMostOneOf,
  connectionFields,
  loginFields,
  secretsOfEndpoint,
  tlsNeedsHttps,
  urlField,
} from "./http/endpoint.ts";
import { soleOf } from "./http/rows.ts";
import { plainSource } from "./http/source.ts";
import type { HttpApi } from "./http/source.ts";
import type { MetricProviderKind } from "./provider.ts";

const schema = withRules(
  z.object({
    url: urlField("https://scores.example.com/api").describe("Address."),
    method: z
      .enum(["GET", "POST"])
      .default("GET")
      .describe("With GET a query is what follows the address: a path or `?` and parameters; with POST the JSON body."),
    value: z
      .string()
      .min(1)
      .max(512)
      .check((context) => {
        const wrong = faultOfPath(context.value);
        if (wrong !== undefined) context.issues.push({ code: "custom", message: wrong, input: context.value });
      })
      .describe("Where the number is in the answer: a JSONPath (RFC 9535) such as `$.data.score`. True is 1, false 0."),
    ...connectionFields,
    ...loginFields,
  }),
  atMostOneOf(["bearerToken", "basicAuth"]),
  tlsNeedsHttps,
).describe("Anything that answers in JSON over HTTP.");

type Block = z.output<typeof schema>;

/** Any JSON over HTTP. Source: RFC 9535, JSONPath, by the library json-p3. */
export const json: MetricProviderKind<Block> = {
  name: "json",
  schema,
  secrets: secretsOfEndpoint,
  checkQuery({ method }, query) {
    const wrong = requestOf(method, query);
    return "wrong" in wrong ? wrong.wrong : undefined;
  },
  windowMs: () => 0,
  connect: (block, credentials) => plainSource(apiOf(block), block, { credentials }),
};

function faultOfPath(path: string): string | undefined {
  try {
    jsonpath.compile(path);
    return undefined;
  } catch (error) {
    return `is not a JSONPath: ${messageOf(error)}`;
  }
}

function requestOf(method: Block["method"], query: string) {
  if (method === "POST") {
    try {
      return { method, path: "", body: JSON.parse(query) as unknown };
    } catch (error) {
      return { wrong: `the query is to be the JSON that is sent: ${messageOf(error)}` };
    }
  }
  // Anything else behind a host name could make it another host.
  if (!/^[/?][!-~]*$/.test(query)) {
    return { wrong: "the query is to be a path or parameters, such as /score?service={{ canary }}, without spaces" };
  }
  return { method, path: query };
}

function apiOf({ method, value: path }: Block): HttpApi {
  const compiled = jsonpath.compile(path);
  return {
    product: "a JSON API",
    ask: (query) => requestOf(method, query),
    read({ json: answer }) {
      if (typeof answer !== "object" || answer === null) return undefined;
      const found = compiled.query(answer as Parameters<typeof compiled.query>[0]).values();
      return soleOf(
        found.map((value) => (typeof value === "boolean" ? Number(value) : value)),
        "values",
        "let spec.json.value of the provider name one",
      );
    },
    explain: ({ status, text }) => {
      // Whoever answers like this has read the request; what is a page is of a proxy before it.
      const isPage = text.trimStart().startsWith("<");
      return { detail: isPage ? "" : text, blamesQuery: (status === 400 || status === 422) && !isPage };
    },
  };
}
