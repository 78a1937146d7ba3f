import { poissonCdf } from "./numeric.ts";
import type { Count, TrackState } from "./types.ts";

/**
 * A shared outage: the primary itself is several times worse than usual, in a way that chance hardly explains. Failures
 * come in clusters then (retries, one tenant, one node), which no hour before has shown, so one arm's luck must not
 * count as the canary's fault: what speaks against the canary is divided by far more than any dispersion, and equivalence is
 * judged without the interval and the one after it. The minute after is doubted too, or the minutes, five at most, that the
 * primary needs for a hundred requests: one arm may be calm in them by chance.
 * Outages count a fifth for what is usual: one that stays becomes the new normal.
 */
export const OUTAGE = {
  ratio: 3,
  certainty: 0.999,
  doubt: 50,
  weight: 0.2,
  after: { requests: 100, leastMs: 60_000, mostMs: 300_000 },
} as const;

/**
 * The past counts like so many intervals of the newest one's size at most. Few for outages, so that a new normal is
 * learnt in minutes; many where the share itself is wanted.
 */
export const PAST_INTERVALS = { outage: 20, share: 120 } as const;

/** Clusters of bad events that the usual share weighs in an interval, against the interval's own. */
const USUAL_CLUSTERS = 4;

/** The primary's bad share before this interval, from the hour before and this rollout; 0 while nothing is known. */
export function usualShare({ usual }: Pick<TrackState, "usual">, newest: Count, past: Count, most: number): number {
  const weight = past.total === 0 ? 0 : Math.min(1, (most * newest.total) / past.total);
  const total = usual.total + past.total * weight;
  // Nothing bad so far is taken for half a bad event.
  return total === 0 ? 0 : Math.max(0.5, usual.bad + past.bad * weight) / total;
}

export function isOutage(primary: Count, usual: number, dispersion: number): boolean {
  if (usual === 0 || primary.bad < OUTAGE.ratio * usual * primary.total) return false;
  const expected = (usual * primary.total) / dispersion;
  return poissonCdf(Math.floor(primary.bad / dispersion) - 1, expected) > OUTAGE.certainty;
}

/**
 * The primary's bad share in one interval: its own, pulled towards the usual one, so that a quiet interval does not
 * pretend to know.
 */
export function pulledShare(primary: Count, usual: number, dispersion: number): number {
  if (usual === 0) return primary.bad / primary.total;
  const pull = USUAL_CLUSTERS * dispersion;
  return (primary.bad + pull) / (primary.total + pull / usual);
}
