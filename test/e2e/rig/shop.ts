import type { CanaryStatus } from "../../../src/api/status.ts";
import type { Cluster, KubeObject } from "../../cluster/harness/cluster.ts";
import { waitFor } from "../../cluster/harness/polling.ts";
import type { Workload } from "../../cluster/harness/workloads.ts";
import * as manifests from "./manifests.ts";
import type { ShopManifests, WorkloadName } from "./manifests.ts";
import type { Rig } from "./rig.ts";
import { followTimeline, type Timeline } from "./timeline.ts";

/** A workload as its team runs it, `web` in a namespace of its own: Deployment, Service, and a route to the Service. */
export interface Shop {
  readonly namespace: string;
  readonly timeline: Timeline;
  /** What its objects are made from. */
  readonly of: ShopManifests;
  /** Makes the Canary. Its spec is merged over the defaults, block by block. */
  adopt(spec?: Readonly<Record<string, unknown>>): Promise<void>;
  /** What CI does: a new image, and how it behaves (the variables of app/settings.ts). */
  release(version: string, env?: Readonly<Record<string, string>>): Promise<void>;
  /** Writes the ConfigMap that the pods have variables from; for a shop with `config`. */
  configure(data: Readonly<Record<string, string>>): Promise<void>;
  /** What a person asks for by a CanaryAction. */
  ask(action: string): Promise<void>;
  /** Waits until the canary's status is so. Throws with the timeline's end. */
  until(what: string, condition: (status: CanaryStatus) => boolean, timeoutMs?: number): Promise<CanaryStatus>;
  status(): Promise<CanaryStatus>;
  /** The target or its primary, by name. */
  workload(name: string): Promise<Workload | undefined>;
  /** Backends of the route with their weights. */
  weights(): Promise<Record<string, number>>;
  /** Deletes the Canary, and waits until it is gone. */
  abandon(): Promise<void>;
}

export interface ShopOptions {
  /** Deployment when left out. */
  readonly kind?: WorkloadName;
  /** 3 when left out; of a DaemonSet there is one pod on the one node. */
  readonly replicas?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** The pods have these variables from a ConfigMap. */
  readonly config?: Readonly<Record<string, string>>;
  readonly host?: string;
  /** The route lists the pair already, as it stands in Git; else it knows the Service only. */
  readonly paired?: boolean;
}

/** Of the pair, when nothing is rolled out. */
export const PAIR = { "web-primary": 100, "web-canary": 0 };

/** Returns when version 1 answers through the gateway. */
export async function openShop(rig: Rig, options: ShopOptions = {}): Promise<Shop> {
  const { cluster } = rig;
  const { kind = "Deployment", replicas = 3, env = {}, config, host = "shop.example.com", paired = false } = options;
  const namespace = await cluster.namespace("shop");
  const timeline = followTimeline(cluster, namespace);
  const { parentRef } = rig.gateway;
  const of = { namespace, kind, replicas, host, parentRef, configured: config !== undefined };
  await cluster.apply([
    ...(config === undefined ? [] : [manifests.configMap(of, config)]),
    manifests.workload(of, "1", env),
    manifests.service(of),
    manifests.route(of, paired ? PAIR : { web: 1 }),
  ]);
  const shop = shopIn(cluster, of, timeline);
  await waitFor("ready pods of version 1", () => shop.workload("web"), {
    until: (web) => (web?.status?.readyReplicas ?? web?.status?.numberReady) === (kind === "DaemonSet" ? 1 : replicas),
  });
  if (!paired) await waitFor("version 1 behind the gateway", () => answers(rig.gateway, host));
  return shop;
}

function shopIn(cluster: Cluster, of: ShopManifests, timeline: Timeline): Shop {
  const { namespace, kind } = of;
  const canary = { apiVersion: "aviary.dev/v1beta1", kind: "Canary", namespace, name: "web" };
  const target = { apiVersion: "apps/v1", kind, namespace, name: "web" };
  const status = async (): Promise<CanaryStatus> =>
    (await cluster.get<{ status?: CanaryStatus }>(canary))?.status ?? {};
  return {
    namespace,
    timeline,
    of,
    status,
    adopt: async (spec = {}) => {
      const metadata = { name: "web", namespace };
      const merged = { ...manifests.canarySpec(of), ...spec };
      await cluster.apply({ apiVersion: canary.apiVersion, kind: canary.kind, metadata, spec: merged });
    },
    release: async (version, env = {}) => {
      timeline.note(`CI releases ${version} ${JSON.stringify(env)}`);
      const container = "/spec/template/spec/containers/0";
      // All of the environment: a strategic merge would keep how the version before behaved.
      const operations = [
        { op: "replace", path: `${container}/image`, value: manifests.imageOf(version) },
        { op: "add", path: `${container}/env`, value: manifests.variables(env) },
      ];
      await cluster.patch(target, operations, { type: "json" });
    },
    configure: async (data) => {
      timeline.note(`the ConfigMap says ${JSON.stringify(data)}`);
      await cluster.apply(manifests.configMap(of, data));
    },
    ask: async (action) => {
      timeline.note(`somebody asks for ${action}`);
      const metadata = { generateName: "ask-", namespace };
      const spec = { canaryRef: { name: "web" }, action, reason: "a test" };
      await cluster.create({ apiVersion: canary.apiVersion, kind: "CanaryAction", metadata, spec });
    },
    until: async (what, condition, timeoutMs = 180_000) => {
      try {
        return await waitFor(what, status, { until: condition, timeoutMs, intervalMs: 100 });
      } catch {
        const last = [...timeline.lines().slice(-25), JSON.stringify(await status())].join("\n");
        throw new Error(`waited ${timeoutMs} ms for ${what}:\n${last}`);
      }
    },
    workload: (name) => cluster.get<Workload>({ ...target, name }),
    weights: async () => {
      const ref = { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", namespace, name: "web" };
      const refs = (await cluster.get<Route>(ref))?.spec.rules[0]?.backendRefs ?? [];
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

/** Where a data plane takes requests. */
export interface Entry {
  readonly address: string;
  readonly port: number;
}

/** Whether a data plane answers requests for a host. */
export async function answers({ address, port }: Entry, host: string): Promise<boolean> {
  const { request } = await import("undici");
  const url = `http://${address}:${port}/`;
  const { statusCode, body } = await request(url, { headers: { host } });
  await body.dump();
  return statusCode === 200;
}
