import type { CanaryStatus, Phase, RolloutOutcome, Verdict } from "../api/status.ts";
import type { ErrorKind } from "../lib/errors.ts";
import { createMeters, type Meters } from "./meters.ts";

export interface KubeRequest {
  /** `get`, `list`, `watch`, `create`, `apply`, `patch`, `replace`, `delete`. */
  readonly verb: string;
  /** Kind of the object, such as `Deployment`; never a name. */
  readonly kind: string;
  /** HTTP status; 0 when there was no answer. */
  readonly code: number;
  /** To the answer; for a watch, to its first byte. */
  readonly durationMs: number;
}

/** Figures of the work queue at this moment. */
export interface QueueFigures {
  /** Keys that are due and not yet being worked on. */
  readonly depth: number;
  /** How long the oldest of them has been due; 0 when there is none. */
  readonly oldestMs: number;
}

/** A watch, as far as it says when the API server was last heard of. The caches of `kube/informer.ts` fit. */
export interface WatchContact {
  readonly kind: { readonly kind: string };
  lastContactAgeMs(): number;
}

/** Aviary's own metrics. What it is told is bounded: canaries, their checks, and closed lists of words. */
export interface Telemetry {
  /** Replaces what was known about this canary, so that ended checks and past phases leave no series behind. */
  canary(namespace: string, name: string, status: CanaryStatus): void;
  /** Removes every series of a deleted canary. Harmless when there are none. */
  forgetCanary(namespace: string, name: string): void;
  /** `rule` is the name of the rule that decided. */
  reconciled(durationMs: number, rule: string): void;
  reconcileFailed(durationMs: number, kind: ErrorKind): void;
  rolloutEnded(outcome: RolloutOutcome): void;
  queueRetried(): void;
  /** Asked at every scrape from now on; a second call replaces the first. */
  observeQueue(read: () => QueueFigures): void;
  /** Adds a watch whose age is asked at every scrape. A second watch of the same kind replaces the first. */
  observeWatch(watch: WatchContact): void;
  kubeRequest(request: KubeRequest): void;
  leader(isLeader: boolean): void;
  readonly contentType: string;
  /** Everything in the text format of Prometheus. */
  metrics(): Promise<string>;
}

/** Metrics in a registry of their own: two of them in one process know nothing of each other. */
export function createTelemetry(): Telemetry {
  let queue = (): QueueFigures => ({ depth: 0, oldestMs: 0 });
  const watches = new Map<string, WatchContact>();
  const meters = createMeters({
    queueDepth: () => queue().depth,
    queueOldestSeconds: () => queue().oldestMs / 1_000,
    watchContactSeconds: () => new Map([...watches].map(([kind, watch]) => [kind, watch.lastContactAgeMs() / 1_000])),
  });
  return {
    ...canaryTelemetry(meters),
    ...controllerTelemetry(meters),
    observeQueue(read) {
      queue = read;
    },
    observeWatch(watch) {
      watches.set(watch.kind.kind, watch);
    },
    contentType: meters.registry.contentType,
    metrics: () => meters.registry.metrics(),
  };
}

/** What has been exposed of one canary: exactly these series must go when it changes. */
interface Exposed {
  readonly phase: Phase | undefined;
  readonly checks: ReadonlyMap<string, Verdict>;
}

function canaryTelemetry(meters: Meters): Pick<Telemetry, "canary" | "forgetCanary"> {
  const exposed = new Map<string, Exposed>();
  return {
    canary(namespace, name, status) {
      const key = `${namespace}/${name}`;
      const checks = new Map((status.checks ?? []).map((check) => [check.name, check.verdict]));
      const next: Exposed = { phase: status.phase, checks };
      removeStale(meters, { namespace, name }, exposed.get(key), next);
      expose(meters, { namespace, name }, status);
      exposed.set(key, next);
    },
    forgetCanary(namespace, name) {
      const key = `${namespace}/${name}`;
      removeStale(meters, { namespace, name }, exposed.get(key), { phase: undefined, checks: new Map() });
      meters.weight.remove({ namespace, name });
      exposed.delete(key);
    },
  };
}

interface OfCanary {
  readonly namespace: string;
  readonly name: string;
}

function removeStale(meters: Meters, of: OfCanary, before: Exposed | undefined, after: Exposed): void {
  if (before?.phase !== undefined && before.phase !== after.phase) meters.phase.remove({ ...of, phase: before.phase });
  for (const [check, verdict] of before?.checks ?? []) {
    if (after.checks.get(check) !== verdict) meters.checkVerdict.remove({ ...of, check, verdict });
    if (!after.checks.has(check)) meters.checkValue.remove({ ...of, check });
  }
}

function expose(meters: Meters, of: OfCanary, status: CanaryStatus): void {
  if (status.phase !== undefined) meters.phase.set({ ...of, phase: status.phase }, 1);
  meters.weight.set({ ...of }, status.weight ?? 0);
  for (const { name: check, value, verdict } of status.checks ?? []) {
    meters.checkVerdict.set({ ...of, check, verdict }, 1);
    // An old value beside a new verdict would be read as its reason.
    if (value === undefined) meters.checkValue.remove({ ...of, check });
    else meters.checkValue.set({ ...of, check }, value);
  }
}

type ControllerTelemetry = Pick<
  Telemetry,
  "reconciled" | "reconcileFailed" | "rolloutEnded" | "queueRetried" | "kubeRequest" | "leader"
>;

function controllerTelemetry(meters: Meters): ControllerTelemetry {
  return {
    reconciled(durationMs, rule) {
      meters.reconcileDuration.observe(durationMs / 1_000);
      meters.decisions.inc({ rule });
    },
    reconcileFailed(durationMs, kind) {
      meters.reconcileDuration.observe(durationMs / 1_000);
      meters.reconcileErrors.inc({ kind });
    },
    rolloutEnded(outcome) {
      meters.rollouts.inc({ outcome });
    },
    queueRetried() {
      meters.queueRetries.inc();
    },
    kubeRequest({ verb, kind, code, durationMs }) {
      meters.kubeRequests.inc({ verb, kind, code: code === 0 ? "none" : String(code) });
      meters.kubeRequestDuration.observe({ verb }, durationMs / 1_000);
    },
    leader(isLeader) {
      meters.leader.set(isLeader ? 1 : 0);
    },
  };
}
