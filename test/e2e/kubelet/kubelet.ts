import type { Cluster } from "../../cluster/harness/cluster.ts";
import { keepWatching, type WatchHandler } from "../rig/keepWatching.ts";
import { NODE_ADDRESS } from "../rig/network.ts";
import { createAddresses } from "./addresses.ts";
import type { Pod } from "./objects.ts";
import { type PodRun, runPod } from "./podRun.ts";
import { sleepUnlessAborted } from "./probe.ts";

/** One node. Every pod bound to it becomes a process with an address of its own. */
export interface Kubelet {
  /** Pods whose process runs now. */
  running(): readonly PodRun[];
  stop(): Promise<void>;
}

export interface KubeletOptions {
  readonly cluster: Cluster;
  readonly nodeName: string;
  /** For the pods' logs. */
  readonly folder: string;
  /** Pods of these namespaces are left alone. */
  readonly ignoredNamespaces?: readonly string[];
  /** A process has started or ended; these run now. */
  readonly onChange?: (running: readonly PodRun[]) => void;
}

const HEARTBEAT_MS = 10_000;

/** Returns when the Node is Ready. */
export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const { cluster, nodeName } = options;
  const stopping = new AbortController();
  const runs = new Map<string, PodRun>();
  await cluster.apply({ apiVersion: "v1", kind: "Node", metadata: { name: nodeName, labels: labelsOf(nodeName) } });
  await beat(cluster, nodeName);
  const loops = [
    keepBeating(cluster, nodeName, stopping.signal),
    follow({ options, runs, addresses: createAddresses() }, stopping.signal),
  ];
  return {
    running: () => runningOf(runs),
    stop: async () => {
      stopping.abort();
      for (const run of runs.values()) run.vanish();
      await Promise.all([...loops, ...[...runs.values()].map(({ done }) => done)]);
    },
  };
}

function runningOf(runs: ReadonlyMap<string, PodRun>): PodRun[] {
  return [...runs.values()].filter((run) => run.running());
}

function labelsOf(name: string): Record<string, string> {
  return { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" };
}

async function keepBeating(cluster: Cluster, nodeName: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleepUnlessAborted(HEARTBEAT_MS, signal);
    if (!signal.aborted) await beat(cluster, nodeName).catch(() => undefined);
  }
}

async function beat(cluster: Cluster, nodeName: string): Promise<void> {
  const capacity = { cpu: "100", memory: "1000Gi", pods: "1000", "ephemeral-storage": "1000Gi" };
  const lastHeartbeatTime = new Date().toISOString();
  const condition = { type: "Ready", status: "True", reason: "KubeletReady", message: "", lastHeartbeatTime };
  const status = {
    capacity,
    allocatable: capacity,
    conditions: [condition],
    addresses: [{ type: "InternalIP", address: NODE_ADDRESS }],
  };
  const ref = { apiVersion: "v1", kind: "Node", name: nodeName };
  await cluster.patch(ref, { status }, { type: "strategic", subresource: "status", fieldManager: "kubelet" });
}

interface Node {
  readonly options: KubeletOptions;
  readonly runs: Map<string, PodRun>;
  readonly addresses: ReturnType<typeof createAddresses>;
}

function follow(node: Node, signal: AbortSignal): Promise<void> {
  const { cluster, nodeName } = node.options;
  const mine = { apiVersion: "v1", kind: "Pod", fieldSelector: `spec.nodeName=${nodeName}` };
  const vanish = (uid: string | undefined): void => node.runs.get(uid ?? "")?.vanish();
  const handler: WatchHandler<Pod> = {
    list: (pods) => {
      const there = new Set(pods.map(({ metadata }) => metadata.uid));
      for (const uid of node.runs.keys()) if (!there.has(uid)) vanish(uid);
    },
    change: (pod) => see(node, pod),
    remove: ({ metadata }) => vanish(metadata.uid),
  };
  return keepWatching(cluster, mine, handler, signal);
}

function see({ options, runs, addresses }: Node, pod: Pod): void {
  const { uid = "", namespace = "default", deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  if (options.ignoredNamespaces?.includes(namespace) === true) return;
  let run = runs.get(uid);
  if (run === undefined) {
    const address = addresses.take();
    const { cluster, folder } = options;
    const onChange = (): void => options.onChange?.(runningOf(runs));
    run = runPod({ pod, address, cluster, folder, onChange });
    runs.set(uid, run);
    void run.done.finally(() => {
      runs.delete(uid);
      addresses.giveBack(address);
      onChange();
    });
  }
  if (deletionTimestamp !== undefined) run.terminate(Number(deletionGracePeriodSeconds ?? 30));
}
