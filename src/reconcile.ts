import { act } from "./act/act.ts";
import { InvariantError } from "./act/invariants.ts";
import { canaryParser } from "./api/canary.ts";
import type { Canary } from "./api/canary.ts";
import { decide } from "./decide/decide.ts";
import { isKubeError } from "./kube/errors.ts";
import type { EventRecorder } from "./kube/events.ts";
import type { FreshReads } from "./kube/fresh.ts";
import { kinds } from "./kube/kinds.ts";
import type { Kube, KubeObject, ResourceKind } from "./kube/port.ts";
import type { RunResult } from "./kube/queue.ts";
import { isAbort } from "./lib/errors.ts";
import type { ErrorKind } from "./lib/errors.ts";
import type { Log } from "./lib/log.ts";
import { rememberByObject } from "./lib/remember.ts";
import type { Clock } from "./lib/time.ts";
import { resourceKindOf } from "./kube/configuration.ts";
import { optionalKinds } from "./observe/autoscaler.ts";
import type { Configuration } from "./observe/configuration.ts";
import type { EvidenceTaker } from "./observe/evidence.ts";
import { observe } from "./observe/observe.ts";
import type { PodTroubles } from "./observe/podTrouble.ts";
import type { ProviderOptions } from "./observe/providers.ts";
import type { CanaryPods } from "./observe/canaryPods.ts";
import type { Readings } from "./observe/readings.ts";
import type { Tiles } from "./observe/tiles.ts";
import { kindsOf } from "./observe/scene.ts";
import { jobKindsOf } from "./observe/jobs.ts";
import { templatesOf, withTemplates } from "./observe/templates.ts";
import { collectAnswered } from "./report/answered.ts";
import type { Answering } from "./report/answering.ts";
import type { Pacing } from "./report/pacing.ts";
import { report } from "./report/report.ts";
import { reportRefusedWrite, reportUnlistable, reportUnreadable } from "./report/notices.ts";
import { trafficPlugIns } from "./routers/index.ts";
import type { Telemetry } from "./server/telemetry.ts";
import { targetKinds } from "./workloads/index.ts";

export interface ReconcileOptions {
  readonly kube: Kube;
  readonly reads: FreshReads;
  readonly clock: Clock;
  readonly readings: Readings;
  readonly tiles: Tiles;
  readonly podTroubles: PodTroubles;
  readonly canaryPods: CanaryPods;
  readonly evidence: EvidenceTaker;
  readonly providers: ProviderOptions;
  readonly configuration: Configuration;
  readonly events: EventRecorder;
  readonly telemetry: Telemetry;
  readonly log: Log;
  /** How long answered CanaryActions are kept, in milliseconds. */
  readonly actionRetentionMs: number;
  readonly pacing: Pacing;
  readonly answering: Answering;
}

export const parseCanary = rememberByObject<object, ReturnType<ReturnType<typeof canaryParser>>>(
  canaryParser({ ...trafficPlugIns, targetKinds }),
);

/**
 * One look at one canary: observe, decide, act, report. Level-based: the key names an object, never an event, and a
 * look that is repeated, or cut short at any write, does no harm.
 *
 * @returns when to look again even if nothing happens.
 */
export async function reconcile(key: string, options: ReconcileOptions, signal: AbortSignal): Promise<RunResult> {
  const parsed = canaryOf(key, options);
  if (parsed === undefined) return {};
  if (!parsed.ok) {
    await reportUnreadable(parsed.object, parsed.message, { ...options, now: options.clock.now(), signal });
    return {};
  }
  const { canary } = parsed;
  // Before its first list is in, a cache says nothing about what exists.
  const syncing = kindsFor(canary, options).find((kind) => options.reads.state(kind) === "starting");
  if (syncing !== undefined) return waitForList(key, syncing, { ...options, signal });
  const started = performance.now();
  try {
    const observed = await observe(options, canary, signal);
    const decision = decide(observed.observation);
    await act(decision.actions, observed, { ...options, signal });
    const statusInMs = await report(observed.observation, decision, { ...options, signal });
    options.telemetry.reconciled(performance.now() - started, decision.rule);
    const answerInMs = options.answering.dueInMs(key);
    return soonest(decision.recheckAfterMs, statusInMs, answerInMs, await collect(canary, options, signal));
  } catch (error) {
    options.telemetry.reconcileFailed(performance.now() - started, kindOf(error));
    throw error;
  }
}

function soonest(...times: readonly (number | undefined)[]): RunResult {
  const due = times.filter((time) => time !== undefined);
  return due.length === 0 ? {} : { recheckAfterMs: Math.min(...due) };
}

