import type { PodsCheck } from "../../api/canary.ts";
import type { CheckStatus } from "../../api/status.ts";
import { clip } from "../../lib/text.ts";
import { formatDuration, parseDuration } from "../../lib/time.ts";
import type { TakenPods } from "../taken.ts";

/** A check of the canary's pods, after one more look at them. One that failed stays failed until the rollout ends. */
export function judgePods({ pods: block }: PodsCheck, before: CheckStatus, taken: TakenPods): CheckStatus {
  const { cause: _cause, ...kept } = before;
  const looked = { ...kept, lastReading: new Date(taken.at).toISOString() };
  if (taken.unreachable !== undefined) {
    if (before.verdict === "Fail") return before;
    return { ...looked, verdict: "Error", cause: "Unreachable", message: clip(taken.unreachable) };
  }
  const counted = { ...looked, readings: before.readings + 1, value: taken.restarts };
  if (before.verdict === "Fail") return { ...counted, verdict: "Fail", message: before.message };
  const failure = failureOf(block, taken);
  if (failure !== undefined) return { ...counted, verdict: "Fail", failures: 1, message: clip(failure) };
  const [unready] = taken.unready;
  if (unready !== undefined) {
    const message = `pod ${unready.pod} is not ready for ${formatDuration(taken.at - unready.since)}, ${block.unreadyFor} tolerated`;
    return { ...counted, verdict: "Undecided", message: clip(message) };
  }
  const message = `${taken.total} pod${taken.total === 1 ? "" : "s"}, ${restartsOf(taken)}`;
  return { ...counted, verdict: "Pass", message };
}

function failureOf({ maxRestarts, unreadyFor }: PodsCheck["pods"], taken: TakenPods): string | undefined {
  if (taken.broken !== undefined) return taken.broken;
  if (taken.restarts > maxRestarts) return `${restartsOf(taken)}, ${maxRestarts} tolerated`;
  const unready = taken.unready.find(({ since }) => taken.at - since > parseDuration(unreadyFor));
  if (unready === undefined) return undefined;
  return `pod ${unready.pod} was ready and is not for ${formatDuration(taken.at - unready.since)}, ${unreadyFor} tolerated`;
}

function restartsOf({ restarts }: TakenPods): string {
  if (restarts === 0) return "no container has restarted";
  return restarts === 1 ? "1 container has restarted" : `${restarts} containers have restarted`;
}
