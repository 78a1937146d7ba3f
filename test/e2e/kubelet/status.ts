import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "../../cluster/harness/apiClient.ts";
import type { Cluster } from "../../cluster/harness/cluster.ts";
import { NODE_ADDRESS } from "../rig/network.ts";
import type { ContainerState, Pod, PodCondition } from "./objects.ts";

/** What is to stand in a pod's status. */
export interface PodState {
  readonly phase: "Pending" | "Running" | "Succeeded" | "Failed";
  readonly ready: boolean;
  readonly state: ContainerState;
  readonly lastState?: ContainerState;
  readonly restartCount: number;
  /** Undefined until the pod has one. */
  readonly address?: string;
}

/** Writes one pod's status: always the newest, one write at a time, and again until the API server takes it. */
export interface StatusWriter {
  write(state: PodState): void;
  /** Resolves when nothing is left to write. */
  flush(): Promise<void>;
}

export function createStatusWriter(cluster: Cluster, pod: Pod): StatusWriter {
  const startTime = now();
  const conditions = createConditions();
  let wanted: object | undefined;
  let writing: Promise<void> | undefined;
  const drain = async (): Promise<void> => {
    while (wanted !== undefined) {
      const body = wanted;
      wanted = undefined;
      const written = await send(cluster, pod, body);
      if (written) continue;
      wanted ??= body;
      await sleep(100);
    }
    writing = undefined;
  };
  return {
    write: (state) => {
      wanted = statusOf(pod, state, { startTime, conditions: conditions(state) });
      writing ??= drain();
    },
    flush: async () => {
      await writing;
    },
  };
}

/** False when it is to be tried again; a pod that is gone needs no status. */
async function send(cluster: Cluster, pod: Pod, status: object): Promise<boolean> {
  const { name, namespace = "default", uid } = pod.metadata;
  const ref = { apiVersion: "v1", kind: "Pod", name, namespace };
  try {
    await cluster.patch(
      ref,
      { metadata: { uid }, status },
      {
        type: "strategic",
        subresource: "status",
        fieldManager: "kubelet",
      },
    );
    return true;
  } catch (error) {
    return error instanceof ApiError && (error.statusCode === 404 || error.statusCode === 409);
  }
}

function statusOf(pod: Pod, podState: PodState, more: { startTime: string; conditions: PodCondition[] }): object {
  const { phase, ready, state, lastState, restartCount, address } = podState;
  const [first, ...others] = pod.spec.containers;
  const started = "running" in state;
  // The patch merges maps, and only one of the three may stand there.
  const only = { waiting: null, running: null, terminated: null, ...state };
  const last = lastState === undefined ? {} : { lastState };
  const common = { imageID: "", restartCount, ready, started, state: only, ...last };
  return {
    phase,
    hostIP: NODE_ADDRESS,
    ...(address === undefined ? {} : { podIP: address, podIPs: [{ ip: address }] }),
    ...more,
    // Sidecars have no process here; they are as the first container is.
    containerStatuses: [first, ...others].map(({ name, image }) => ({ name, image, ...common })),
  };
}

function createConditions(): (state: PodState) => PodCondition[] {
  const known = new Map<string, PodCondition>();
  return ({ ready, phase, state }) => {
    const trouble = { reason: "ContainersNotReady", message: `${phase}: ${Object.keys(state)[0] ?? ""}` };
    const conditions = ["Initialized", "PodReadyToStartContainers", "ContainersReady", "Ready"].map((type) => {
      const good = ready || type === "Initialized" || (type === "PodReadyToStartContainers" && phase !== "Pending");
      const status = good ? "True" : "False";
      const before = known.get(type);
      const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now()) : now();
      const condition = { type, status, lastTransitionTime, ...(good ? { reason: null, message: null } : trouble) };
      known.set(type, condition as PodCondition);
      return condition as PodCondition;
    });
    return conditions;
  };
}

export function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, "Z");
}
