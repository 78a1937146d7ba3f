import type { Histogram } from "../../../src/analysis/types.ts";

/** A quantile as PromQL's histogram_quantile gives it: linear inside the bucket, the last edge beyond it. */
export function percentile({ edges, counts }: Histogram, requests: number, share: number): number | undefined {
  if (requests === 0) return undefined;
  const rank = share * requests;
  const index = counts.findIndex((count) => count >= rank);
  if (index === -1) return edges.at(-1);
  const [low, high] = [edges[index - 1] ?? 0, edges[index] ?? 0];
  const [before, after] = [counts[index - 1] ?? 0, counts[index] ?? 0];
  return after === before ? high : low + ((high - low) * (rank - before)) / (after - before);
}
