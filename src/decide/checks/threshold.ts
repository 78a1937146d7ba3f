import type { ThresholdCheck } from "../../api/canary.ts";
import type { CheckStatus, Verdict } from "../../api/status.ts";
import { clip } from "../../lib/text.ts";
import type { TakenReading } from "../taken.ts";

/** A check of readings against bounds, after one more reading. One that failed stays failed until the rollout ends. */
export function judgeThreshold(check: ThresholdCheck, before: CheckStatus, taken: TakenReading): CheckStatus {
  const { value: _value, cause: _cause, ...kept } = before;
  const asked = { ...kept, query: clip(taken.query, 4_096), lastReading: new Date(taken.at).toISOString() };
  const verdictUnlessFailed = (verdict: Verdict): Verdict => (before.verdict === "Fail" ? "Fail" : verdict);
  switch (taken.reading.kind) {
    case "empty":
      if (check.onNoData === "Fail") {
        return judgeFailure(check, before, { ...asked, failures: before.failures + 1 }, "the query has no data");
      }
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

function judgeValue(check: ThresholdCheck, before: CheckStatus, asked: CheckStatus, value: number): CheckStatus {
  const { min, max, minReadings } = check.threshold;
  const outside = outsideOf(value, min, max);
  const counted = { ...asked, value, readings: before.readings + 1 };
  if (outside !== undefined) {
    return judgeFailure(check, before, { ...counted, failures: before.failures + 1 }, `${shown(value)} is ${outside}`);
  }
  const inside = { ...counted, consecutiveFailures: 0 };
  if (before.verdict === "Fail") return { ...inside, verdict: "Fail", message: before.message };
  const message = `${shown(value)} is within ${bounds(min, max)}`;
  if (inside.readings >= minReadings) return { ...inside, verdict: "Pass", message };
  return {
    ...inside,
    verdict: "Undecided",
    message: `${message} (${inside.readings} of at least ${minReadings} readings)`,
  };
}

/** One more failed reading, already counted in `failures`. */
function judgeFailure(
  { threshold }: ThresholdCheck,
  before: CheckStatus,
  failed: CheckStatus,
  sentence: string,
): CheckStatus {
  const { failureLimit, consecutiveFailureLimit } = threshold;
  const consecutiveFailures = before.consecutiveFailures + 1;
  const counted = { ...failed, consecutiveFailures };
  if (before.verdict === "Fail") return { ...counted, verdict: "Fail", message: before.message };
  if (consecutiveFailureLimit !== undefined && consecutiveFailures > consecutiveFailureLimit) {
    const tolerated = `${consecutiveFailures} failed readings in a row, ${consecutiveFailureLimit} tolerated`;
    return { ...counted, verdict: "Fail", message: `${sentence} (${tolerated})` };
  }
  const { failures } = counted;
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
