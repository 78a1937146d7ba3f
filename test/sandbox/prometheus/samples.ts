import { createTsdb, type Tsdb } from "../../../src/sandbox/prometheus/tsdb.ts";
import { parseExposition } from "../../../src/sandbox/prometheus/exposition.ts";
import type { Labels } from "../../../src/sandbox/prometheus/labels.ts";

/** All times in these tables are seconds after this instant, which lies on a full minute. */
export const EPOCH_MS = 1_699_999_980_000;

export type Written = readonly [second: number, value: number | "stale"];

export interface WrittenSeries {
  readonly labels: Labels;
  readonly samples: readonly Written[];
}

/** One series given as `name{label="value"}` and its samples. */
export function series(selector: string, samples: readonly Written[]): WrittenSeries {
  const [parsed] = parseExposition(`${selector} 0`);
  if (parsed === undefined) throw new Error(`not a series: ${selector}`);
  return { labels: parsed.labels, samples };
}

/** A sample every 10 s from second 0 to 300, its value by its number. */
export function every10s(valueAt: (index: number) => number): Written[] {
  return Array.from({ length: 31 }, (_, index): Written => [index * 10, valueAt(index)]);
}

export function loaded(written: readonly WrittenSeries[]): Tsdb {
  const tsdb = createTsdb({ now: () => EPOCH_MS + 300_000 });
  for (const { labels, samples } of written) {
    for (const [second, value] of samples) {
      const timeMs = EPOCH_MS + second * 1000;
      if (value === "stale") tsdb.markStale(labels, timeMs);
      else tsdb.append(labels, timeMs, value);
    }
  }
  return tsdb;
}

/** What the query tables are evaluated over. */
export const SHOP: readonly WrittenSeries[] = [
  series(
    'requests_total{job="api",pod="a",code="200"}',
    every10s((i) => i * 10),
  ),
  series(
    'requests_total{job="api",pod="b",code="200"}',
    every10s((i) => i * 20),
  ),
  // Restarts at second 150.
  series(
    'requests_total{job="api",pod="b",code="500"}',
    every10s((i) => (i < 15 ? i : i - 15) * 5),
  ),
  series(
    'duration_seconds_bucket{pod="a",le="0.1"}',
    every10s((i) => i * 3),
  ),
  series(
    'duration_seconds_bucket{pod="a",le="0.5"}',
    every10s((i) => i * 8),
  ),
  series(
    'duration_seconds_bucket{pod="a",le="1.0"}',
    every10s((i) => i * 9),
  ),
  series(
    'duration_seconds_bucket{pod="a",le="+Inf"}',
    every10s((i) => i * 10),
  ),
  series(
    'duration_seconds_bucket{pod="b",le="0.1"}',
    every10s(() => 0),
  ),
  series(
    'duration_seconds_bucket{pod="b",le="0.5"}',
    every10s(() => 0),
  ),
  series(
    'duration_seconds_bucket{pod="b",le="1.0"}',
    every10s((i) => i * 2),
  ),
  series(
    'duration_seconds_bucket{pod="b",le="+Inf"}',
    every10s((i) => i * 2),
  ),
  series(
    'duration_seconds_bucket{pod="idle",le="0.1"}',
    every10s(() => 7),
  ),
  series(
    'duration_seconds_bucket{pod="idle",le="+Inf"}',
    every10s(() => 7),
  ),
  ...["0.1", "0.5", "1.0", "+Inf"].map((le, bucket) =>
    series(
      `crooked_bucket{le="${le}"}`,
      every10s(() => [10, 8, 20, 20][bucket] ?? 0),
    ),
  ),
  series(
    'headless_bucket{le="0.1"}',
    every10s((i) => i),
  ),
  series(
    'saw{pod="a"}',
    every10s((i) => [1, 5, 3][i % 3] ?? 0),
  ),
  series(
    'saw{pod="b"}',
    every10s((i) => [-2.5, 2.5][i % 2] ?? 0),
  ),
  series(
    "line",
    every10s((i) => 100 - i * 2),
  ),
  series(
    'odd{kind="nan"}',
    every10s(() => NaN),
  ),
  series(
    'odd{kind="inf"}',
    every10s(() => Infinity),
  ),
  series(
    'odd{kind="one"}',
    every10s(() => 1),
  ),
  series('gone{pod="a"}', [
    [200, 1],
    [210, 2],
    [220, 3],
    [230, "stale"],
  ]),
  series('back{pod="a"}', [
    [200, 1],
    [210, 2],
    [220, "stale"],
    [290, 9],
    [300, 10],
  ]),
  series("sparse", [
    [250, 10],
    [260, 30],
  ]),
  series("single", [[300, 42]]),
  series("old", [[0, 7]]),
  series(
    'limits{pod="a",resource="cpu"}',
    every10s(() => 2),
  ),
  series(
    'limits{pod="b",resource="cpu"}',
    every10s(() => 4),
  ),
  series(
    'limits{pod="b",resource="memory"}',
    every10s(() => 512),
  ),
  series(
    'owner_info{pod="a",deployment="api-primary"}',
    every10s(() => 1),
  ),
  series(
    'owner_info{pod="b",deployment="api-canary"}',
    every10s(() => 1),
  ),
  series(
    'text{path="/a\\nb",host="x.example.com:80"}',
    every10s(() => 1),
  ),
];
