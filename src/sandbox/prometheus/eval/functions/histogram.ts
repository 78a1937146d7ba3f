import { labelsKey, METRIC_NAME, omitLabels, type Labels } from "../../labels.ts";
import { parseFloatText } from "../../numbers.ts";
import { vector, type Value, type VectorSample } from "../value.ts";
import { define, numberArg, vectorArg, type CallInput, type FunctionTable } from "./definition.ts";

/** A cumulative bucket: how many observations were at or below the bound. */
interface Bucket {
  readonly bound: number;
  count: number;
}

/** Functions on classic histograms. */
export const HISTOGRAM_FUNCTIONS: FunctionTable = {
  histogram_quantile: define({ params: ["scalar", "vector"] }, histogramQuantile),
};

/** Rounding in the rates of buckets that hold the same count is not a decrease. */
const SMALL_DELTA = 1e-12;

function histogramQuantile(input: CallInput): Value {
  const groups = new Map<string, { labels: Labels; buckets: Bucket[] }>();
  for (const sample of vectorArg(input, 1)) {
    const bound = boundOf(sample);
    if (bound === undefined) continue;
    const labels = omitLabels(sample.labels, [METRIC_NAME, "le"]);
    const key = labelsKey(labels);
    const group = groups.get(key) ?? { labels, buckets: [] };
    group.buckets.push({ bound, count: sample.value });
    groups.set(key, group);
  }
  const q = numberArg(input, 0);
  return vector([...groups.values()].map(({ labels, buckets }) => ({ labels, value: bucketQuantile(q, buckets) })));
}

function boundOf({ labels }: VectorSample): number | undefined {
  const bound = parseFloatText(labels["le"] ?? "");
  return bound === undefined || Number.isNaN(bound) ? undefined : bound;
}

/** Linear interpolation within the bucket that holds the rank; the last finite bound above it, NaN without data. */
function bucketQuantile(q: number, given: readonly Bucket[]): number {
  if (Number.isNaN(q)) return NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  const buckets = monotonic(coalesced(given));
  const last = buckets.at(-1);
  if (last?.bound !== Infinity || buckets.length < 2 || last.count === 0 || Number.isNaN(last.count)) return NaN;
  const rank = q * last.count;
  const found = buckets.findIndex(({ count }, index) => index === buckets.length - 1 || count >= rank);
  const [bucket, below] = [buckets[found], buckets[found - 1]];
  if (bucket === undefined) return NaN;
  if (bucket.bound === Infinity) return below?.bound ?? NaN;
  if (below === undefined) return bucket.bound <= 0 ? bucket.bound : bucket.bound * (rank / bucket.count);
  return below.bound + (bucket.bound - below.bound) * ((rank - below.count) / (bucket.count - below.count));
}

/** Sorted by bound, counts of equal bounds added. */
function coalesced(buckets: readonly Bucket[]): Bucket[] {
  const sums = new Map<number, number>();
  for (const { bound, count } of buckets) sums.set(bound, (sums.get(bound) ?? 0) + count);
  return [...sums].map(([bound, count]) => ({ bound, count })).sort((a, b) => a.bound - b.bound);
}

/** Buckets scraped at different moments can decrease: each counts at least as much as the one below it. */
function monotonic(buckets: Bucket[]): Bucket[] {
  let highest = buckets[0]?.count ?? 0;
  for (const bucket of buckets) {
    if (bucket.count < highest || almostEqual(bucket.count, highest)) bucket.count = highest;
    else highest = bucket.count;
  }
  return buckets;
}

function almostEqual(left: number, right: number): boolean {
  if (left === right) return true;
  const size = Math.abs(left) + Math.abs(right);
  return Math.abs(left - right) / size < SMALL_DELTA;
}
