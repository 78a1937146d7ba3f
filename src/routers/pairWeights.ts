/** Largest weight that the Gateway API takes. */
export const MAX_WEIGHT = 1_000_000;

/** Sum that a pair gets when it has none, and below which steps of one percent need scaling. */
export const FULL = 100;

/** Where the pair is among the weights of a rule. */
export interface PairPosition {
  readonly primary: number;
  readonly canary: number;
}

/**
 * The weights of a whole rule in which the canary has `percent` (0 to 100) of what the pair gets.
 *
 * The pair keeps its sum, so the other backends keep their share. A sum too small to express `percent` makes all
 * weights of the rule grow by one factor. `undefined` when they cannot grow that far, or when the pair has no traffic
 * beside others that have.
 */
export function shareWeights(
  weights: readonly number[],
  pair: PairPosition,
  percent: number,
): readonly number[] | undefined {
  const sum = pairSum(weights, pair);
  if (sum === 0) return weights.some((weight) => weight > 0) ? undefined : split(weights, pair, FULL, percent);
  const factor = factorFor(sum, Math.max(...weights), percent);
  if (factor === undefined) return undefined;
  return split(
    weights.map((weight) => weight * factor),
    pair,
    sum * factor,
    percent,
  );
}

/**
 * Percent of the pair's traffic that goes to the canary, a whole number. It is 0 only when nothing goes there, and 100
 * only when nothing goes to the primary.
 */
export function percentOf(weights: readonly number[], pair: PairPosition): number {
  const sum = pairSum(weights, pair);
  const canary = weights[pair.canary] ?? 0;
  if (sum === 0 || canary === 0) return 0;
  if (canary === sum) return 100;
  return Math.min(99, Math.max(1, Math.round((100 * canary) / sum)));
}

function pairSum(weights: readonly number[], pair: PairPosition): number {
  return (weights[pair.primary] ?? 0) + (weights[pair.canary] ?? 0);
}

function split(weights: readonly number[], pair: PairPosition, sum: number, percent: number): readonly number[] {
  const canary = Math.round((sum * percent) / 100);
  return weights.map((weight, index) => {
    if (index === pair.canary) return canary;
    return index === pair.primary ? sum - canary : weight;
  });
}

/** What all weights are multiplied by, so that `percent` of `sum` is a whole number, or is at least close to one. */
function factorFor(sum: number, largest: number, percent: number): number | undefined {
  if (sum >= FULL || (sum * percent) % 100 === 0) return 1;
  const exact = FULL / greatestCommonDivisor(sum, FULL);
  const enough = Math.ceil(FULL / sum);
  return [exact, enough].find((factor) => factor * largest <= MAX_WEIGHT);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
