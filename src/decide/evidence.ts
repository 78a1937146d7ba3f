import { durationOf } from "./situation.ts";
import type { Situation } from "./situation.ts";

/** What evidence says about a weight. */
export type Proof =
  | { readonly state: "shown" }
  | { readonly state: "missing"; readonly message: string; readonly leftMs: number }
  /** It did not come in time; the settle time decides. */
  | { readonly state: "overdue"; readonly message: string };

/**
 * Whether there is evidence that the rollout's weight is in effect, `ageMs` after the route was told. Undefined when the
 * Canary asks for none, and at weight 0: nothing that takes users back waits for evidence.
 */
export function proofOf(s: Situation, weight: number, ageMs: number): Proof | undefined {
  const { evidence } = s.canary.spec.traffic;
  if (evidence === undefined || weight === 0 || s.rollout === undefined) return undefined;
  // Once it counts as in effect, nobody looks any more.
  if (s.rollout.effectiveSince !== undefined) return undefined;
  if (isShown(s, weight, ageMs)) return { state: "shown" };
  const message = missing(s, weight);
  const leftMs = durationOf(evidence.timeout) - ageMs;
  return leftMs > 0 ? { state: "missing", message, leftMs } : { state: "overdue", message };
}

function isShown({ evidence, rollout, settleMs }: Situation, weight: number, ageMs: number): boolean {
  switch (evidence?.kind) {
    case "share":
      return hasFollowed(evidence.percent, weight, rollout?.weightBefore ?? 0);
    case "probe":
      // A probe sees one way through the data plane, and between two weights above 0 it cannot tell them apart.
      if (ageMs < settleMs) return false;
      return weight === 100 ? evidence.hits === evidence.sent : evidence.hits > 0;
    case "none":
    case undefined:
      return false;
  }
}

/** How far a share must have come from the weight before: the rest is noise, and proxies that are a little late. */
const FAR_ENOUGH = 0.75;

function hasFollowed(percent: number, weight: number, before: number): boolean {
  const from = before === weight ? 0 : before;
  const least = from + FAR_ENOUGH * (weight - from);
  return weight >= from ? percent >= least : percent <= least;
}

function missing({ evidence }: Situation, weight: number): string {
  switch (evidence?.kind) {
    case "share":
      return `the canary gets ${Number(evidence.percent.toPrecision(3))} % of the requests, not ${weight} %`;
    case "probe":
      return `${evidence.hits} of ${evidence.sent} probes met the canary, ${evidence.answered} were answered`;
    case "none":
      return evidence.message;
    case undefined:
      return "no evidence yet";
  }
}
