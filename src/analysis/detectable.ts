import { LOG_STAKES, RATIOS, TOLERANCE } from "./countTest.ts";
import { logSloEvidence } from "./sloTest.ts";
import type { Detectable, SloSettings } from "./types.ts";

/** Ratios that are spoken of. */
const SPOKEN = [2, 3, 5, 10, 20, 50, 200] as const;
/** Longer than this nobody waits: seven days in milliseconds. */
const REACH_MS = 7 * 86_400_000;
/** So long a rollout may well be extended, in milliseconds. */
const SOON_MS = 3_600_000;

export interface Traffic {
  readonly canary: number;
  readonly primary: number;
}

export interface DetectableNeeds {
  /** The primary's bad share. */
  readonly rate: number;
  /** Events until now. */
  readonly seen: Traffic;
  /** Events in each millisecond at the newest pace. */
  readonly pace: Traffic;
  readonly dispersion: number;
  /** ln of the E-value that decides. */
  readonly logNeeded: number;
}

/**
 * Which ratio would have shown by now, and how long a smaller one takes: the smallest that shows within an hour, else
 * the next one. Half of such canaries are found by then.
 */
export function detectable(needs: DetectableNeeds): Detectable {
  const at = (ms: number): Traffic => ({
    canary: needs.seen.canary + needs.pace.canary * ms,
    primary: needs.seen.primary + needs.pace.primary * ms,
  });
  return search((ratio, ms) => expectedLogEvidence(needs, ratio, at(ms)) >= needs.logNeeded);
}

export interface SloNeeds {
  readonly slo: SloSettings;
  readonly lastStep: boolean;
  /** Requests of the canary until now, and in each millisecond at the newest pace. */
  readonly seen: number;
  readonly pace: number;
  readonly dispersion: number;
  /** ln of the E-value that decides. */
  readonly logNeeded: number;
}

/** The same against an objective: ratios of the share of bad requests that it allows. */
export function detectableAgainst({ slo, lastStep, seen, pace, dispersion, logNeeded }: SloNeeds): Detectable {
  return search((ratio, ms) => {
    const share = ratio * (1 - slo.objective);
    const total = seen + pace * ms;
    return share <= 1 && logSloEvidence(slo, { total, bad: total * share }, lastStep, dispersion) >= logNeeded;
  });
}

function search(shows: (ratio: number, ms: number) => boolean): Detectable {
  const now = SPOKEN.find((ratio) => shows(ratio, 0));
  const smaller = SPOKEN.filter((ratio) => ratio < (now ?? Infinity) && shows(ratio, REACH_MS));
  const ratio = smaller.find((candidate) => shows(candidate, SOON_MS)) ?? smaller.at(-1);
  if (ratio === undefined) return now === undefined ? {} : { now };
  let [low, high] = [0, REACH_MS];
  while (high - low > 30_000) {
    const middle = (low + high) / 2;
    if (shows(ratio, middle)) high = middle;
    else low = middle;
  }
  return { ...(now !== undefined && { now }), next: { ratio, ms: Math.ceil(high / 60_000) * 60_000 } };
}

/** What the evidence of `countTest.ts` would be if the canary's bad share were `ratio` times the primary's. */
export function expectedLogEvidence(
  { rate, dispersion }: Pick<DetectableNeeds, "rate" | "dispersion">,
  ratio: number,
  { canary, primary }: Traffic,
): number {
  const badCanary = canary * Math.min(1, rate * ratio);
  const bad = badCanary + primary * rate;
  const base = canary * TOLERANCE + primary;
  let best = 0;
  RATIOS.forEach((candidate, index) => {
    const sum = badCanary * Math.log(candidate) + bad * Math.log(base / (canary * TOLERANCE * candidate + primary));
    best = Math.max(best, (LOG_STAKES[index] ?? -Infinity) + sum / dispersion);
  });
  return best;
}
