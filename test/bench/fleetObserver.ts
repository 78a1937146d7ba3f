import type { Cluster, KubeObject, WatchOptions } from "../cluster/harness/cluster.ts";
import { NAMESPACE } from "./fleet.ts";

/** What was seen of one canary, with the times (epoch milliseconds) at which its watch told it. */
export interface Seen {
  phase?: string;
  weight?: number;
  /** Its weight is in effect. */
  analysing: boolean;
  /** When the canary's weight on the route rose above 0 last. */
  weightAt?: number;
  /** When it fell to 0 last. */
  zeroAt?: number;
  /** When the target's pods became available last. */
  readyAt?: number;
}

export interface FleetObserver {
  at(name: string): Seen;
  /** @throws Error that names a canary for which it does not hold within three minutes. */
  until(what: string, names: readonly string[], condition: (seen: Seen) => boolean): Promise<void>;
  stop(): void;
}

export interface Route extends KubeObject {
  readonly spec: { readonly rules: readonly { readonly backendRefs: readonly { name: string; weight: number }[] }[] };
}

interface Target extends KubeObject {
  readonly status?: { readonly availableReplicas?: number };
}

interface Watched extends KubeObject {
  readonly status?: {
    readonly phase?: string;
    readonly rollout?: { readonly effectiveSince?: string; readonly weight: number };
  };
}

/** Watches routes, targets and Canaries, and says of every new route that it is accepted, as a gateway does. */
export async function observeFleet(cluster: Cluster): Promise<FleetObserver> {
  const fleet = new Map<string, Seen>();
  const ending = new AbortController();
  const at = (name: string): Seen => {
    const seen = fleet.get(name) ?? { analysing: false };
    fleet.set(name, seen);
    return seen;
  };
  const follow = <T extends KubeObject>(apiVersion: string, kind: string, told: (object: T) => void): Promise<void> =>
    keepFollowing(cluster, { apiVersion, kind, namespace: NAMESPACE, signal: ending.signal }, told);
  void follow<Route>("gateway.networking.k8s.io/v1", "HTTPRoute", (route) => {
    noteRoute(at(route.metadata.name), route);
    void accept(cluster, route).catch(() => undefined);
  });
  void follow<Target>("apps/v1", "Deployment", (target) => {
    const seen = at(target.metadata.name);
    const available = target.status?.availableReplicas ?? 0;
    if (available === 0) delete seen.readyAt;
    else seen.readyAt ??= Date.now();
  });
  void follow<Watched>("aviary.dev/v1beta1", "Canary", ({ metadata, status }) => {
    const seen = at(metadata.name);
    if (status?.phase !== undefined) seen.phase = status.phase;
    seen.analysing = status?.rollout?.effectiveSince !== undefined && status.rollout.weight > 0;
  });
  await Promise.resolve();
  return {
    at,
    async until(what, names, condition) {
      const deadline = Date.now() + 180_000;
      for (let late = names; late.length > 0; late = late.filter((name) => !condition(at(name)))) {
        if (Date.now() > deadline)
          throw new Error(`${late[0] ?? ""} and ${late.length - 1} more: waited in vain for ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    stop: () => {
      ending.abort();
    },
  };
}

/** Tells what exists and what changes, until the signal aborts; never throws. */
export async function keepFollowing<T extends KubeObject>(
  cluster: Cluster,
  selection: WatchOptions & { readonly signal: AbortSignal },
  told: (object: T) => void,
): Promise<void> {
  while (!selection.signal.aborted) {
    // An API server ends watches when it likes; the next one begins with what exists.
    await watchOnce(cluster, selection, told).catch(() => undefined);
  }
}

async function watchOnce<T extends KubeObject>(
  cluster: Cluster,
  selection: WatchOptions,
  told: (object: T) => void,
): Promise<void> {
  for await (const { type, object } of cluster.watch<T>(selection)) {
    if (type === "ADDED" || type === "MODIFIED") told(object);
  }
}

/** Percent that a route gives to its canary. */
export function canaryWeight(route: Route): number {
  return route.spec.rules[0]?.backendRefs.find(({ name }) => name.endsWith("-canary"))?.weight ?? 0;
}

function noteRoute(seen: Seen, route: Route): void {
  const weight = canaryWeight(route);
  if (weight > 0 && (seen.weight ?? 0) === 0) seen.weightAt = Date.now();
  if (weight === 0 && (seen.weight ?? 0) > 0) seen.zeroAt = Date.now();
  seen.weight = weight;
}

const accepted = new Map<string, number>();

/** Says of a new generation of a route that it is accepted, as a gateway does. */
export async function accept(cluster: Cluster, route: Route): Promise<void> {
  const { name, namespace = NAMESPACE, generation = 0 } = route.metadata;
  const key = `${namespace}/${name}`;
  if (accepted.get(key) === generation) return;
  accepted.set(key, generation);
  const lastTransitionTime = new Date().toISOString();
  const conditions = ["Accepted", "ResolvedRefs"].map((type) => ({
    type,
    status: "True",
    reason: type,
    message: "",
    observedGeneration: generation,
    lastTransitionTime,
  }));
  const parents = [{ parentRef: { name: "gateway" }, controllerName: "example.com/bench", conditions }];
  const ref = { apiVersion: route.apiVersion, kind: route.kind, name, namespace };
  await cluster.patch(ref, { status: { parents } }, { subresource: "status" });
}
