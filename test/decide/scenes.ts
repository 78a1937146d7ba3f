import type { Canary } from "../../src/api/canary.ts";
import type { CanaryStatus, RolloutMemory } from "../../src/api/status.ts";
import type { Observation, Request, Services, ServiceView, Workload } from "../../src/decide/types.ts";
import { FINALIZER } from "../../src/lib/names.ts";
import { parseCanary } from "../../src/reconcile.ts";

export const NOW = Date.UTC(2026, 0, 1, 12);
/** A moment so many seconds ago, as the status holds it. */
export const ago = (seconds: number): string => new Date(NOW - seconds * 1_000).toISOString();

export function workload(revision: string, more: Partial<Workload> = {}): Workload {
  const version = { revision, images: [`web:${revision}`] };
  return { uid: "u", generation: 1, version, replicas: 3, frozen: false, available: 3, settled: true, ...more };
}

const parked = { replicas: 0, available: 0 };
export const service = (more: Partial<ServiceView> = {}): ServiceView => ({
  exists: true,
  selects: "primary",
  ready: 3,
  ...more,
});

export interface SceneOptions {
  readonly spec?: object;
  readonly metadata?: object;
  readonly status?: CanaryStatus;
  readonly services?: Partial<Services>;
  readonly see?: Partial<Observation>;
}

/** A canary at rest: revision `a` is promoted, and nothing is to be done; `options` says what is different. */
export function scene({ spec, metadata, status, services, see }: SceneOptions = {}): Observation {
  return {
    now: NOW,
    canary: { ...aCanary(spec, metadata), status: status ?? rested },
    target: workload("a", parked),
    primary: workload("a"),
    services: {
      apex: service((status ?? rested).promoted === undefined ? {} : { feed: { ageMs: 60_000, current: true } }),
      primary: service(),
      canary: service({ selects: "target", ready: 0 }),
      previous: service({ exists: false, ready: 0 }),
      complete: true,
      ...services,
    },
    companions: { autoscaler: true, guards: true },
    primaryLabel: { key: "app", value: "web-primary" },
    route: { weight: 0, uniform: true, acceptance: { state: "accepted" }, managers: [] },
    settleMs: 2_000,
    drainMs: 5_000,
    readings: {},
    requests: [],
    namespaceTerminating: false,
    ...see,
  };
}

function aCanary(spec: object = {}, metadata: object = {}): Canary {
  const parsed = parseCanary({
    apiVersion: "aviary.dev/v1beta1",
    kind: "Canary",
    metadata: { name: "web", namespace: "shop", generation: 1, finalizers: [FINALIZER], ...metadata },
    spec: {
      targetRef: { kind: "Deployment", name: "web" },
      traffic: { gatewayAPI: { routeRefs: [{ name: "web" }] } },
      strategy: { canary: { steps: [{ weight: 10, hold: "30s" }, { pause: {} }, { weight: 50, hold: "30s" }] } },
      analysis: { interval: "10s", checks: [{ name: "success", threshold: { query: "up", min: 1 } }] },
      ...spec,
    },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.canary;
}

export const rested: CanaryStatus = {
  phase: "Idle",
  why: { rule: "rest", message: "resting" },
  promoted: { revision: "a", time: ago(9_999) },
  adopted: { replicas: 3, apexSelector: { app: "web" } },
};

/** A status with a rollout of revision `b` under way. */
export function rolling(more: Partial<RolloutMemory> = {}, rest: CanaryStatus = {}): CanaryStatus {
  const rollout = { revision: "b", startedAt: ago(100), step: 0, weight: 0, ...more };
  return { ...rested, phase: "Progressing", checks: [passing, podsWell], ...rest, rollout };
}

/** In effect at 10 % since so many seconds. */
export const atTen = (seconds: number, more: Partial<RolloutMemory> = {}): Partial<RolloutMemory> => ({
  weight: 10,
  weightSince: ago(seconds + 2),
  effectiveSince: ago(seconds),
  firstWeightAt: ago(seconds),
  exposed: true,
  ...more,
});

export const passing = {
  name: "success",
  verdict: "Pass",
  message: "fine",
  readings: 1,
  failures: 0,
  consecutiveFailures: 0,
  lastReading: ago(1),
} as const;

/** The check of the canary's pods, which every Canary has. */
export const podsWell = { ...passing, name: "pods" } as const;

/** The canary's pods run `b` and answer; the route gives them `weight`. */
export function serving(weight: number, more: Partial<Workload> = {}): Pick<SceneOptions, "see" | "services"> {
  return {
    see: {
      target: workload("b", { frozen: weight > 0, ...more }),
      route: { weight, uniform: true, acceptance: { state: "accepted" }, managers: [] },
    },
    services: { canary: service({ selects: "target" }) },
  };
}

export const request = (action: Request["action"], more: Partial<Request> = {}): Request => ({
  uid: action,
  name: action.toLowerCase(),
  action,
  ...more,
});

export const leaving = { deletionTimestamp: ago(10), finalizers: [FINALIZER] };
