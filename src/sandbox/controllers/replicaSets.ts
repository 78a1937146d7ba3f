import { isDeepStrictEqual } from "node:util";
import { isTerminating, type Pod } from "../../kube/objects.ts";
import { keyOf } from "../../kube/informer.ts";
import { kinds } from "../../kube/kinds.ts";
import { sandboxKinds, type ReplicaSet, type ReplicaSetStatus } from "../kinds.ts";
import { nameSuffix } from "../random.ts";
import type { Controller, ControllerContext } from "./controller.ts";
import { countPods, isOver, isReady } from "./countPods.ts";
import { createLoop } from "./loop.ts";
import { ownedBy, ownerKey } from "./owners.ts";
import { podFrom } from "./podFrom.ts";
import { NODE_NAME } from "./podStatus.ts";
import { sizeOf } from "./rollout.ts";
import { createView, type View } from "./view.ts";

/** Keeps as many pods as each ReplicaSet says, and counts them. */
export function startReplicaSets(context: ControllerContext): Controller {
  const sets = createView<ReplicaSet>(sandboxKinds.replicaSet, context);
  const pods = createView<Pod>(kinds.pod, context);
  const reconcile = async (key: string): Promise<number | undefined> => {
    const set = sets.get(key);
    if (set === undefined) return undefined;
    if (!isTerminating(set)) await resize(set, pods, context);
    const { status, recheckInMs } = replicaSetStatus(set, podsOf(set, pods), context.clock.now());
    if (!isDeepStrictEqual(set.status, status)) await sets.patch(set, { status }, "status");
    return recheckInMs;
  };
  const loop = createLoop({ ...context, name: "replicaset", reconcile });
  sets.onChange(({ before, after }) => {
    const object = after ?? before;
    if (object !== undefined) loop.add(keyOf(object));
  });
  pods.onChange(({ before, after }) => {
    const owner = ownerKey(after ?? before, "ReplicaSet");
    if (owner !== undefined) loop.add(owner);
  });
  return loop;
}

/** Pods that count: those on their way out are left out. */
function podsOf(set: ReplicaSet, pods: View<Pod>): readonly Pod[] {
  return pods.list(set.metadata.namespace).filter((pod) => ownedBy(pod, set) && !isTerminating(pod) && !isOver(pod));
}

async function resize(set: ReplicaSet, view: View<Pod>, context: ControllerContext): Promise<void> {
  const pods = podsOf(set, view);
  const missing = sizeOf(set) - pods.length;
  for (let made = 0; made < missing; made++) await view.create(newPod(set, context));
  for (const pod of leavingFirst(pods).slice(0, Math.max(0, -missing))) await view.remove(pod);
}

/** Pods that are not ready go first, then the younger ones. */
function leavingFirst(pods: readonly Pod[]): readonly Pod[] {
  return pods.toSorted(
    (a, b) =>
      Number(isReady(a)) - Number(isReady(b)) ||
      (b.metadata.creationTimestamp ?? "").localeCompare(a.metadata.creationTimestamp ?? ""),
  );
}

function newPod(set: ReplicaSet, { random }: ControllerContext): Pod {
  const name = `${set.metadata.name}-${nameSuffix(random)}`;
  return podFrom(set, { name, template: set.spec.template, spec: { nodeName: NODE_NAME } });
}

/** Counts, and in how many milliseconds the next pod will have been ready for `minReadySeconds`. Pure. */
export function replicaSetStatus(
  set: ReplicaSet,
  pods: readonly Pod[],
  nowMs: number,
): { status: ReplicaSetStatus; recheckInMs: number | undefined } {
  const { ready, available, recheckInMs } = countPods(pods, set.spec.minReadySeconds, nowMs);
  const { generation } = set.metadata;
  return {
    status: {
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      replicas: pods.length,
      fullyLabeledReplicas: pods.length,
      readyReplicas: ready.length,
      availableReplicas: available.length,
      ...(set.status?.conditions === undefined ? {} : { conditions: set.status.conditions }),
    },
    recheckInMs,
  };
}
