import type { LoadCounts } from "../load.ts";
import type { DemoRollout, DemoSummary } from "./events.ts";

export interface Ending {
  /** The good release, then the bad one. */
  readonly rollouts: readonly DemoRollout[];
  /** Revision that the status calls promoted in the end. */
  readonly promoted: string | undefined;
  readonly counts: LoadCounts;
  readonly seconds: number;
}

/** Says whether the demo went as it must, and if not, what went wrong. Pure. */
export function summarize({ rollouts, promoted, counts, seconds }: Ending): DemoSummary {
  const [good, bad] = rollouts;
  const problems: string[] = [];
  if (good?.outcome !== "Succeeded") problems.push(`the good release was not promoted: ${good?.why ?? "no outcome"}`);
  else if (bad === undefined) problems.push("the bad release was not decided");
  if (bad !== undefined && (bad.outcome !== "Failed" || promoted === bad.revision)) {
    problems.push(`the bad release was not rolled back: ${bad.outcome}`);
  }
  if (counts.failedByGateway > 0) problems.push(`the gateway failed ${counts.failedByGateway} requests`);
  return {
    ok: problems.length === 0,
    problems,
    rollouts,
    requests: counts.requests,
    failedByGateway: counts.failedByGateway,
    byVersion: counts.byVersion,
    seconds: Math.round(seconds * 10) / 10,
  };
}
