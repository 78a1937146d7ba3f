import { poissonCdf } from "./numeric.ts";
import type { ArmCounts, ComparisonSettings, ProcessState } from "./types.ts";

/**
 * What one interval may say against a canary. Now and then something happens to one interval that has nothing to do with
 * the version: an outage that in a quiet service meets only the canary's few requests, a cold start's last half minute.
 * No past has shown it, so no measured dispersion covers it. If an interval is such a one with probability
 * ε, its likelihood ratio must not count for more than about 1/ε: the most robust sequential test clips it there (Huber
 * 1965, Annals of Mathematical Statistics 36, "A robust version of the probability ratio test"). Then it takes
 * several intervals to fail a canary, not one however bad.
 *
 * An outage would have met the primary too. So where the primary had so many requests that it must have shown, the
 * clip is as much higher: by −ln P(the primary had no more bad events than it had, if its share was the canary's and
 * they came in clusters of 20). Busy services so lose nothing. Slow answers of a cold start are the canary's alone, so
 * there the primary proves nothing.
 */
const BURST = { log: 2.5, logOfLatency: 5, clusterSize: 20 } as const;

/** The primary would have shown an outage, but for one case in a hundred. */
const CERTAIN = -Math.log(0.01);
/** The same, but for one case in thirty. */
const LIKELY = -Math.log(1 / 30);

/** Beyond it nothing changes, and the logarithm of 0 is avoided. */
const MOST = 100;

/** The most that one interval may say against the canary, as ln of a tempered likelihood ratio. */
export function mostOf(counts: ArmCounts, kind: ComparisonSettings["kind"]): number {
  return kind === "latency" ? BURST.logOfLatency : BURST.log + logUnseen(counts);
}

/** Whether an outage that both arms share can be excluded as the cause of what the canary shows in this interval. */
export function excludesOutage(counts: ArmCounts): boolean {
  return logUnseen(counts) >= CERTAIN;
}

/** The same over all intervals of a process, where it takes less: they have to agree, and the newest one is no exception. */
export function wouldHaveShown({ primary, mirrored = 0 }: Pick<ProcessState, "primary" | "mirrored">): boolean {
  return logFewer(primary.bad, mirrored) >= LIKELY;
}

function logUnseen(counts: ArmCounts): number {
  return logFewer(counts.primary.bad, mirroredBy(counts));
}

/** Bad events that the primary would have had at the canary's bad share. */
export function mirroredBy({ canary, primary }: ArmCounts): number {
  return canary.total <= 0 ? 0 : (primary.total * canary.bad) / canary.total;
}

/** −ln of the chance that the primary has so few bad events where `expected` are, in clusters. */
function logFewer(bad: number, expected: number): number {
  const { clusterSize } = BURST;
  return Math.min(MOST, -Math.log(poissonCdf(Math.floor(bad / clusterSize), expected / clusterSize)));
}
