import type { Histogram } from "../analysis/types.ts";
import type { NativeBucket, NativeHistogram } from "../metrics/provider.ts";

/** Latencies that are worth an edge, in milliseconds. */
const SHORTEST_MS = 0.1;
const LONGEST_MS = 600_000;

/**
 * Where a native histogram is cut into "slower" and "faster", in the unit of its metric: at the powers of two between 0.1 ms
 * and 10 minutes. These are bounds of buckets in every exponential schema from 0 up, so nothing is interpolated there and
 * versions with different resolutions are compared exactly; and they are as far apart as the bounds that people give
 * classic histograms. `more` are edges of the user's.
 */
export function nativeEdges(unitMs: number, more: readonly number[] = []): readonly number[] {
  const first = Math.ceil(Math.log2(SHORTEST_MS / unitMs));
  const last = Math.floor(Math.log2(LONGEST_MS / unitMs));
  const powers = Array.from({ length: last - first + 1 }, (_, index) => 2 ** (first + index));
  return [...new Set([...powers, ...more])].sort((a, b) => a - b);
}

/** Several native histograms as one. Their buckets may overlap. */
export function joined(histograms: readonly NativeHistogram[]): NativeHistogram {
  return {
    count: histograms.reduce((sum, { count }) => sum + count, 0),
    buckets: histograms.flatMap(({ buckets }) => buckets),
  };
}

/**
 * What was observed between two moments. Resolutions may have changed meanwhile, since Prometheus and applications make
 * buckets coarser when there are too many: counts are only taken from each other at bounds that lie within no bucket of
 * either. Taken at any other place, what is interpolated of a year would drown what was observed in a minute.
 */
export function grownBetween(start: NativeHistogram, end: NativeHistogram): NativeHistogram {
  const all = [...start.buckets, ...end.buckets];
  const bounds = [...new Set(all.flatMap(({ lower, upper }) => [lower, upper]))].sort((a, b) => a - b);
  const exact = bounds.filter((bound) => !all.some(({ lower, upper }) => lower < bound && bound < upper));
  const buckets = exact.flatMap((upper, index): readonly NativeBucket[] => {
    const lower = exact[index - 1];
    if (lower === undefined) return [];
    const count = within(end, lower, upper) - within(start, lower, upper);
    return count > 0 ? [{ lower, upper, count }] : [];
  });
  return { count: Math.max(0, end.count - start.count), buckets };
}

function within({ buckets }: NativeHistogram, from: number, to: number): number {
  return buckets.reduce((sum, { lower, upper, count }) => (lower >= from && upper <= to ? sum + count : sum), 0);
}

/**
 * How many observations are at most as long as each edge, as a classic histogram would count them, in milliseconds. An
 * edge within a bucket gets a part of it: by the logarithm, as Prometheus interpolates in exponential buckets, and in
 * proportion below a lower bound of 0. Requests are then partly slow, by the same rule in both versions, which can only
 * weaken evidence: of all numbers between 0 and 1 with the same mean, 0 and 1 vary most (Hoeffding 1963).
 *
 * Source: Prometheus, "Native histograms", sections "Schema" and "Interpolation within a bucket".
 */
export function cutAt(histogram: NativeHistogram, edges: readonly number[], unitMs: number): Histogram {
  const below = (edge: number) =>
    histogram.buckets.reduce((sum, bucket) => sum + bucket.count * shareBelow(bucket, edge), 0);
  return {
    edges: edges.map((edge) => edge * unitMs),
    counts: edges.map((edge) => Math.round(below(edge))),
    total: Math.round(histogram.count),
  };
}

function shareBelow({ lower, upper }: NativeBucket, edge: number): number {
  if (upper <= edge) return 1;
  const from = Math.max(0, lower);
  if (from >= edge || upper === Infinity) return 0;
  return from > 0 ? Math.log(edge / from) / Math.log(upper / from) : edge / upper;
}
