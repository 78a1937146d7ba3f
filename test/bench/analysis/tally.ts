import type { Outcome } from "./judges/outcome.ts";

/** What one judge did in all runs of one scenario at one rate. */
export interface Tally {
  readonly scenario: string;
  readonly rps: number;
  readonly judge: string;
  readonly runs: number;
  /** In percent of the runs. */
  readonly rolledBack: number;
  readonly promoted: number;
  readonly undecided: number;
  /** Promoted although 30 or more bad canary requests were to be expected in the run up to then; percent of the runs. */
  readonly promotedSeen: number;
  /** Median minute of the rollbacks, and of the promotions. */
  readonly rollbackMinute?: number;
  readonly promotionMinute?: number;
  /** Median of the requests that the canary had served when it was rolled back. */
  readonly canaryRequests?: number;
  /** Fewest requests that the canary had served when it was rolled back or promoted. */
  readonly fewestRequests?: number;
}

/** Enough bad requests that a gross regression must not be promoted. */
export const ENOUGH_BAD = 30;

export function tally(scenario: string, rps: number, judge: string, outcomes: readonly Outcome[]): Tally {
  const percent = (of: readonly Outcome[]) => (100 * of.length) / outcomes.length;
  const ended = (end: Outcome["end"]) => outcomes.filter((outcome) => outcome.end === end);
  const [rolledBack, promoted] = [ended("rolledBack"), ended("promoted")];
  const rollbackMinute = median(rolledBack.map(({ minute }) => minute));
  const promotionMinute = median(promoted.map(({ minute }) => minute));
  const canaryRequests = median(rolledBack.map((outcome) => outcome.canaryRequests));
  const decided = [...rolledBack, ...promoted].map((outcome) => outcome.canaryRequests);
  return {
    scenario,
    rps,
    judge,
    runs: outcomes.length,
    rolledBack: percent(rolledBack),
    promoted: percent(promoted),
    undecided: percent(ended("undecided")),
    promotedSeen: percent(promoted.filter(({ expectedBad }) => expectedBad >= ENOUGH_BAD)),
    ...(rollbackMinute !== undefined && { rollbackMinute }),
    ...(promotionMinute !== undefined && { promotionMinute }),
    ...(canaryRequests !== undefined && { canaryRequests }),
    ...(decided.length > 0 && { fewestRequests: Math.min(...decided) }),
  };
}

function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
