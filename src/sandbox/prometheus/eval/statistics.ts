/** Kahan-Neumaier sum, as Prometheus adds, so that long sums do not drift. */
export function sumOf(values: readonly number[]): number {
  let sum = 0;
  let compensation = 0;
  for (const value of values) {
    const next = sum + value;
    if (!Number.isFinite(next)) compensation = 0;
    else if (Math.abs(sum) >= Math.abs(value)) compensation += sum - next + value;
    else compensation += value - next + sum;
    sum = next;
  }
  return sum + compensation;
}

export function meanOf(values: readonly number[]): number {
  const sum = sumOf(values);
  if (Number.isFinite(sum) || !values.every(Number.isFinite)) return sum / values.length;
  // The sum overflowed though the mean need not.
  return sumOf(values.map((value) => value / values.length));
}

/** Population variance. */
export function varianceOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return meanOf(values.map((value) => (value - mean) ** 2));
}

/** The largest; NaN only where there is nothing else. */
export function maxOf(values: readonly number[]): number {
  return values.reduce((best, value) => (value > best || Number.isNaN(best) ? value : best), NaN);
}

/** The smallest; NaN only where there is nothing else. */
export function minOf(values: readonly number[]): number {
  return values.reduce((best, value) => (value < best || Number.isNaN(best) ? value : best), NaN);
}

/** Linear interpolation between the closest ranks; NaN sorts first; q outside 0–1 gives an infinity. */
export function quantileOf(q: number, values: readonly number[]): number {
  if (values.length === 0 || Number.isNaN(q)) return NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  const sorted = [...values].sort(compareNumbers);
  const rank = q * (sorted.length - 1);
  const lower = Math.floor(rank);
  const upper = Math.min(sorted.length - 1, lower + 1);
  const weight = rank - lower;
  return (sorted[lower] ?? NaN) * (1 - weight) + (sorted[upper] ?? NaN) * weight;
}

/** Ascending, NaN first. */
export function compareNumbers(left: number, right: number): number {
  if (Number.isNaN(left)) return Number.isNaN(right) ? 0 : -1;
  if (Number.isNaN(right)) return 1;
  return left < right ? -1 : left > right ? 1 : 0;
}

export interface Line {
  readonly slope: number;
  readonly intercept: number;
}

/** Least squares over points `[x, y]`; undefined for fewer than two. */
export function regressionOf(points: readonly (readonly [x: number, y: number])[]): Line | undefined {
  const [first] = points;
  if (first === undefined || points.length < 2) return undefined;
  if (points.every(([, y]) => y === first[1])) {
    return Number.isFinite(first[1]) ? { slope: 0, intercept: first[1] } : { slope: NaN, intercept: NaN };
  }
  const count = points.length;
  const sumX = sumOf(points.map(([x]) => x));
  const sumY = sumOf(points.map(([, y]) => y));
  const covariance = sumOf(points.map(([x, y]) => x * y)) - (sumX * sumY) / count;
  const variance = sumOf(points.map(([x]) => x * x)) - (sumX * sumX) / count;
  const slope = covariance / variance;
  return { slope, intercept: sumY / count - (slope * sumX) / count };
}
