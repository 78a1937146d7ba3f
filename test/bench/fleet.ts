import type { Cluster } from "../cluster/harness/cluster.ts";
import { deployment } from "../cluster/harness/workloads.ts";

export const NAMESPACE = "bench";

/** Names of the first `size` canaries, which are those of their targets and routes. */
export function canariesIn(size: number): readonly string[] {
  return Array.from({ length: size }, (_, index) => `bench-${index}`);
}

/** Makes targets, Services, routes and Canaries with the numbers `from` up to `to`. */
export async function createCanaries(
  cluster: Cluster,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  const names = canariesIn(to).slice(from);
  await inParallel(names, 8, async (name) => {
    await cluster.create(deployment({ name, namespace: NAMESPACE }));
    await cluster.create(serviceOf(name));
    await cluster.create(routeOf(name));
    await cluster.create(canaryOf(name));
  });
}

/** Changes every template, as many at a time as a connection pool allows; when each change was sent. */
export async function release(
  cluster: Cluster,
  names: readonly string[],
  version: string,
): Promise<ReadonlyMap<string, number>> {
  const sent = new Map<string, number>();
  await inParallel(names, 32, async (name) => {
    sent.set(name, Date.now());
    const containers = [{ name: "main", image: `registry.test/web:${version}` }];
    const ref = { apiVersion: "apps/v1", kind: "Deployment", name, namespace: NAMESPACE };
    await cluster.patch(ref, { spec: { template: { spec: { containers } } } }, { type: "strategic" });
  });
  return sent;
}

const REST_MS = 10_000;

/** Until the control plane is done with what a fleet leaves behind when it is made (events, caches of the API server). */
export function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, REST_MS));
}

export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = [...items];
  const worker = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

export function serviceOf(name: string, namespace = NAMESPACE) {
  const spec = { selector: { app: name }, ports: [{ name: "http", port: 80, targetPort: 8080 }] };
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace }, spec };
}

export function routeOf(name: string, namespace = NAMESPACE) {
  const backendRefs = [
    { name: `${name}-primary`, port: 80, weight: 100 },
    { name: `${name}-canary`, port: 80, weight: 0 },
  ];
  const spec = { parentRefs: [{ name: "gateway" }], hostnames: [`${name}.test`], rules: [{ backendRefs }] };
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name, namespace },
    spec,
  };
}

export function canaryOf(name: string, namespace = NAMESPACE) {
  const check = { name: "success", threshold: { query: `success_${name}`, min: 0.99, failureLimit: 0 } };
  const spec = {
    targetRef: { kind: "Deployment", name },
    traffic: { settle: "0s", drain: "1s", gatewayAPI: { routeRefs: [{ name }] } },
    strategy: { canary: { steps: [{ weight: 20, hold: "10m" }] } },
    analysis: { interval: "10s", checks: [check] },
  };
  return { apiVersion: "aviary.dev/v1beta1", kind: "Canary", metadata: { name, namespace }, spec };
}
