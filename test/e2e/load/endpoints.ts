import { connect } from "../../cluster/harness/cluster.ts";
import type { KubeObject } from "../../cluster/harness/cluster.ts";
import { waitFor } from "../../cluster/harness/polling.ts";
import { keepWatching, type WatchHandler } from "../rig/keepWatching.ts";
import type { Target } from "./job.ts";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface Endpoints {
  /** One of them by chance, or undefined when there is none. */
  pick(): Endpoint | undefined;
}

interface Slice extends KubeObject {
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
  }[];
  readonly ports?: readonly { readonly port?: number }[];
}

/**
 * What kube-proxy has of a Service: the ready endpoints of all its slices, or while there is none, those that still
 * serve though they are terminating; later than the API server by the given lag. While the API server is not to be
 * reached it stays as it was. Returns when there is an endpoint.
 */
export async function followEndpoints(target: Target & { readonly kind: "service" }): Promise<Endpoints> {
  const known = new Map<string, Slice>();
  const cluster = connect(target.api);
  const { namespace, name, endpointLagMs } = target;
  const selection = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    namespace,
    labelSelector: `kubernetes.io/service-name=${name}`,
  };
  const later = (change: () => void): void => {
    if (endpointLagMs === 0) change();
    else setTimeout(change, endpointLagMs);
  };
  const handler: WatchHandler<Slice> = {
    list: (slices) => {
      later(() => {
        known.clear();
        for (const slice of slices) known.set(slice.metadata.name, slice);
      });
    },
    change: (slice) => later(() => known.set(slice.metadata.name, slice)),
    remove: (slice) => later(() => known.delete(slice.metadata.name)),
  };
  // For as long as the process lives.
  void keepWatching(cluster, selection, handler, new AbortController().signal);
  const endpoints: Endpoints = { pick: () => anyOf(usable([...known.values()])) };
  await waitFor("an endpoint", () => endpoints.pick());
  return endpoints;
}

function usable(slices: readonly Slice[]): Endpoint[] {
  const all = slices.flatMap(({ endpoints = [], ports }) =>
    endpoints.flatMap(({ addresses, conditions = {} }) =>
      addresses.map((address) => ({ address, port: ports?.[0]?.port ?? 80, ...conditions })),
    ),
  );
  const ready = all.filter((endpoint) => endpoint.ready !== false);
  return ready.length > 0 ? ready : all.filter(({ serving, terminating }) => serving === true && terminating === true);
}

function anyOf<T>(all: readonly T[]): T | undefined {
  return all[Math.floor(Math.random() * all.length)];
}
