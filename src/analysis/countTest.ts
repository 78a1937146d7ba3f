import { logSumExp, rounded } from "./numeric.ts";
import type { ArmCounts } from "./types.ts";

/** How far an interval is to be trusted. */
export interface Trust {
  /** Above 1: divides what speaks against the canary. */
  readonly doubt?: number;
  /** No more than this, in untempered nats, may speak against the canary; see `burst.ts`. */
  readonly most?: number;
}

/** A canary whose share of bad requests is up to 1.1 times the primary's is healthy: arms are never quite alike. */
export const TOLERANCE = 1.1;

/** Ratios of bad shares, beyond the tolerance, that are looked for, and how much of the evidence is staked on each. */
export const RATIOS = [1.5, 2, 3, 5, 10, 20, 50, 200] as const;
const STAKES = [3, 3, 2, 2, 1, 1, 1, 1] as const;

const STAKED = STAKES.reduce<number>((sum, stake) => sum + stake, 0);
export const LOG_STAKES = STAKES.map((stake) => Math.log(stake / STAKED));
const LOG_RATIOS = RATIOS.map((ratio) => Math.log(ratio));

/** No evidence yet. */
export const NO_EVIDENCE: readonly number[] = RATIOS.map(() => 0);

/**
 * The sequential test of two arms whose traffic split may change at any time.
 *
 * H0: the canary's bad share is at most `TOLERANCE` times the primary's. Given the interval's m = k_c + k_p bad
 * requests, k_c is binomial with q(θ) = n_c·θ / (n_c·θ + n_p), whatever the rate itself did in that interval: shared
 * outages and the time of day cancel. For each ratio g
 *
 *   ℓ(g) = k_c ln[q(ρg)/q(ρ)] + k_p ln[(1−q(ρg))/(1−q(ρ))] = k_c ln g + m ln[(n_c ρ + n_p)/(n_c ρ g + n_p)]
 *
 * is summed over the intervals. E = Σ_g π_g exp(Σℓ(g)/φ) has mean ≤ 1 under H0 at every time at once, so by Ville's
 * inequality P(E ever ≥ 1/α) ≤ α, however often one looks.
 * Sources: Robbins 1970 (mixtures); Lindon and Malek 2022, arXiv:2011.03567 (counts, changing weights);
 * Grünwald, de Heide and Koolen 2024, JRSS-B (E-values). Sampling without replacement only makes E smaller in mean
 * (Hoeffding 1963, theorem 4), so requests that are not rare cost power and never validity.
 *
 * `doubt` > 1 divides what speaks against the canary, and only that, in an interval that is not to be trusted. Whatever
 * the doubt comes from, E only gets smaller, so the bound stays. The same is true of `most`.
 */
export function addEvidence(
  sums: readonly number[],
  { canary, primary }: ArmCounts,
  { doubt = 1, most = Infinity }: Trust = {},
): readonly number[] {
  const bad = canary.bad + primary.bad;
  if (canary.total <= 0 || primary.total <= 0 || bad <= 0) return sums;
  const tolerated = canary.total * TOLERANCE;
  const base = Math.log(tolerated + primary.total);
  return sums.map((sum, index) => {
    const alternative = Math.log(tolerated * (RATIOS[index] ?? 1) + primary.total);
    const added = canary.bad * (LOG_RATIOS[index] ?? 0) + bad * (base - alternative);
    return rounded(sum + Math.min(most, added > 0 ? added / doubt : added));
  });
}

/** `ln E`; `dispersion` ≥ 1 says how many bad requests come together, see `dispersion.ts`. */
export function logEvidence(sums: readonly number[], dispersion: number): number {
  return logSumExp(sums.map((sum, index) => (LOG_STAKES[index] ?? -Infinity) + sum / dispersion));
}
