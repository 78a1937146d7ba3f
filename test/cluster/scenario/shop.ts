import type { CanaryStatus } from "../../../src/api/status.ts";
import { SERVICE_NAME_LABEL } from "../../../src/kube/objects.ts";
import type { Deployment, EndpointSlice } from "../../../src/kube/objects.ts";
import { readyEndpoints } from "../../../src/kube/reachability.ts";
import type { Cluster, KubeObject } from "../harness/cluster.ts";
import { waitFor } from "../harness/polling.ts";
import { deployment } from "../harness/workloads.ts";
import type { StubPrometheus } from "../harness/stubPrometheus.ts";
import type { Journal } from "./journal.ts";

export interface ShopOptions {
  readonly cluster: Cluster;
  readonly journal: Journal;
  readonly prometheus: StubPrometheus;
  /** Of the target. 3 when left out. */
  readonly replicas?: number;
  /** Objects of the user's beside the workload. */
  readonly beside?: (namespace: string) => readonly KubeObject[];
  /** Merged over the Canary's spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** One application in a namespace of its own: a Deployment, Service and HTTPRoute `web`, and a Canary over them. */
export interface Shop {
  readonly namespace: string;
  /** Sets the image's tag in the target, as a release does, and what its pods carry. */
  release(tag: string, annotations?: Readonly<Record<string, string>>): Promise<void>;
  patchSpec(spec: Readonly<Record<string, unknown>>): Promise<void>;
  status(): CanaryStatus;
  /** Throws after `timeoutMs`, two minutes when left out, with the status as it is then. */
  until(what: string, condition: (status: CanaryStatus) => boolean, timeoutMs?: number): Promise<CanaryStatus>;
  outcome(of: string): Promise<CanaryStatus>;
  deployment(name: "web" | "web-primary"): Deployment | undefined;
  weights(): Readonly<Record<string, number>>;
  /** What Prometheus says about the canary from now on. */
  measures(success: number): void;
  gone(): Promise<void>;
}

export const FAST_STEPS = [
  { weight: 20, hold: "1s" },
  { weight: 50, hold: "1s" },
];

/** A strategy of these steps. */
export function stepsOf(...steps: readonly object[]): { readonly strategy: object } {
  return { strategy: { canary: { steps } } };
}

/** Makes the workload, waits until it serves, and then creates the Canary. */
export async function openShop(options: ShopOptions): Promise<Shop> {
  const { cluster, journal, prometheus, replicas = 3, beside = () => [], spec = {} } = options;
  const namespace = await cluster.namespace("shop");
  prometheus.answer(namespace, 1);
  await cluster.apply(deployment({ name: "web", namespace, replicas, image: imageOf("1") }));
  await cluster.apply([apexService(namespace), route(namespace), ...beside(namespace)]);
  const web = { namespace, name: "web" };
  const find = (name: string): Deployment | undefined => journal.latest("Deployment", { namespace, name });
  await waitFor("the target to serve", () => find("web")?.status?.availableReplicas === replicas);
  // A busy cluster lists pods behind a new Service a second after they are ready, which is no gap of Aviary's.
  const slices = { ...kinds.endpointSlice, namespace, labelSelector: `${SERVICE_NAME_LABEL}=web` };
  await waitFor("its pods behind its Service", async () => {
    return readyEndpoints(await cluster.list<EndpointSlice>(slices)).length === replicas;
  });
  await cluster.apply(canary(namespace, spec));
  const status = (): CanaryStatus => journal.latest<{ status?: CanaryStatus }>("Canary", web)?.status ?? {};
  const until: Shop["until"] = async (what, condition, timeoutMs = 120_000) => {
    const found = await waitFor(`${what} in ${namespace}`, status, { until: condition, timeoutMs, intervalMs: 20 });
    await journal.caughtUp(namespace);
    return found;
  };
  return {
    namespace,
    release: async (tag, annotations = {}) => {
      const containers = [{ name: "main", image: imageOf(tag) }];
      const body = { spec: { template: { metadata: { annotations }, spec: { containers } } } };
      await cluster.patch({ ...kinds.deployment, ...web }, body, { type: "strategic" });
    },
    patchSpec: async (changed) => {
      await cluster.patch({ ...kinds.canary, ...web }, { spec: changed });
    },
    status,
    until,
    outcome: (of) =>
      until(`a rollout that ${of}`, ({ history, rollout }) => rollout === undefined && history?.[0]?.outcome === of),
    deployment: find,
    weights: () => weightsOf(journal.latest("HTTPRoute", web)),
    measures: (success) => prometheus.answer(namespace, success),
    gone: async () => {
      await waitFor("the Canary to be gone", () => journal.latest("Canary", web) === undefined);
    },
  };
}

export function imageOf(tag: string): string {
  return tag.includes("/") ? tag : `registry.test/web:${tag}`;
}

export function weightsOf(object: KubeObject | undefined): Readonly<Record<string, number>> {
  const spec = object?.["spec"] as
    { readonly rules?: readonly { readonly backendRefs?: readonly { name: string; weight?: number }[] }[] } | undefined;
  const refs = spec?.rules?.[0]?.backendRefs ?? [];
  return Object.fromEntries(refs.map(({ name, weight }) => [name, weight ?? 1]));
}

const kinds = {
  canary: { apiVersion: "aviary.dev/v1beta1", kind: "Canary" },
  deployment: { apiVersion: "apps/v1", kind: "Deployment" },
  endpointSlice: { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" },
};

/** The apex Service as Git has it. */
export function apexService(namespace: string): KubeObject {
  const spec = { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: 8080 }] };
  return { apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace }, spec };
}

/** The route as Git has it: everything to the primary. */
export function route(namespace: string): KubeObject {
  const backendRefs = [
    { name: "web-primary", port: 80, weight: 100 },
    { name: "web-canary", port: 80, weight: 0 },
  ];
  const spec = { parentRefs: [{ name: "gateway" }], hostnames: ["web.test"], rules: [{ backendRefs }] };
  return { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", metadata: { name: "web", namespace }, spec };
}

function canary(namespace: string, spec: Readonly<Record<string, unknown>>): KubeObject {
  const query = 'avg(probe_success{namespace="{{ namespace }}", service="{{ canary }}"})';
  return {
    ...kinds.canary,
    metadata: { name: "web", namespace },
    spec: {
      targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      traffic: { settle: "200ms", drain: "1s", gatewayAPI: { routeRefs: [{ name: "web" }] } },
      ...stepsOf(...FAST_STEPS),
      analysis: { interval: "1s", checks: [{ name: "success", threshold: { query, min: 0.99, failureLimit: 0 } }] },
      ...spec,
    },
  };
}
