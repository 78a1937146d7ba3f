import { describe, expect, it } from "vitest";
import type { NativeHistogram } from "../../src/metrics/provider.ts";
import { cutAt, grownBetween, joined, nativeEdges } from "../../src/observe/nativeHistograms.ts";

type Bucket = readonly [lower: number, upper: number, count: number];

function histogram(...buckets: readonly Bucket[]): NativeHistogram {
  return {
    count: buckets.reduce((sum, [, , count]) => sum + count, 0),
    buckets: buckets.map(([lower, upper, count]) => ({ lower, upper, count })),
  };
}

const bucketsOf = ({ buckets }: NativeHistogram) => buckets.map(({ lower, upper, count }) => [lower, upper, count]);

describe("what was observed between two moments", () => {
  it.each<{ what: string; start: readonly Bucket[]; end: readonly Bucket[]; grown: readonly Bucket[] }>([
    { what: "the same buckets", start: [[1, 2, 5], [2, 4, 1]], end: [[1, 2, 8], [2, 4, 1]], grown: [[1, 2, 3]] }, // prettier-ignore
    { what: "the first ones ever", start: [], end: [[1, 2, 8]], grown: [[1, 2, 8]] },
    { what: "a new bucket", start: [[1, 2, 5]], end: [[1, 2, 5], [8, 16, 2]], grown: [[8, 16, 2]] }, // prettier-ignore
    {
      what: "coarser buckets than before",
      start: [[1, 1.4, 1_000_000], [1.4, 2, 3_000_000]], // prettier-ignore
      end: [[1, 2, 4_000_007]],
      grown: [[1, 2, 7]],
    },
    { what: "finer buckets than before", start: [[1, 4, 6]], end: [[1, 2, 6], [2, 4, 3]], grown: [[1, 4, 3]] }, // prettier-ignore
    { what: "nothing", start: [[1, 2, 5]], end: [[1, 2, 5]], grown: [] },
  ])("are $what", ({ start, end, grown }) => {
    expect(bucketsOf(grownBetween(histogram(...start), histogram(...end)))).toEqual(grown);
  });

  it("come from several pods, whose buckets may overlap", () => {
    const start = joined([histogram([1, 2, 5]), histogram([1, 1.4, 2])]);
    const end = joined([histogram([1, 2, 6]), histogram([1, 1.4, 2], [1.4, 2, 4])]);
    expect(bucketsOf(grownBetween(start, end))).toEqual([[1, 2, 5]]);
  });
});

describe("a cut", () => {
  it.each<{ what: string; buckets: readonly Bucket[]; edge: number; below: number }>([
    { what: "at a bound is exact", buckets: [[1, 2, 7], [2, 4, 9]], edge: 2, below: 7 }, // prettier-ignore
    { what: "within an exponential bucket goes by the logarithm", buckets: [[1, 4, 100]], edge: 2, below: 50 },
    { what: "within the zero bucket goes in proportion", buckets: [[-0.5, 0.5, 100]], edge: 0.25, below: 50 },
    { what: "beyond all buckets has them all", buckets: [[1, 4, 100]], edge: 8, below: 100 },
    { what: "within the last, endless bucket has none of it", buckets: [[4, Infinity, 3]], edge: 8, below: 0 },
  ])("$what", ({ buckets, edge, below }) => {
    expect(cutAt(histogram(...buckets), [edge], 1).counts).toEqual([below]);
  });

  it("is at powers of two, which every exponential schema from 0 up has as bounds, whatever the unit", () => {
    const [seconds, milliseconds] = [nativeEdges(1_000), nativeEdges(1)];
    for (const edge of [...seconds, ...milliseconds]) expect(Number.isInteger(Math.log2(edge))).toBe(true);
    for (const edges of [seconds.map((edge) => edge * 1_000), milliseconds]) {
      expect(edges[0]).toBeGreaterThanOrEqual(0.1);
      expect(edges.at(-1)).toBeLessThanOrEqual(600_000);
      // The judge looks at no more.
      expect(edges.length).toBeLessThan(64);
    }
    expect(nativeEdges(1_000, [0.3])).toContain(0.3);
  });

  it("gives milliseconds", () => {
    expect(cutAt(histogram([0.25, 0.5, 4]), [0.25, 0.5], 1_000)).toEqual({
      edges: [250, 500],
      counts: [0, 4],
      total: 4,
    });
  });
});
