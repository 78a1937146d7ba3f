import { NONE, plus } from "./comparison.ts";
import { measureDispersion } from "./dispersion.ts";
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
  return {
    count: series.slice(-NEWEST).reduce(plus, NONE),
    ...(series.length > NEWEST && { long: series.reduce(plus, NONE) }),
    dispersion: Number(measureDispersion(series).toPrecision(4)),
  };
}
