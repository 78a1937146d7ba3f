import { z } from "zod";
import { API_VERSION, objectShape, problemsOf } from "./object.ts";
import type { Metadata, Parsed } from "./object.ts";
import { exactlyOneOf, withRules } from "./schema.ts";

/** Schemas of the blocks of a provider's spec, by name; every kind of back-end brings its own. */
export interface MetricBlocks {
  readonly blocks: Readonly<Record<string, z.ZodType>>;
}

/** Schema of `spec` of both MetricProvider and ClusterMetricProvider. */
export function metricProviderSpecSchema({ blocks }: MetricBlocks) {
  const optional = Object.fromEntries(Object.entries(blocks).map(([name, schema]) => [name, schema.optional()]));
  return withRules(z.object(optional), exactlyOneOf(Object.keys(blocks))).describe(
    "The metrics back-end: exactly one block.",
  );
}

export type MetricProviderKindName = "MetricProvider" | "ClusterMetricProvider";

/** A MetricProvider or a ClusterMetricProvider with its one block named. */
export interface MetricProviderObject {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: MetricProviderKindName;
  readonly metadata: Metadata;
  readonly spec: {
    /** Name of the kind of back-end, which is the key of the block. */
    readonly provider: string;
    /** The block as the schema of that kind gives it, defaults filled in. */
    readonly block: unknown;
  };
}

/** A parser for stored objects of one of the two kinds. */
export function metricProviderParser(
  kind: MetricProviderKindName,
  { blocks }: MetricBlocks,
): (object: unknown) => Parsed<"provider", MetricProviderObject> {
  const schema = objectShape(kind).extend({ spec: metricProviderSpecSchema({ blocks }) });
  return (object) => {
    const parsed = schema.safeParse(object);
    if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error) };
    const [only, second] = Object.entries(parsed.data.spec).filter(([, block]) => block !== undefined);
    if (only === undefined || second !== undefined) {
      return {
        ok: false,
        problems: [{ path: "spec", message: `choose exactly one of ${Object.keys(blocks).join(", ")}` }],
      };
    }
    const spec = { provider: only[0], block: only[1] };
    return { ok: true, provider: { apiVersion: API_VERSION, kind, metadata: parsed.data.metadata, spec } };
  };
}
