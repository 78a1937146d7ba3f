import { z } from "zod";
import { listMap, withRules } from "./schema.ts";

const TOKEN = "^[A-Za-z0-9_.-]+$";

const type = z
  .enum(["Exact", "RegularExpression"])
  .default("Exact")
  .describe("Exact compares the whole text; RegularExpression is in the dialect of the data plane.");
const value = z.string().min(1).max(1_024).describe("What the whole text has to be.");

const name = () =>
  withRules(z.string().min(1).max(128), {
    rule: `self.matches('${TOKEN}')`,
    message: "must be letters, digits, '-', '_' and '.'",
  });

const cookie = z
  .object({
    name: name().describe("Name of the cookie."),
    value: withRules(z.string().min(1).max(256), {
      rule: "self.matches('^[A-Za-z0-9_.~%+/=-]+$')",
      message: "must be a text that a cookie can hold, without blanks and quotes",
    }).describe("Its value."),
  })
  .describe("A cookie that the request has to bring.");

/** One way in which a request of an A/B test is told; everything that is said has to fit. */
export const requestMatch = withRules(
  z.object({
    headers: listMap(
      z
        .array(
          z.object({
            name: withRules(name(), {
              rule: "!self.matches('^[Cc][Oo][Oo][Kk][Ii][Ee]$')",
              message: "a header Cookie holds all cookies: use cookie instead",
            }).describe("Name of the header, in any case."),
            value,
            type,
          }),
        )
        .min(1)
        .max(8),
      "name",
    )
      .optional()
      .describe("Headers that the request has to have."),
    cookie: cookie.optional(),
    queryParams: listMap(
      z
        .array(z.object({ name: name().describe("Name of the parameter."), value, type }))
        .min(1)
        .max(8),
      "name",
    )
      .optional()
      .describe("Query parameters that the request has to have."),
    method: z
      .enum(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"])
      .optional()
      .describe("Method of the request."),
  }),
  {
    rule: "has(self.headers) || has(self.cookie) || has(self.queryParams) || has(self.method)",
    message: "needs at least one of headers, cookie, queryParams, method",
  },
);

export interface ValueMatch {
  readonly name: string;
  readonly value: string;
  readonly type: "Exact" | "RegularExpression";
}

export interface RequestMatch {
  readonly headers: readonly ValueMatch[];
  readonly cookie?: { readonly name: string; readonly value: string };
  readonly queryParams: readonly ValueMatch[];
  readonly method?: string;
}

export function resolveMatch({
  headers,
  cookie: brought,
  queryParams,
  method,
}: z.output<typeof requestMatch>): RequestMatch {
  return {
    headers: headers ?? [],
    ...(brought === undefined ? {} : { cookie: brought }),
    queryParams: queryParams ?? [],
    ...(method === undefined ? {} : { method }),
  };
}
