import { z } from "zod";
import { dataPlaneNames } from "../dataPlanes.ts";
import { providerRef } from "../query.ts";
import type { ProviderRef, Question } from "../query.ts";

const VARIABLES =
  "`{{ namespace }}`, and of the version that is counted `{{ service }}` (its leaf Service), `{{ workload }}` (its workload) and `{{ pods }}` (a regular expression for its pods' names) are filled in.";

function counter(what: string) {
  return z
    .string()
    .min(1)
    .max(2048)
    .describe(
      `${what} A counter with its labels and nothing around it, such as \`http_requests_total{service="{{ service }}"}\`: differences are formed by Aviary. ${VARIABLES}`,
    );
}

/** Counters of the user's: of requests, say, and of those among them that were bad. */
export const countersSchema = z.object({
  bad: counter("PromQL selector of what counts bad events."),
  total: counter("PromQL selector of what counts all events, bad ones among them."),
});

export type Counters = z.output<typeof countersSchema>;

/** Whose metrics a check reads that counts both versions. */
export const dataPlaneField = z
  .enum(dataPlaneNames)
  .optional()
  .describe(
    "Whose metrics tell the versions apart. Left out: recognised by the parent of the route, else the metrics of the application.",
  );

/** What a check that counts has to have seen before it says anything, and who counts. */
export const countingFields = {
  minRequests: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(20)
    .describe("Requests to the canary before which nothing is decided."),
  minFailures: z
    .int()
    .min(1)
    .max(10_000)
    .default(3)
    .describe("Bad requests of the canary before which it does not fail."),
  providerRef: providerRef.optional(),
};

interface Counting {
  readonly counters?: Counters | undefined;
  readonly providerRef?: ProviderRef | undefined;
}

/** What a check asks beside the queries of a data plane: its counters, of either version, and only selectors. */
export function counterQuestions(
  { name, kind }: { readonly name: string; readonly kind: "comparison" | "slo" },
  { counters, providerRef: ref }: Counting,
): readonly Question[] {
  if (counters === undefined) return [];
  const question = (part: "bad" | "total", query: string): Question => ({
    what: `check ${name}`,
    field: `spec.analysis.checks[${name}].${kind}.counters.${part}`,
    query,
    series: true,
    counter: true,
    providerRef: ref,
  });
  return [question("total", counters.total), question("bad", counters.bad)];
}
