import { LOG_STAKES, RATIOS } from "./countTest.ts";
import { logSumExp } from "./numeric.ts";
import type { Count, SloSettings } from "./types.ts";

/** Rates at which the error budget burns, as the SRE workbook's alerts use them: the page, the slower page, the target. */
export const BURN = { page: 14.4, slow: 6, target: 1 } as const;

const HIGHEST_SHARE = 0.95;

/**
 * `ln E` of one arm against a fixed bad share. H0: bad share ≤ `limit`. E = Σ_g π_g Π (p_g/p0)^bad ((1−p_g)/(1−p0))^good
 * with p_g = min(0.95, p0·g): a mixture of likelihood ratios (Robbins 1970), valid at every look. Since p0 is fixed,
 * the totals are all that needs to be remembered.
 */
export function logEvidenceAgainst(limit: number, { total, bad }: Count, dispersion: number): number {
  // A limit that everything meets cannot be broken.
  if (limit >= HIGHEST_SHARE) return 0;
  const good = total - bad;
  return logSumExp(
    RATIOS.map((ratio, index) => {
      const worse = Math.min(HIGHEST_SHARE, limit * ratio);
      const likelihood = bad * Math.log(worse / limit) + good * Math.log((1 - worse) / (1 - limit));
      return (LOG_STAKES[index] ?? -Infinity) + likelihood / dispersion;
    }),
  );
}

/** `ln E` of an SLO: while the weight rises only the fast burn counts, on the last step the slow one as well. */
export function logSloEvidence(slo: SloSettings, canary: Count, lastStep: boolean, dispersion: number): number {
  const budget = 1 - slo.objective;
  const page = logEvidenceAgainst(BURN.page * budget, canary, dispersion);
  if (!lastStep) return page - Math.LN2;
  return logSumExp([page, logEvidenceAgainst(BURN.slow * budget, canary, dispersion)]) - Math.LN2;
}

/**
 * Whether the canary alone has burnt its share of the period's error budget: Σ(bad − (1−s)·n) > q·(1−s)·N_T. A cap on
 * the harm done; no statistics.
 */
export function isBudgetSpent(slo: SloSettings, { total, bad }: Count): boolean {
  if (slo.periodRequests === undefined) return false;
  const budget = 1 - slo.objective;
  return bad - budget * total > slo.budgetShare * budget * slo.periodRequests;
}

/** ln of the likelihood ratio of "burns at 1" over "burns at 6": at ln(1/β) the SLO is met (Wald 1945). */
export function logSloMet(slo: SloSettings, { total, bad }: Count): number {
  const kept = Math.min(HIGHEST_SHARE / 2, (1 - slo.objective) * BURN.target);
  const broken = Math.min(HIGHEST_SHARE, (1 - slo.objective) * BURN.slow);
  return bad * Math.log(kept / broken) + (total - bad) * Math.log((1 - kept) / (1 - broken));
}

/** The highest weight in percent at which a canary with this bad share does not yet ring the fast page for the service. */
export function weightBelowPage(objective: number, badShare: number): number {
  if (badShare <= 0) return 100;
  return Math.min(100, Math.floor((100 * BURN.page * (1 - objective)) / badShare));
}
