import { conditionOf, type Condition, type ContainerState, type Pod } from "../../kube/objects.ts";
import { kubeTime } from "../kinds.ts";

/** Name of the one node. */
export const NODE_NAME = "sandbox";

type PodStatus = NonNullable<Pod["status"]>;

/** What became of a pod's containers. All of them share one fate: the sandbox runs a pod as one server. */
export type PodFate =
  | { readonly type: "waiting"; readonly reason: string; readonly message?: string }
  | { readonly type: "crashing"; readonly restarts: number }
  | { readonly type: "ended"; readonly exitCode: number }
  | { readonly type: "running"; readonly ip: string; readonly ready: boolean };

const state = (fate: PodFate, now: string): { state: ContainerState; lastState?: ContainerState } => {
  switch (fate.type) {
    case "waiting":
      return {
        state: {
          waiting: { reason: fate.reason, ...(fate.message === undefined ? {} : { message: fate.message }) },
        },
      };
    case "ended": {
      const reason = fate.exitCode === 0 ? "Completed" : "Error";
      return { state: { terminated: { exitCode: fate.exitCode, reason, finishedAt: now } } };
    }
    case "crashing":
      return {
        state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s restarting failed container" } },
        lastState: { terminated: { exitCode: 1, reason: "Error", finishedAt: now } },
      };
    case "running":
      return { state: { running: { startedAt: now } } };
  }
};

function phaseOf(fate: PodFate): NonNullable<PodStatus["phase"]> {
  if (fate.type === "ended") return fate.exitCode === 0 ? "Succeeded" : "Failed";
  return fate.type === "waiting" ? "Pending" : "Running";
}

/** The status that a kubelet would write for a pod with this fate. Pure. */
export function podStatus(pod: Pod, fate: PodFate, nowMs: number): PodStatus {
  const now = kubeTime(nowMs);
  const ready = fate.type === "running" && fate.ready;
  const condition = (type: string, holds: boolean): Condition => {
    const status = holds ? "True" : "False";
    const before = conditionOf(pod.status?.conditions, type);
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now;
    const why = holds ? {} : { reason: "ContainersNotReady", message: "containers with unready status" };
    return { type, status, lastTransitionTime, ...why };
  };
  return {
    phase: phaseOf(fate),
    startTime: pod.status?.startTime ?? now,
    ...(fate.type === "running" ? { podIP: fate.ip, podIPs: [{ ip: fate.ip }], hostIP: "127.0.0.1" } : {}),
    conditions: [
      condition("PodScheduled", true),
      condition("Initialized", true),
      condition("ContainersReady", ready),
      condition("Ready", ready),
    ],
    containerStatuses: pod.spec.containers.map((container) => ({
      name: container.name,
      image: container.image ?? "",
      imageID: "",
      ready,
      started: fate.type === "running",
      restartCount: Math.max(restartsOf(pod, container.name), fate.type === "crashing" ? fate.restarts : 0),
      ...state(fate, now),
    })),
  };
}

function restartsOf({ status }: Pod, container: string): number {
  return status?.containerStatuses?.find(({ name }) => name === container)?.restartCount ?? 0;
}
