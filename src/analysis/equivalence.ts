import type { Count } from "./types.ts";

/** Ratios of bad shares that a margin may stand for: never tighter than a doubling, as long as that is not gross. */
const TIGHTEST = 2;
/** Ten points are gross, whatever the ratio; of high shares a margin must stay below. */
const BELOW_TEN_POINTS = 0.08;
/** A canary that is five times worse is gross; where this ratio can be excluded, nothing wider is allowed. */
const BELOW_GROSS = 4;
/**
 * A gross regression must show where it would have so many bad events by the end of the rollout. A clean canary of the
 * first minutes does not exclude it: at 7 requests/s, 0.5 % bad instead of 0.1 are e^−3.2 = 4 % likely to have none by
 * minute 6. So such a canary waits as well.
 */
const GROSS = { ratio: 5, shownBy: 30 } as const;
/** Otherwise that is worth waiting for until there is so many times the traffic. */
const PATIENCE = 4.5;
/** The same where it is not, for a canary that has had bad events: what can be excluded by then is. */
const PATIENCE_IN_DOUBT = 3.5;
/** Under clusters the margin may be as wide as this ratio, still below what counts as gross (five times). */
const WIDEST_CLUSTERED = 3;
/**
 * Wald's bound holds for any design rate; this one decides soonest. While hardly a bad event is to be expected, most
 * healthy canaries have none, so the test is built for those.
 */
const DESIGN = { few: 1, ofRate: 0.25, ofExcluded: 0.02 } as const;

export interface Equivalence {
  readonly canary: Count;
  /** Share of bad events if the canary were like the primary. */
  readonly rate: number;
  /** The canary's share is to be below `rate + margin`. */
  readonly margin: number;
  readonly dispersion: number;
}

/**
 * ln of the likelihood ratio of "like the primary" over "worse by the margin" (Wald's sequential test, 1945). At
 * ln(1/β) the canary passes: a canary that is worse by the margin, or more, ever gets there with probability ≤ β,
 * as far as the primary's own share is known.
 */
export function logEquivalence({ canary, rate, margin, dispersion }: Equivalence): number {
  const excluded = Math.min(0.95, rate + margin);
  const likely = rate * canary.total < DESIGN.few ? rate * DESIGN.ofRate : rate;
  const design = Math.min(Math.max(likely, DESIGN.ofExcluded * excluded), 0.99 * excluded);
  const good = canary.total - canary.bad;
  const ratio = canary.bad * Math.log(design / excluded) + good * Math.log((1 - design) / (1 - excluded));
  return ratio / clustering(dispersion);
}

/** A dispersion below 2 cannot be told from 1 by an hour of a quiet service, and would only delay every release. */
function clustering(dispersion: number): number {
  return dispersion < 2 ? 1 : dispersion;
}

export interface MarginNeeds {
  /** Canary events until now. */
  readonly total: number;
  readonly rate: number;
  /** The widest margin, absolute. */
  readonly widest: number;
  readonly dispersion: number;
  /** ln(1/β) */
  readonly logNeeded: number;
  /** How many times the evidence that is needed must be expected from a canary like the primary. */
  readonly slack: number;
  /** Rather wait a while than pass a canary that may be grossly worse. */
  readonly patient: boolean;
  /** Bad events that a canary like the primary would have by the end of the rollout, as far as is known. */
  readonly expectedBad: number;
}

function marginOf(ratio: number, rate: number): number {
  return Math.min(BELOW_TEN_POINTS, rate * (ratio - 1));
}

/** The margin while the traffic has not yet been seen that would allow a tighter one. */
export function firstMargin(widest: number, rate: number): number {
  return Math.max(widest, marginOf(TIGHTEST, rate));
}

/** Margins of a canary's bad share over the primary's. */
export interface Margins {
  /** Of one without a single bad event. */
  readonly clean: number;
  /** Of any other. */
  readonly doubted: number;
}

/**
 * The tightest margin that the traffic can show: the smallest ratio, from a doubling up, that a canary like the primary
 * is expected to have excluded by now. Busy services so get a strict test for free, quiet ones the widest margin. A quiet
 * service's canary that has failed at all has to wait for more: most healthy ones have not, and most gross ones have.
 */
export function achievableMargins(needs: MarginNeeds): Margins {
  const { rate, total, dispersion } = needs;
  const doubling = marginOf(TIGHTEST, rate);
  const clustered = clustering(dispersion) > 1 ? marginOf(WIDEST_CLUSTERED, rate) : 0;
  const widest = Math.max(firstMargin(needs.widest, rate), clustered);
  if (rate <= 0) return { clean: widest, doubted: widest };
  const shows = (margin: number, requests: number) => {
    const typical = { total: requests, bad: requests * rate };
    return logEquivalence({ canary: typical, rate, margin, dispersion }) >= needs.slack * needs.logNeeded;
  };
  const tightest = (from: number, requests: number) => {
    let margin = from;
    while (margin < widest && !shows(margin, requests)) margin *= 1.1;
    return Math.min(margin, widest);
  };
  const margin = tightest(doubling, total);
  const belowGross = rate * (BELOW_GROSS - 1);
  if (!needs.patient || margin <= belowGross) return { clean: margin, doubted: margin };
  const willShow = GROSS.ratio * needs.expectedBad >= GROSS.shownBy;
  if (willShow || shows(belowGross, total * PATIENCE)) return { clean: belowGross, doubted: belowGross };
  return { clean: margin, doubted: Math.min(margin, tightest(belowGross, total * PATIENCE_IN_DOUBT)) };
}
