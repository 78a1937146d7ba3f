import type { Check } from "../../api/canary.ts";
import type { CheckStatus } from "../../api/status.ts";
import type { TakenReading } from "../types.ts";
import { judgeThreshold } from "./threshold.ts";

/** A check that was never asked. */
export function unasked({ name, mode }: Check): CheckStatus {
  return {
    name,
    ...(mode === "Report" ? { mode } : {}),
    verdict: "Undecided",
    message: "not asked yet",
    readings: 0,
    failures: 0,
    consecutiveFailures: 0,
  };
}

/**
 * The state of every check after the readings of this look; without a reading a check stays as it was.
 * A check that failed stays failed until the rollout ends.
 */
export function judge(
  checks: readonly Check[],
  previous: readonly CheckStatus[],
  readings: Readonly<Record<string, TakenReading>>,
): CheckStatus[] {
  return checks.map((check) => {
    const { mode: _mode, ...known } = previous.find((status) => status.name === check.name) ?? unasked(check);
    const before: CheckStatus = check.mode === "Report" ? { ...known, mode: "Report" } : known;
    const taken = readings[check.name];
    if (taken === undefined) return before;
    return judgeThreshold(check, before, taken);
  });
}

function isGate({ mode }: CheckStatus): boolean {
  return mode !== "Report";
}

/** The first check that failed, of those that may roll back. */
export function failedCheck(checks: readonly CheckStatus[]): CheckStatus | undefined {
  return checks.find((check) => isGate(check) && check.verdict === "Fail");
}

/** The first check whose query is wrong, of those that matter to the rollout. */
export function refusedCheck(checks: readonly CheckStatus[]): CheckStatus | undefined {
  return checks.find((check) => isGate(check) && check.verdict === "Error" && check.cause === "BadQuery");
}

/**
 * Checks that do not say yes by a reading taken since `since` (milliseconds since the Unix epoch). One without data that
 * is to be ignored is left out while another one says yes: silence alone never promotes.
 */
export function notPassing(
  checks: readonly Check[],
  statuses: readonly CheckStatus[],
  since: number,
): readonly CheckStatus[] {
  const open = statuses.filter(isGate).filter((status) => !hasPassed(status, since));
  const ignored = open.filter(
    ({ name, verdict }) => verdict === "NoData" && checks.find((check) => check.name === name)?.onNoData === "Ignore",
  );
  const passing = statuses.some((status) => isGate(status) && hasPassed(status, since));
  return passing ? open.filter((status) => !ignored.includes(status)) : open;
}

function hasPassed({ verdict, lastReading }: CheckStatus, since: number): boolean {
  return verdict === "Pass" && lastReading !== undefined && Date.parse(lastReading) >= since;
}
