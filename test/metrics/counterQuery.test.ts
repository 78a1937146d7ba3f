import { expect, it } from "vitest";
import { differenceQuery } from "../../src/metrics/counterQuery.ts";
import { createQueryEngine } from "../../src/sandbox/prometheus/eval/query.ts";
import { createTsdb } from "../../src/sandbox/prometheus/tsdb.ts";

const START = 1_800_000_000_000;

/** Samples every ten seconds; "stale" is a scrape that failed. The interval is the last thirty seconds. */
function grown(series: Readonly<Record<string, readonly (number | "stale" | undefined)[]>>): number | undefined {
  const tsdb = createTsdb({ now: () => START + 60_000 });
  for (const [code, samples] of Object.entries(series)) {
    samples.forEach((sample, index) => {
      const labels = { __name__: "requests", code };
      if (sample === "stale") tsdb.markStale(labels, START + index * 10_000);
      else if (sample !== undefined) tsdb.append(labels, START + index * 10_000, sample);
    });
  }
  const query = differenceQuery({ counter: "requests{}", beside: "requests{}", by: [], seconds: 30 });
  const value = createQueryEngine({ storage: tsdb }).instant(query, START + 60_000);
  return value.type === "vector" ? value.samples[0]?.value : undefined;
}

it.each([
  ["grows", { a: [0, 10, 20, 30, 40, 50, 60] }, 30],
  ["grows in several series", { a: [0, 10, 20, 30, 40, 50, 60], b: [5, 5, 5, 5, 5, 6, 7] }, 32],
  ["began anew", { a: [0, 10, 20, 30, 40, 3, 8] }, 8],
  [
    "was born with its first event",
    { a: [9, 9, 9, 9, 9, 9, 9], b: [undefined, undefined, undefined, undefined, 2, 2, 3] },
    3,
  ],
  ["is back after a scrape that failed", { a: [0, 10, 20, "stale", 40, 50, 60] }, 40],
  ["has gone", { a: [9, 9, 9, 9, 9, 9, 9], b: [0, 10, 20, 30, "stale"] }, 0],
  [
    "is all that is known, and may be a year old",
    { a: [undefined, undefined, undefined, undefined, 900, 905, 910] },
    undefined,
  ],
] as const)("a counter that %s", (_name, series, expected) => {
  expect(grown(series)).toBe(expected);
});
