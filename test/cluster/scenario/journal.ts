import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "../harness/polling.ts";
import type { Cluster, Kind, KubeObject } from "../harness/cluster.ts";

/** One version of one object, as the API server stored it. */
export interface Entry {
  /** Versions are ordered over all kinds, since they share one etcd. */
  readonly version: bigint;
  readonly deleted: boolean;
  readonly object: KubeObject;
  /** When it was seen here, in epoch milliseconds. */
  readonly at: number;
}

/** Every version of every object that matters to a canary, so that a test can say what was true at any moment. */
export interface Journal {
  latest<T = KubeObject>(kind: string, ref: { readonly namespace: string; readonly name: string }): T | undefined;
  /** Waits until everything was seen that the API server holds in a namespace now: each kind has a watch of its own. */
  caughtUp(namespace: string): Promise<void>;
  /** The entries of a namespace in the order in which the API server stored them. */
  of(namespace: string): readonly Entry[];
  stop(): Promise<void>;
}

const watched: readonly Kind[] = [
  { apiVersion: "aviary.dev/v1beta1", kind: "Canary" },
  { apiVersion: "aviary.dev/v1beta1", kind: "CanaryAction" },
  { apiVersion: "apps/v1", kind: "Deployment" },
  { apiVersion: "apps/v1", kind: "ReplicaSet" },
  { apiVersion: "v1", kind: "Service" },
  { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" },
  { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute" },
  { apiVersion: "gateway.networking.k8s.io/v1", kind: "GRPCRoute" },
  { apiVersion: "networking.k8s.io/v1", kind: "Ingress" },
];

/** Watches all namespaces, and goes on when the API server was away. */
export function startJournal(cluster: Cluster): Journal {
  const ending = new AbortController();
  const entries = new Map<string, Entry[]>();
  const latest = new Map<string, Entry>();
  const note = (entry: Entry): void => {
    const { namespace = "" } = entry.object.metadata;
    const key = keyOf(entry.object);
    // A watch that begins again repeats what is known.
    if ((latest.get(key)?.version ?? 0n) >= entry.version) return;
    latest.set(key, entry);
    const list = entries.get(namespace) ?? [];
    list.push(entry);
    entries.set(namespace, list);
  };
  const loops = watched.map((kind) => watchForEver(cluster, kind, { note, signal: ending.signal }));
  return {
    latest: <T>(kind: string, { namespace, name }: { readonly namespace: string; readonly name: string }) => {
      const entry = latest.get(`${kind}/${namespace}/${name}`);
      return entry === undefined || entry.deleted ? undefined : (entry.object as T);
    },
    caughtUp: async (namespace) => {
      await waitFor("the watches to tell what is stored", async () => {
        const lists = await Promise.all(watched.map((kind) => cluster.list({ ...kind, namespace })));
        const stored = lists.flatMap((list, index) => list.map((object) => ({ ...object, ...watched[index] })));
        return stored.every((object) => (latest.get(keyOf(object))?.version ?? 0n) >= versionOf(object));
      });
    },
    of: (namespace) =>
      [...(entries.get(namespace) ?? [])].sort((a, b) => (a.version < b.version ? -1 : a.version > b.version ? 1 : 0)),
    stop: async () => {
      ending.abort();
      await Promise.all(loops);
    },
  };
}

function keyOf({ kind, metadata: { namespace = "", name } }: KubeObject): string {
  return `${kind}/${namespace}/${name}`;
}

function versionOf({ metadata }: KubeObject): bigint {
  return BigInt(metadata.resourceVersion ?? "0");
}

interface Following {
  readonly note: (entry: Entry) => void;
  readonly signal: AbortSignal;
}

async function watchForEver(cluster: Cluster, kind: Kind, { note, signal }: Following): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const { type, object } of cluster.watch<KubeObject>({ ...kind, signal })) {
        if (type === "ERROR") break;
        note({
          version: versionOf(object),
          deleted: type === "DELETED",
          object: { ...object, ...kind },
          at: Date.now(),
        });
      }
    } catch {
      // The API server is away, or the journal ends.
    }
    await sleep(50, undefined, { signal }).catch(() => undefined);
  }
}
