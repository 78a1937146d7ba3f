import { sumOf } from "./count.ts";
import type { Count, DispersionSums } from "./types.ts";

interface Prior {
  readonly total: number;
  readonly dispersion: number;
  /** It counts at least like so many pairs. */
  readonly pairs: number;
}

/** What is assumed before anything is measured, as so many events of so much dispersion. */
const PRIOR: Prior = { total: 20, dispersion: 1.25, pairs: 4 };

/** The same for failures of a primary that nobody has watched before the rollout: they may well come in clusters. */
export const UNKNOWN: Prior = { total: 40, dispersion: 6, pairs: 10 };
const HIGHEST = 40;

export const NOTHING_MEASURED: DispersionSums = { squares: 0, total: 0, pairs: 0 };

/**
 * How many bad requests come together: 1 when each comes alone, else the variance of counts over their mean, between 1
 * and 40. Evidence is divided by it, which for blocks of that size is exactly the test of the blocks.
 * For two counts with the same mean, E(a−b)² = φ·E(a+b) (the index of dispersion, Fisher 1950); few events are pulled
 * towards 1.25.
 */
export function dispersionOf({ squares, total, pairs }: DispersionSums, prior = PRIOR): number {
  // However many events they hold, a few pairs say little about how these spread.
  const weight = Math.max(prior.total, pairs === 0 ? 0 : (prior.pairs * total) / pairs);
  const shrunk = (squares + weight * prior.dispersion) / (total + weight);
  return Math.min(HIGHEST, Math.max(1, shrunk));
}

/**
 * Adds an interval against the one before, both brought to the smaller traffic of the two.
 * Too high when the rate itself moves, which is the safe side.
 */
export function addSuccessive(sums: DispersionSums, before: Count | undefined, now: Count): DispersionSums {
  if (before === undefined || before.total <= 0 || now.total <= 0) return sums;
  const scale = Math.min(before.total, now.total);
  const [a, b] = [(before.bad * scale) / before.total, (now.bad * scale) / now.total];
  return { squares: sums.squares + (a - b) ** 2, total: sums.total + a + b, pairs: sums.pairs + 1 };
}

/** The dispersion of such a series. */
export function successiveDispersion(series: readonly Count[]): number {
  let sums = NOTHING_MEASURED;
  series.forEach((now, index) => {
    sums = addSuccessive(sums, series[index - 1], now);
  });
  return dispersionOf(sums);
}

/**
 * Dispersion of some hours of the primary, in short intervals. Clusters that last longer than an interval (a pod that is bad
 * for ten minutes) show only in long blocks, so `blockSize` intervals together are measured too; of that, being noisy,
 * the lower end of one standard error counts.
 */
export function measureDispersion(series: readonly Count[], blockSize = 10): number {
  const short = successiveDispersion(series);
  const blocks = blocksOf(series, blockSize);
  if (blocks.length < 4) return short;
  return Math.max(short, successiveDispersion(blocks) / (1 + Math.sqrt(2 / blocks.length)));
}

function blocksOf(series: readonly Count[], size: number): Count[] {
  const blocks: Count[] = [];
  for (let from = 0; from + size <= series.length; from += size) {
    blocks.push(sumOf(series.slice(from, from + size)));
  }
  return blocks;
}
