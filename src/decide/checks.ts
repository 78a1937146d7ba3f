import type { Check } from "../api/canary.ts";
import type { CheckStatus, Verdict } from "../api/status.ts";
import { clip } from "../lib/text.ts";
import type { TakenReading } from "./types.ts";

/** A check that was never asked. */
export function unasked(check: Check): CheckStatus {
  return {
    name: check.name,
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
    const before = previous.find((status) => status.name === check.name) ?? unasked(check);
    const taken = readings[check.name];
    if (taken === undefined) return before;
    return judgeThreshold(check, before, taken);
  });
}

function judgeThreshold(check: Check, before: CheckStatus, taken: TakenReading): CheckStatus {
  const { value: _value, cause: _cause, ...kept } = before;
  const asked = { ...kept, query: clip(taken.query, 4_096), lastReading: new Date(taken.at).toISOString() };
  const verdictUnlessFailed = (verdict: Verdict): Verdict => (before.verdict === "Fail" ? "Fail" : verdict);
  switch (taken.reading.kind) {
    case "empty":
      // Nothing measured is not something wrong: a canary without callers waits, it does not fail.
      return { ...asked, verdict: verdictUnlessFailed("NoData"), message: "the query has no data" };
    case "unreachable":
      return {
        ...asked,
        verdict: verdictUnlessFailed("Error"),
        cause: "Unreachable",
        message: clip(`no answer: ${taken.reading.message}`),
      };
    case "badQuery":
      return {
        ...asked,
        verdict: verdictUnlessFailed("Error"),
        cause: "BadQuery",
        message: clip(`the query was refused: ${taken.reading.message}`),
      };
    case "value":
      return judgeValue(check, before, asked, taken.reading.value);
  }
}

function judgeValue(check: Check, before: CheckStatus, asked: CheckStatus, value: number): CheckStatus {
  const { min, max, failureLimit, consecutiveFailureLimit } = check.threshold;
  const outside = outsideOf(value, min, max);
  const failures = before.failures + (outside === undefined ? 0 : 1);
  const consecutiveFailures = outside === undefined ? 0 : before.consecutiveFailures + 1;
  const counted = { ...asked, value, readings: before.readings + 1, failures, consecutiveFailures };
  if (before.verdict === "Fail") return { ...counted, verdict: "Fail", message: before.message };
  if (outside === undefined) {
    return { ...counted, verdict: "Pass", message: `${shown(value)} is within ${bounds(min, max)}` };
  }
  const sentence = `${shown(value)} is ${outside}`;
  if (consecutiveFailureLimit !== undefined && consecutiveFailures > consecutiveFailureLimit) {
    const tolerated = `${consecutiveFailures} failed readings in a row, ${consecutiveFailureLimit} tolerated`;
    return { ...counted, verdict: "Fail", message: `${sentence} (${tolerated})` };
  }
  const tally = `${failures} failed reading${failures === 1 ? "" : "s"}, ${failureLimit} tolerated`;
  return { ...counted, verdict: failures > failureLimit ? "Fail" : "Undecided", message: `${sentence} (${tally})` };
}

function outsideOf(value: number, min: number | undefined, max: number | undefined): string | undefined {
  if (min !== undefined && value < min) return `below min ${shown(min)}`;
  if (max !== undefined && value > max) return `above max ${shown(max)}`;
  return undefined;
}

function bounds(min: number | undefined, max: number | undefined): string {
  if (min !== undefined && max !== undefined) return `${shown(min)} to ${shown(max)}`;
  return min === undefined ? `max ${shown(max ?? 0)}` : `min ${shown(min)}`;
}

/** At most five significant digits: enough to compare, few enough to read. */
function shown(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)));
}

/** The first check that failed. */
export function failedCheck(checks: readonly CheckStatus[]): CheckStatus | undefined {
  return checks.find((check) => check.verdict === "Fail");
}

/** Checks that do not say yes by a reading taken since `since` (milliseconds since the Unix epoch). */
export function notPassing(checks: readonly CheckStatus[], since: number): CheckStatus[] {
  return checks.filter(
    (check) => check.verdict !== "Pass" || check.lastReading === undefined || Date.parse(check.lastReading) < since,
  );
}
