import type { CanaryStatus } from "../../../src/api/status.ts";
import type { Cluster, KubeObject } from "../../cluster/harness/cluster.ts";
import { waitFor } from "../../cluster/harness/polling.ts";
import { waitForAvailable, type Workload } from "../../cluster/harness/workloads.ts";
import type { Rig } from "./rig.ts";
import { followTimeline, type Timeline } from "./timeline.ts";

/** A workload as its team runs it, `web` in a namespace of its own: Deployment, Service, and a route to the Service. */
export interface Shop {
  readonly namespace: string;
  readonly timeline: Timeline;
  /** Makes the Canary. Its spec is merged over the defaults, block by block. */
  adopt(spec?: Readonly<Record<string, unknown>>): Promise<void>;
  /** What CI does: a new image, and how it behaves (the variables of app/settings.ts). */
  release(version: string, env?: Readonly<Record<string, string>>): Promise<void>;
  /** Waits until the canary's status is so. Throws with the timeline's end. */
  until(what: string, condition: (status: CanaryStatus) => boolean, timeoutMs?: number): Promise<CanaryStatus>;
  status(): Promise<CanaryStatus>;
  deployment(name: string): Promise<Workload | undefined>;
  /** Backends of the route with their weights. */
  weights(): Promise<Record<string, number>>;
  /** Deletes the Canary, and waits until it is gone. */
  abandon(): Promise<void>;
}

export interface ShopOptions {
  readonly replicas?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** The route lists the pair already, as it stands in Git; else it knows the Service only. */
  readonly paired?: boolean;
}

const HOST = "shop.example.com";

/** Returns when version 1 answers through the gateway. */
export async function openShop(rig: Rig, options: ShopOptions = {}): Promise<Shop> {
  const { cluster } = rig;
  const { replicas = 3, env = {} } = options;
  const namespace = await cluster.namespace("shop");
  const timeline = followTimeline(cluster, namespace);
  await cluster.apply([
    deployment({ namespace, replicas, env }),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace },
      spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "http" }] },
    },
    route(rig, namespace, options.paired === true),
  ]);
  await waitForAvailable(cluster, { namespace, name: "web" }, replicas);
  if (options.paired !== true) await waitFor("version 1 behind the gateway", () => answers(rig));
  return shopIn(cluster, namespace, timeline);
}

function shopIn(cluster: Cluster, namespace: string, timeline: Timeline): Shop {
  const canary = { apiVersion: "aviary.dev/v1beta1", kind: "Canary", namespace, name: "web" };
  const target = { apiVersion: "apps/v1", kind: "Deployment", namespace, name: "web" };
  const status = async (): Promise<CanaryStatus> =>
    (await cluster.get<{ status?: CanaryStatus }>(canary))?.status ?? {};
  return {
    namespace,
    timeline,
    status,
    adopt: async (spec = {}) => {
      const { apiVersion, kind, name } = canary;
      await cluster.apply({ apiVersion, kind, metadata: { name, namespace }, spec: { ...canarySpec(), ...spec } });
    },
    release: async (version, env = {}) => {
      timeline.note(`CI releases ${version} ${JSON.stringify(env)}`);
      const container = "/spec/template/spec/containers/0";
      // All of the environment: a strategic merge would keep how the version before behaved.
      const operations = [
        { op: "replace", path: `${container}/image`, value: imageOf(version) },
        { op: "add", path: `${container}/env`, value: variables(env) },
      ];
      await cluster.patch(target, operations, { type: "json" });
    },
    until: async (what, condition, timeoutMs = 180_000) => {
      try {
        return await waitFor(what, status, { until: condition, timeoutMs, intervalMs: 100 });
      } catch {
        const last = [...timeline.lines().slice(-25), JSON.stringify(await status())].join("\n");
        throw new Error(`waited ${timeoutMs} ms for ${what}:\n${last}`);
      }
    },
    deployment: (name) => cluster.get<Workload>({ ...target, name }),
    weights: async () => {
      const of = { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", namespace, name: "web" };
      const refs = (await cluster.get<Route>(of))?.spec.rules[0]?.backendRefs ?? [];
      return Object.fromEntries(refs.map(({ name, weight }) => [name, weight ?? 1]));
    },
    abandon: async () => {
      timeline.note("the Canary is deleted");
      await cluster.delete(canary);
      await waitFor("the Canary to be gone", async () => (await cluster.get(canary)) === undefined, {
        timeoutMs: 90_000,
      });
    },
  };
}

interface Route extends KubeObject {
  readonly spec: {
    readonly rules: readonly { readonly backendRefs: readonly { readonly name: string; readonly weight?: number }[] }[];
  };
}

interface DeploymentOptions {
  readonly namespace: string;
  readonly replicas: number;
  readonly env: Readonly<Record<string, string>>;
}

function deployment({ namespace, replicas, env }: DeploymentOptions): object {
  const labels = { app: "web" };
  const container = {
    name: "web",
    image: imageOf("1"),
    env: variables(env),
    ports: [{ name: "http", containerPort: 8080 }],
    readinessProbe: { httpGet: { path: "/readyz", port: "http" }, periodSeconds: 1, failureThreshold: 2 },
    // Longer than the gateway and the nodes need to hear that the pod leaves.
    lifecycle: { preStop: { sleep: { seconds: 4 } } },
  };
  const podSpec = { terminationGracePeriodSeconds: 20, containers: [container] };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace, labels },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } },
  };
}

function imageOf(version: string): string {
  return `registry.test/web:${version}`;
}

function variables(env: Readonly<Record<string, string>>): object[] {
  return Object.entries(env).map(([name, value]) => ({ name, value }));
}

function route(rig: Rig, namespace: string, paired: boolean): object {
  const backend = (name: string, weight: number): object => ({ name, port: 80, weight });
  const pair = [backend("web-primary", 100), backend("web-canary", 0)];
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "web", namespace },
    spec: {
      parentRefs: [rig.gateway.parentRef],
      hostnames: [HOST],
      rules: [{ backendRefs: paired ? pair : [{ name: "web", port: 80 }] }],
    },
  };
}

/** Times are short where production would have minutes; what is waited for is the same. */
function canarySpec(): object {
  const requests = 'envoy_cluster_upstream_rq{envoy_cluster_name="{{ namespace }}_{{ canary }}_80"';
  const errors = `sum(rate(${requests},envoy_response_code=~"5.."}[4s]))`;
  const total = `sum(rate(${requests}}[4s]))`;
  const errorRate = { query: `100 * (${errors} or 0 * ${total}) / ${total}`, max: 5, failureLimit: 1 };
  return {
    targetRef: { kind: "Deployment", name: "web" },
    traffic: { settle: "1s", drain: "3s", gatewayAPI: { routeRefs: [{ name: "web", addBackends: true }] } },
    strategy: { canary: { steps: [5, 10, 20, 30, 50].map((weight) => ({ weight, hold: "3s" })) } },
    analysis: { interval: "1s", checks: [{ name: "error-rate", threshold: errorRate }] },
  };
}

async function answers({ gateway }: Rig): Promise<boolean> {
  const { request } = await import("undici");
  const url = `http://${gateway.address}:${gateway.port}/`;
  const { statusCode, body } = await request(url, { headers: { host: HOST } });
  await body.dump();
  return statusCode === 200;
}
