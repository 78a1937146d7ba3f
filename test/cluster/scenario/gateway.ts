import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster, Kind, KubeObject } from "../harness/cluster.ts";

/** Says of every new generation of every HTTPRoute and GRPCRoute that it is accepted, as the controller of a real gateway does. */
export function startGateway(cluster: Cluster): { stop(): Promise<void> } {
  const ending = new AbortController();
  const running = Promise.all(routes.map((kind) => follow(cluster, kind, ending.signal)));
  return {
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}

const routes: readonly Kind[] = ["HTTPRoute", "GRPCRoute"].map((kind) => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind,
}));

async function follow(cluster: Cluster, kind: Kind, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const { type, object } of cluster.watch<Route>({ ...kind, signal })) {
        if (type === "ERROR") break;
        if ((type === "ADDED" || type === "MODIFIED") && !isAnswered(object)) await answer(cluster, kind, object);
      }
    } catch {
      // The API server is away, or the gateway ends.
    }
    await sleep(50, undefined, { signal }).catch(() => undefined);
  }
}

interface Route extends KubeObject {
  readonly spec: { readonly parentRefs?: readonly object[] };
  readonly status?: {
    readonly parents?: readonly { readonly conditions: readonly { readonly observedGeneration: number }[] }[];
  };
}

function isAnswered({ metadata, status }: Route): boolean {
  return status?.parents?.[0]?.conditions[0]?.observedGeneration === metadata.generation;
}

async function answer(cluster: Cluster, kind: Kind, { metadata, spec }: Route): Promise<void> {
  const common = {
    status: "True",
    message: "",
    observedGeneration: metadata.generation,
    lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
  };
  const conditions = [
    { ...common, type: "Accepted", reason: "Accepted" },
    { ...common, type: "ResolvedRefs", reason: "ResolvedRefs" },
  ];
  const parents = (spec.parentRefs ?? []).map((parentRef) => ({
    parentRef,
    controllerName: "example.com/gateway",
    conditions,
  }));
  const { name, namespace = "default" } = metadata;
  const ref = { ...kind, name, namespace };
  // A route that is gone, or written at this moment, comes again or needs no answer.
  await cluster.patch(ref, { status: { parents } }, { subresource: "status" }).catch(() => undefined);
}
