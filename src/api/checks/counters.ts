import { z } from "zod";
import type { Question } from "../query.ts";
import type { ProviderRef } from "../query.ts";

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

/** A query of a counter: asked of either version, and only a selector. */
export function counterQuestions(
  { name, kind }: { readonly name: string; readonly kind: "comparison" | "slo" },
  { bad, total }: Counters,
  providerRef: ProviderRef | undefined,
): readonly Question[] {
  const question = (part: "bad" | "total", query: string): Question => ({
    what: `check ${name}`,
    field: `spec.analysis.checks[${name}].${kind}.counters.${part}`,
    query,
    series: true,
    counter: true,
    providerRef,
  });
  return [question("total", total), question("bad", bad)];
}
