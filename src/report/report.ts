import type { CanaryStatus } from "../api/status.ts";
import type { Answer, Decision, Observation } from "../decide/types.ts";
import { isKubeError } from "../kube/errors.ts";
import type { EventRecorder } from "../kube/events.ts";
import type { FreshReads } from "../kube/fresh.ts";
import { kinds } from "../kube/kinds.ts";
import type { Kube, KubeObject, PatchOperation } from "../kube/port.ts";
import type { Log } from "../lib/log.ts";
import type { Telemetry } from "../server/telemetry.ts";
import type { Answering } from "./answering.ts";
import { isLoud, newsOf } from "./news.ts";
import type { Pacing } from "./pacing.ts";
import { isWarning, nextStatus, sameStatus, whatCanWait } from "./status.ts";

export interface ReportOptions {
  readonly kube: Kube;
  readonly reads: FreshReads;
  readonly events: EventRecorder;
  readonly telemetry: Telemetry;
  readonly log: Log;
  readonly pacing: Pacing;
  readonly answering: Answering;
  readonly signal: AbortSignal;
}

/**
 * Tells what was decided: one status write when something changed, then an event, a log line and figures, and last the
 * answers to CanaryActions. The order matters: an answered action is one whose effect is in the status.
 *
 * @returns milliseconds after which a status that was held back is due, when there is one.
 * @throws KubeError when the status cannot be written; the decision is then made again.
 */
export async function report(
  observation: Observation,
  decision: Decision,
  options: ReportOptions,
): Promise<number | undefined> {
  if (decision.actions.some(({ kind }) => kind === "removeFinalizer")) {
    // The object may be gone by now: there is no status to write any more.
    tell(observation, decision, options);
    return undefined;
  }
  const dueInMs = decision.statusStays === true ? undefined : await reportStatus(observation, decision, options);
  if (decision.ended !== undefined) options.telemetry.rolloutEnded(decision.ended.outcome);
  const { namespace = "default", name } = observation.canary.metadata;
  const again = options.answering.due(`${namespace}/${name}`);
  for (const answer of [...again, ...(decision.answers ?? [])]) await writeAnswer(observation, answer, options);
  return dueInMs;
}

async function reportStatus(
  observation: Observation,
  decision: Decision,
  options: ReportOptions,
): Promise<number | undefined> {
  const { status: previous, metadata } = observation.canary;
  const { namespace = "default", name } = metadata;
  const { reads, pacing, telemetry } = options;
  const key = `${namespace}/${name}`;
  const status = nextStatus(observation, decision);
  telemetry.canary(namespace, name, status);
  const held = reads.get<StoredCanary>(kinds.canary, { namespace, name });
  const stored = held === undefined ? previous : held.status;
  const isStored = sameStatus(stored, status);
  const waits = isStored || held === undefined ? undefined : whatMayWait(decision, stored, status);
  const dueInMs = waits === undefined ? 0 : pacing.dueInMs(key, waits);
  if (isStored) pacing.drop(key);
  else if (dueInMs > 0 && held !== undefined) pacing.hold(key, held, status);
  else {
    await pacing.turn(() => writeStatus(observation, status, options));
    pacing.wrote(key);
  }
  // Told when it is decided, and not again when it is written later.
  if (!sameStatus(previous, status)) tell(observation, decision, options);
  return dueInMs > 0 ? dueInMs : undefined;
}

interface StoredCanary extends KubeObject {
  readonly status?: CanaryStatus;
}

/** What people or CI wait for, what ends a rollout, and what a person would care about is written at once. */
function whatMayWait(
  { actions, warning, answers = [], ended }: Decision,
  stored: CanaryStatus | undefined,
  next: CanaryStatus,
): ReturnType<typeof whatCanWait> {
  if (warning !== undefined || answers.length > 0 || ended !== undefined || actions.some(isLoud)) return undefined;
  const waits = whatCanWait(stored, next);
  return waits === "words" && actions.length > 0 ? undefined : waits;
}

async function writeStatus(
  { canary }: Observation,
  status: CanaryStatus,
  { kube, reads, signal }: ReportOptions,
): Promise<void> {
  const { namespace = "default", name, resourceVersion } = canary.metadata;
  // Guarded by the version that was looked at: a status must not be written over one that somebody else wrote since.
  const held = reads.get<KubeObject>(kinds.canary, { namespace, name });
  const version = held?.metadata.resourceVersion ?? resourceVersion;
  const written = await kube.jsonPatch<KubeObject>(
    kinds.canary,
    { namespace, name },
    [
      ...(version === undefined ? [] : [{ op: "test", path: "/metadata/resourceVersion", value: version } as const]),
      { op: "add", path: "/status", value: status },
    ],
    { subresource: "status", signal },
  );
  reads.noteWrite(kinds.canary, written);
}

/** One log line for a decision that changed something, and an event where a person would care. */
function tell(observation: Observation, decision: Decision, { events, log }: ReportOptions): void {
  const { canary } = observation;
  const { rule, phase, message, stalled, warning, actions, memory } = decision;
  const fields = {
    canary: `${canary.metadata.namespace ?? ""}/${canary.metadata.name}`,
    rule,
    phase,
    weight: memory.rollout?.weight ?? 0,
    actions: actions.map(({ kind }) => kind),
  };
  const news = newsOf(canary.status, decision);
  if (news === "nothing") log.debug(fields, message);
  else log.info(fields, message);
  const regarding = { ...canary, spec: undefined, status: undefined } as unknown as KubeObject;
  if (news === "event") {
    const type = isWarning(phase, stalled !== undefined) ? "Warning" : "Normal";
    events.record({ regarding, type, reason: upperFirst(rule), note: message });
  }
  if (warning !== undefined)
    events.record({ regarding, type: "Warning", reason: warning.reason, note: warning.message });
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** An answer that the API server refuses is tried again later: nothing else waits for it. */
async function writeAnswer({ canary, now }: Observation, answer: Answer, options: ReportOptions): Promise<void> {
  const { kube, reads, log, answering, signal } = options;
  const { request, phase, message } = answer;
  const { uid } = request;
  const namespace = canary.metadata.namespace ?? "default";
  const status = { phase, message: message.slice(0, 1024), time: new Date(now).toISOString() };
  const ref = { namespace, name: request.name };
  const fields = { canary: `${namespace}/${canary.metadata.name}`, action: request.action, name: request.name, phase };
  try {
    // Not to another one, which somebody has made in its place.
    const patch: PatchOperation[] = [
      { op: "test", path: "/metadata/uid", value: uid },
      { op: "add", path: "/status", value: status },
    ];
    const how = { subresource: "status", signal } as const;
    reads.noteWrite(kinds.canaryAction, await kube.jsonPatch<KubeObject>(kinds.canaryAction, ref, patch, how));
  } catch (error) {
    if (!isKubeError(error)) throw error;
    log.warn({ ...fields, err: error }, "a CanaryAction cannot be answered");
    // Nobody asks any more when it is gone.
    const gone = isKubeError(error, "Invalid") && reads.get(kinds.canaryAction, ref)?.metadata.uid !== uid;
    if (gone || isKubeError(error, "NotFound")) answering.done(uid);
    else answering.failed(fields.canary, answer);
    return;
  }
  answering.done(uid);
  log.info(fields, `${request.action} ${phase.toLowerCase()}: ${message}`);
}
