import { isDeepStrictEqual } from "node:util";
import { isTerminating, type Pod } from "../../kube/objects.ts";
import { keyOf } from "../../kube/informer.ts";
import { kinds } from "../../kube/kinds.ts";
import { behaviourOf, type PodBehaviour } from "../runtime/behaviour.ts";
import type { PodRuntime, RunningPod } from "../runtime/podRuntime.ts";
import type { Controller, ControllerContext } from "./controller.ts";
import { createLoop } from "./loop.ts";
import { podStatus, type PodFate } from "./podStatus.ts";
import { createView, type View } from "./view.ts";

/** What the kubelet remembers of one pod. Times are milliseconds since the epoch. */
interface PodRecord {
  readonly key: string;
  readonly behaviour: PodBehaviour;
  readonly startAtMs: number;
  running?: RunningPod;
  /** When the pod was seen to be deleted. */
  leavingSinceMs?: number;
}

/** Removes a pod's object for good: a deletion with a grace period of 0 seconds. */
export type RemovePod = (pod: Pod) => Promise<void>;

/** What is wrong with a pod now, and in how many milliseconds that changes. */
export interface PodTrouble {
  readonly is?: "CrashLooping" | "Unready";
  readonly changesInMs?: number;
}

export interface PodsOptions extends ControllerContext {
  readonly runtime: PodRuntime;
  /** What befalls pods, beside what their environment says; for simulation. */
  readonly trouble?: (pod: Pod) => PodTrouble;
  readonly removePod: RemovePod;
}

interface Kubelet {
  readonly context: PodsOptions;
  readonly pods: View<Pod>;
  readonly records: Map<string, PodRecord>;
}

/** Nobody connects to a task. */
const TASK_IP = "127.0.0.1";
const DEFAULT_GRACE_SECONDS = 30;

/** Runs pods: starts their servers, reports their state, and ends them gracefully. The sandbox's one node. */
export function startPods(context: PodsOptions): Controller {
  const pods = createView<Pod>(kinds.pod, context);
  const kubelet: Kubelet = { context, pods, records: new Map() };
  const reconcile = async (key: string): Promise<number | undefined> => {
    const pod = pods.get(key);
    await forgetOthers(kubelet, key, pod?.metadata.uid);
    if (pod?.metadata.uid === undefined) return undefined;
    return isTerminating(pod) ? endPod(kubelet, pod, pod.metadata.uid) : runPod(kubelet, pod, pod.metadata.uid);
  };
  const loop = createLoop({ ...context, name: "pod", reconcile });
  pods.onChange(({ before, after }) => {
    const object = after ?? before;
    if (object !== undefined) loop.add(keyOf(object));
  });
  return loop;
}

/** Ends what ran under this name before: pods that were removed without a grace period. */
async function forgetOthers({ records }: Kubelet, key: string, uid: string | undefined): Promise<void> {
  for (const [known, record] of records) {
    if (record.key !== key || known === uid) continue;
    records.delete(known);
    await record.running?.stop(0);
  }
}

async function runPod(kubelet: Kubelet, pod: Pod, uid: string): Promise<number | undefined> {
  const nowMs = kubelet.context.clock.now();
  const record = kubelet.records.get(uid) ?? newRecord(pod, nowMs);
  kubelet.records.set(uid, record);
  const { behaviour } = record;
  if (behaviour.imageMissing) {
    const message = `Back-off pulling image "${pod.spec.containers.find(({ image }) => image?.includes("missing"))?.image ?? ""}"`;
    return say(kubelet, pod, { type: "waiting", reason: "ImagePullBackOff", message });
  }
  const { is: trouble, changesInMs } = kubelet.context.trouble?.(pod) ?? {};
  if (behaviour.crash || trouble === "CrashLooping") {
    await say(kubelet, pod, { type: "crashing", restarts: 3 });
    return changesInMs;
  }
  if (record.running === undefined && nowMs < record.startAtMs) {
    await say(kubelet, pod, { type: "waiting", reason: "ContainerCreating" });
    return record.startAtMs - nowMs;
  }
  const { exit } = behaviour;
  if (exit !== undefined) {
    const leftMs = record.startAtMs + exit.afterMs - nowMs;
    if (leftMs <= 0) return say(kubelet, pod, { type: "ended", exitCode: exit.code });
    await say(kubelet, pod, { type: "running", ip: TASK_IP, ready: true });
    return leftMs;
  }
  record.running ??= await kubelet.context.runtime.start(pod, behaviour);
  const ready = behaviour.ready && trouble !== "Unready";
  await say(kubelet, pod, { type: "running", ip: record.running.ip, ready });
  return changesInMs;
}

function newRecord(pod: Pod, nowMs: number): PodRecord {
  const behaviour = behaviourOf(pod);
  return { key: keyOf(pod), behaviour, startAtMs: nowMs + behaviour.startDelayMs };
}

async function say(kubelet: Kubelet, pod: Pod, fate: PodFate): Promise<undefined> {
  // A pod that already said so keeps its times.
  if (saysSo(pod, fate)) return undefined;
  const status = podStatus(pod, fate, kubelet.context.clock.now());
  if (!isDeepStrictEqual(pod.status, status)) await kubelet.pods.patch(pod, { status }, "status");
  return undefined;
}

function saysSo({ status }: Pod, fate: PodFate): boolean {
  const [container] = status?.containerStatuses ?? [];
  switch (fate.type) {
    case "waiting":
      return container?.state?.waiting?.reason === fate.reason;
    case "ended":
      return container?.state?.terminated !== undefined;
    case "crashing":
      return container?.state?.waiting?.reason === "CrashLoopBackOff";
    case "running":
      return status?.podIP === fate.ip && container?.ready === fate.ready;
  }
}

/** Goes on serving for the shutdown delay, then finishes what is in flight, then lets the object go. */
async function endPod({ records, context }: Kubelet, pod: Pod, uid: string): Promise<number | undefined> {
  const record = records.get(uid);
  if (record?.running !== undefined) {
    const nowMs = context.clock.now();
    record.leavingSinceMs ??= nowMs;
    const graceMs = (pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS) * 1_000;
    const delayMs = Math.min(record.behaviour.shutdownDelayMs, graceMs);
    const waitMs = record.leavingSinceMs + delayMs - nowMs;
    if (waitMs > 0) return waitMs;
    await record.running.stop(graceMs - delayMs);
  }
  records.delete(uid);
  await context.removePod(pod);
  return undefined;
}
