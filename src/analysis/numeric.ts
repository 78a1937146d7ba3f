/** `ln Σ exp(x)` without overflow; -Infinity for an empty list. */
export function logSumExp(values: readonly number[]): number {
  let highest = -Infinity;
  for (const value of values) if (value > highest) highest = value;
  if (highest === -Infinity) return -Infinity;
  let sum = 0;
  for (const value of values) sum += Math.exp(value - highest);
  return highest + Math.log(sum);
}

/** Above it exp(−mean) nears the smallest number there is, and the normal approximation is good. */
const LARGEST_MEAN = 700;

/** `P(X ≤ x)` of a Poisson variable with mean `mean`; by its normal approximation above a mean of 700. */
export function poissonCdf(x: number, mean: number): number {
  if (x < 0) return 0;
  if (mean <= 0) return 1;
  if (mean > LARGEST_MEAN) return normalCdf((x + 0.5 - mean) / Math.sqrt(mean));
  let term = Math.exp(-mean);
  let sum = term;
  for (let k = 1; k <= Math.floor(x); k++) {
    term *= mean / k;
    sum += term;
  }
  return Math.min(1, sum);
}

/** Standard normal distribution function, absolute error below 1e-6 (Abramowitz and Stegun 26.2.17 has 7.5e-8). */
export function normalCdf(z: number): number {
  if (z < 0) return 1 - normalCdf(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const polynomial = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
}

/** Keeps states short in JSON; far below what any threshold could notice. */
export function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
