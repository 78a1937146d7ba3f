import type { CheckStatus } from "../../api/status.ts";
import type { JobView } from "../types.ts";

interface Look {
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  /** When the weight of this step came into effect, likewise: what was said before is about another step. */
  readonly since: number;
}

/**
 * The verdict of a Job. A test that says no is a failure. One that never began to run has said nothing, so that the
 * canary is held and not rolled back: no image, no room, no quota.
 */
export function judgeJob(before: CheckStatus, view: JobView | undefined, { now, since }: Look): CheckStatus {
  if (before.verdict === "Fail" || view === undefined) return before;
  const isKnown = Date.parse(before.lastReading ?? "") >= since;
  const { cause: _cause, ...rest } = before;
  const read = { ...rest, readings: before.readings + 1, lastReading: new Date(now).toISOString() };
  const what = `Job ${view.name}`;
  switch (view.state) {
    case "Absent":
      return isKnown && before.verdict === "Pass"
        ? before
        : { ...rest, verdict: "Undecided", message: `${what} is not there yet` };
    case "Running":
      return view.reason === undefined
        ? { ...rest, verdict: "Undecided", message: `${what} is running` }
        : { ...rest, verdict: "Error", cause: "Unreachable", message: `${what} does not start: ${view.reason}` };
    case "Succeeded":
      return isKnown && before.verdict === "Pass" ? before : { ...read, verdict: "Pass", message: `${what} succeeded` };
    case "Failed": {
      const neverStarted = view.late === true && (before.verdict === "Error" || view.podless === true);
      if (neverStarted && isKnown) return before;
      // Its pods are gone by now; why they did not start is in the status.
      const why = before.verdict === "Error" ? before.message : `${what} did not start: it got no pod`;
      if (neverStarted) return { ...read, verdict: "Error", cause: "Unreachable", message: why };
      const message = `${what} failed: ${view.reason ?? "it says no reason"}`;
      const failures = before.failures + 1;
      return { ...read, verdict: "Fail", failures, consecutiveFailures: before.consecutiveFailures + 1, message };
    }
  }
}
