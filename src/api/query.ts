import { z } from "zod";
import { objectName } from "./schema.ts";

/** Who answers a query. */
export const providerRef = z
  .object({
    kind: z
      .enum(["MetricProvider", "ClusterMetricProvider"])
      .default("MetricProvider")
      .describe("Kind of the provider."),
    name: objectName().describe("Name of the provider; a MetricProvider is in the namespace of the Canary."),
  })
  .describe(
    "Who answers the query. Left out: the ClusterMetricProvider `default`, else the controller's `--prometheus-url`.",
  );

/** A query in which the names of the canary are filled in. */
export function queryText(what: string) {
  return z
    .string()
    .min(1)
    .max(4096)
    .describe(
      `${what} \`{{ namespace }}\`, \`{{ target }}\`, \`{{ primary }}\`, \`{{ canary }}\` and \`{{ interval }}\` are filled in.`,
    );
}

/** Refers to a MetricProvider or a ClusterMetricProvider. */
export type ProviderRef = z.output<typeof providerRef>;

/** A query, and what of a Canary asks it. */
export interface Question {
  /** For sentences: `check success`. */
  readonly what: string;
  /** Where it stands: `spec.analysis.checks[success].threshold.query`. */
  readonly field: string;
  readonly query: string;
  /** Series are asked for, as of a moment, and not one number. */
  readonly series?: true;
  /** It is a counter with its labels, asked of each version, and nothing else. */
  readonly counter?: true;
  readonly providerRef?: ProviderRef | undefined;
}
