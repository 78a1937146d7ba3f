import type { Labels } from "./labels.ts";
import type { Matcher } from "./matchers.ts";
import { createSeriesIndex } from "./series-index.ts";
import type { Point, Series, TimeWindow } from "./series.ts";

/** Milliseconds since the epoch. */
export type NowMs = () => number;

export interface SeriesWindow {
  readonly labels: Labels;
  readonly points: readonly Point[];
}

/** What the evaluator reads. */
export interface Queryable {
  /** Every matching series with at least one sample in the window; staleness markers are left out. */
  selectWindow(matchers: readonly Matcher[], window: TimeWindow): SeriesWindow[];
  /** The newest sample of every matching series in the window; a series that ended in a staleness marker is left out. */
  selectLatest(matchers: readonly Matcher[], window: TimeWindow): SeriesWindow[];
}

export interface Tsdb extends Queryable {
  /** Adds a sample. False, and nothing is kept, when the series has one at this time or later, or it is past retention. */
  append(labels: Labels, timeMs: number, value: number): boolean;
  /** Ends a series at this time: it has no current value from then on until its next sample. */
  markStale(labels: Labels, timeMs: number): boolean;
  /** Removes what is older than the retention, and series that have nothing left. */
  prune(): void;
  readonly seriesCount: number;
}

export interface TsdbOptions {
  readonly now: NowMs;
  /** How long samples are kept, ms; default 30 min. */
  readonly retentionMs?: number;
}

const DEFAULT_RETENTION_MS = 30 * 60_000;
const PRUNE_EVERY_MS = 60_000;

/** An in-memory store of samples. Labels with an empty value are dropped, as they mean an absent label. */
export function createTsdb({ now, retentionMs = DEFAULT_RETENTION_MS }: TsdbOptions): Tsdb {
  const index = createSeriesIndex();
  let prunedAtMs = now();

  const prune = (): void => {
    prunedAtMs = now();
    for (const series of index.all()) {
      if (series.dropUntil(prunedAtMs - retentionMs) === 0) index.remove(series);
    }
  };
  const add = (labels: Labels, timeMs: number, value: number | "stale"): boolean => {
    if (now() - prunedAtMs >= PRUNE_EVERY_MS) prune();
    if (timeMs <= now() - retentionMs) return false;
    return index.obtain(labels).append(timeMs, value);
  };
  const select = (matchers: readonly Matcher[], read: (series: Series) => readonly Point[]): SeriesWindow[] =>
    index
      .find(matchers)
      .map((series) => ({ labels: series.labels, points: read(series) }))
      .filter(({ points }) => points.length > 0);

  return {
    append: add,
    markStale: (labels, timeMs) => add(labels, timeMs, "stale"),
    prune,
    get seriesCount() {
      return index.all().length;
    },
    selectWindow: (matchers, window) => select(matchers, (series) => series.points(window)),
    selectLatest: (matchers, window) => select(matchers, (series) => series.latest(window)),
  };
}
