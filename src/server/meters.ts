import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { outcomes } from "../api/status.ts";

/** Upper bounds in seconds: from a reconcile that only looks in caches to one that waits for a slow Prometheus. */
const RECONCILE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const REQUEST_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const OF_CANARY = ["namespace", "name"] as const;

/** Every metric that Aviary exposes, in a registry of its own, so that two of them in one process do not meet. */
export interface Meters {
  readonly registry: Registry;
  readonly phase: Gauge<"namespace" | "name" | "phase">;
  readonly weight: Gauge<"namespace" | "name">;
  readonly checkValue: Gauge<"namespace" | "name" | "check">;
  readonly checkVerdict: Gauge<"namespace" | "name" | "check" | "verdict">;
  readonly rollouts: Counter<"outcome">;
  readonly reconcileDuration: Histogram;
  readonly reconcileErrors: Counter<"kind">;
  readonly decisions: Counter<"rule">;
  readonly queueRetries: Counter;
  readonly kubeRequests: Counter<"verb" | "kind" | "code">;
  readonly kubeRequestDuration: Histogram<"verb">;
  readonly leader: Gauge;
}

/** What is not counted as it happens but asked for when somebody scrapes. */
export interface Sources {
  queueDepth(): number;
  /** Seconds that the oldest key that is due has waited. */
  queueOldestSeconds(): number;
  /** Seconds since the API server was last heard of, by kind. */
  watchContactSeconds(): ReadonlyMap<string, number>;
}

export function createMeters(sources: Sources): Meters {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  addSampledGauges(registry, sources);
  return { registry, ...canaryMeters(registry), ...controllerMeters(registry) };
}

function canaryMeters(registry: Registry): Pick<Meters, "phase" | "weight" | "checkValue" | "checkVerdict"> {
  const registers = [registry];
  return {
    phase: new Gauge({
      name: "aviary_canary_phase",
      help: "1 for the present phase of a canary; there is no series for the other phases.",
      labelNames: [...OF_CANARY, "phase"],
      registers,
    }),
    weight: new Gauge({
      name: "aviary_canary_weight",
      help: "Percent of requests that go to the canary.",
      labelNames: OF_CANARY,
      registers,
    }),
    checkValue: new Gauge({
      name: "aviary_check_value",
      help: "Last value that a check has read in the rollout under way.",
      labelNames: [...OF_CANARY, "check"],
      registers,
    }),
    checkVerdict: new Gauge({
      name: "aviary_check_verdict",
      help: "1 for the present verdict of a check; there is no series for the other verdicts.",
      labelNames: [...OF_CANARY, "check", "verdict"],
      registers,
    }),
  };
}

function controllerMeters(
  registry: Registry,
): Omit<Meters, "registry" | "phase" | "weight" | "checkValue" | "checkVerdict"> {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name, help, labelNames, registers });
  const rollouts = counter("aviary_rollouts_total", "Rollouts that ended, by outcome.", ["outcome"]);
  // From the start, so that the first failure is an increase and not a new series.
  for (const outcome of outcomes) rollouts.inc({ outcome }, 0);
  return {
    rollouts,
    reconcileDuration: new Histogram({
      name: "aviary_reconcile_duration_seconds",
      help: "Duration of a reconcile.",
      buckets: RECONCILE_BUCKETS,
      registers,
    }),
    reconcileErrors: counter("aviary_reconcile_errors_total", "Reconciles that failed, by whose turn it is.", ["kind"]),
    decisions: counter("aviary_decisions_total", "Decisions, by the rule that made them.", ["rule"]),
    queueRetries: counter("aviary_queue_retries_total", "Canaries that were put back into the queue by an error.", []),
    kubeRequests: counter("aviary_kube_requests_total", "Requests to the Kubernetes API.", ["verb", "kind", "code"]),
    kubeRequestDuration: new Histogram({
      name: "aviary_kube_request_duration_seconds",
      help: "Time to the answer of the Kubernetes API; for a watch, to its first byte.",
      labelNames: ["verb"],
      buckets: REQUEST_BUCKETS,
      registers,
    }),
    leader: new Gauge({ name: "aviary_leader", help: "1 while this replica may act.", registers }),
  };
}

function addSampledGauges(registry: Registry, sources: Sources): void {
  const registers = [registry];
  new Gauge({
    name: "aviary_queue_depth",
    help: "Canaries that are due and wait for a worker.",
    registers,
    collect() {
      this.set(sources.queueDepth());
    },
  });
  new Gauge({
    name: "aviary_queue_oldest_seconds",
    help: "How long the oldest canary that is due has waited for a worker.",
    registers,
    collect() {
      this.set(sources.queueOldestSeconds());
    },
  });
  new Gauge({
    name: "aviary_watch_last_contact_seconds",
    help: "Time since the Kubernetes API was last heard of on the watch of a kind.",
    labelNames: ["kind"],
    registers,
    collect() {
      this.reset();
      for (const [kind, seconds] of sources.watchContactSeconds()) this.set({ kind }, seconds);
    },
  });
}
