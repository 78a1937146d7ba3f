import { z } from "zod";
import { providerRef, queryText } from "./query.ts";
import { duration, exactlyOneOf, withRules } from "./schema.ts";

const share = z
  .object({
    query: queryText("PromQL that gives the percent of the requests that the canary gets, 0 to 100."),
    providerRef: providerRef.optional(),
  })
  .describe("Asks the metrics which share of the requests the canary gets.");

/** Header names and values as RFC 9110 has them, as far as anybody uses them. */
const HEADER_NAME = "^[A-Za-z0-9-]{1,128}$";

const probe = z
  .object({
    url: withRules(z.string().min(1).max(1024), {
      rule: "self.matches('^https?://[^/@ ]+(/[^ ]*)?$')",
      message: "must be an http or https address without user and password, such as http://gateway.infra/healthz",
    }).describe("What is requested, through the data plane and not through a Service of the pods."),
    host: withRules(z.string().min(1).max(253), {
      rule: "self.matches('^[A-Za-z0-9.:-]+$')",
      message: "must be a host name such as shop.example.com",
    })
      .optional()
      .describe("Host header, where the address is not the host that the route serves."),
    header: withRules(z.string().min(1).max(128), {
      rule: `self.matches('${HEADER_NAME}')`,
      message: "must be the name of a header, such as x-served-by",
    }).describe("Header of the answer that tells the canary's pods from the primary's."),
    value: z.string().min(1).max(256).describe("Its value in answers of the canary, the whole of it."),
    requests: z.int().min(1).max(50).default(10).describe("Requests at a time; there are two seconds between."),
  })
  .describe("Sends requests through the data plane and looks who answers.");

/** `spec.traffic.evidence`. */
export const evidenceSchema = withRules(
  z.object({
    timeout: duration({ min: "1s", max: "10m" })
      .default("1m")
      .describe("Evidence that does not come within this time is a warning, and the settle time decides."),
    share: share.optional(),
    probe: probe.optional(),
  }),
  exactlyOneOf(["share", "probe"]),
).describe("What shows that a weight above 0 is in effect: exactly one block. Left out: the settle time alone.");

export type Evidence = z.output<typeof evidenceSchema>;
export type ShareEvidence = z.output<typeof share>;
export type ProbeEvidence = z.output<typeof probe>;