function collect(
  { metadata }: Canary,
  { kube, reads, log, clock, actionRetentionMs }: ReconcileOptions,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { namespace = "default", name } = metadata;
  return collectAnswered(
    { namespace, name },
    { kube, reads, log, now: clock.now(), retentionMs: actionRetentionMs, signal },
  );
}

/** The kinds without which nothing can be said. Configuration that may not be read stops none but those that refer to it. */
function kindsFor(canary: Canary, { reads, configuration }: ReconcileOptions): readonly ResourceKind[] {
  const readable = configuration.kinds.map(resourceKindOf).filter((kind) => reads.failure(kind)?.forbidden !== true);
  const templates = templatesOf(canary).map(({ kind }) => kind);
  return [...kindsOf(canary), ...templates, ...jobKindsOf(canary), ...optionalKinds(reads, canary), ...readable];
}

const SYNC_RECHECK_MS = 250;
/** A list that has failed for so long is told, and looked at less often. */
const UNREADABLE_AFTER_MS = 3_000;
const UNREADABLE_RECHECK_MS = 5_000;

async function waitForList(
  key: string,
  kind: ResourceKind,
  options: ReconcileOptions & { readonly signal: AbortSignal },
): Promise<RunResult> {
  const failure = options.reads.failure(kind);
  if (failure === undefined || failure.forMs < UNREADABLE_AFTER_MS) return { recheckAfterMs: SYNC_RECHECK_MS };
  const object = storedCanary(key, options.reads);
  if (object !== undefined) await reportUnlistable(object, { kind, failure }, { ...options, now: options.clock.now() });
  return { recheckAfterMs: UNREADABLE_RECHECK_MS };
}

function storedCanary(key: string, reads: FreshReads): KubeObject | undefined {
  const [namespace = "", name = ""] = key.split("/");
  return reads.get<KubeObject>(kinds.canary, { namespace, name });
}

type Stored =
  | { readonly ok: true; readonly canary: Canary }
  | { readonly ok: false; readonly object: KubeObject; readonly message: string };

function canaryOf(
  key: string,
  { reads, readings, tiles, canaryPods, evidence, configuration, telemetry, pacing }: ReconcileOptions,
): Stored | undefined {
  const object = storedCanary(key, reads);
  if (object === undefined) {
    const [namespace = "", name = ""] = key.split("/");
    readings.forget(key);
    tiles.forget(key);
    canaryPods.forget(key);
    pacing.forget(key);
    configuration.forget(key);
    evidence.forget(key);
    telemetry.forgetCanary(namespace, name);
    return undefined;
  }
  const parsed = withTemplates(reads, pacing.withHeld(key, object), parseCanary);
  if (parsed.ok) return parsed;
  // Stored before today's schema refused it; the API server refuses the next change of it with the same sentence.
  return { ok: false, object, message: parsed.problems.map(({ path, message }) => `${path}: ${message}`).join("; ") };
}

/** How often in a row a write is refused before it is told: a patch that met a newer object is refused once or twice. */
const REFUSALS_BEFORE_NOTICE = 3;
/** What may pass by itself, such as a webhook that starts, has some seconds. */
const OUTAGES_BEFORE_NOTICE = 6;
/** Told again after so many more: each notice is a change of the Canary, after which it is looked at without delay. */
const REFUSALS_BETWEEN_NOTICES = 10;

/** Tells people when writes are refused again and again; nobody else would. */
export async function afterFailure(
  key: string,
  { error, failures }: { readonly error: unknown; readonly failures: number },
  options: ReconcileOptions & { readonly signal: AbortSignal },
): Promise<void> {
  if (!(error instanceof Error)) return;
  const more = failures - leastFailures(error);
  if (more < 0 || more % REFUSALS_BETWEEN_NOTICES !== 0) return;
  const object = storedCanary(key, options.reads);
  if (object !== undefined) await reportRefusedWrite(object, error.message, { ...options, now: options.clock.now() });
}

/** How many failures in a row a person is to know of; more than there are where the next look may mend it by itself. */
function leastFailures(error: Error): number {
  if (error instanceof InvariantError || isKubeError(error, "Forbidden", "Invalid")) return REFUSALS_BEFORE_NOTICE;
  // Without any answer there is nobody to tell it to.
  return isKubeError(error, "Unavailable") && error.status > 0 ? OUTAGES_BEFORE_NOTICE : Number.POSITIVE_INFINITY;
}

/** Whose turn it is. */
export function kindOf(error: unknown): ErrorKind {
  if (isAbort(error)) return "stopped";
  if (error instanceof InvariantError) return "bug";
  if (isKubeError(error, "Forbidden")) return "user";
  return isKubeError(error) ? "environment" : "bug";
}
