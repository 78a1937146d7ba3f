import { sumOf } from "./count.ts";
import { measureDispersion } from "./dispersion.ts";
import { rounded } from "./numeric.ts";
import type { Count, History } from "./types.ts";

/** How far back the primary is looked at before a rollout, and in which steps. */
export const PAST = { hours: 12, stepSeconds: 30 } as const;

/** So many of the newest steps, an hour's, say what is usual now; rates drift over a day. */
const NEWEST = 3_600 / PAST.stepSeconds;

/**
 * What is known of the primary before a rollout, from its counts in steps of 30 s, oldest first. How rare failures are,
 * and how they come together, takes more of them than the newest hour of a quiet service has: a share known from 18
 * failures cannot tell whether the rollout will show a canary that is five times worse.
 */
export function historyFrom(series: readonly Count[]): History {
  const newest = sumOf(series.slice(-NEWEST));
  const dispersion = Number(measureDispersion(series).toPrecision(4));
  if (series.length <= NEWEST) return { count: newest, dispersion };
  const long = sumOf(series);
  return { count: steadied(newest, long, dispersion), long, dispersion };
}

/** The newest hour with the share of all hours, unless its own differs by more than two standard errors. */
function steadied(newest: Count, long: Count, dispersion: number): Count {
  if (long.total === 0) return newest;
  const expected = (newest.total * long.bad) / long.total;
  const differs = Math.abs(newest.bad - expected) > 2 * Math.sqrt(expected * dispersion);
  return differs ? newest : { total: newest.total, bad: rounded(expected) };
}
