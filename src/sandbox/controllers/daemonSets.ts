import { isDeepStrictEqual } from "node:util";
import { isTerminating, type DaemonSet, type DaemonSetStatus, type Pod } from "../../kube/objects.ts";
import { keyOf } from "../../kube/informer.ts";
import { kinds } from "../../kube/kinds.ts";
import { matchesLabels } from "../../kube/labelSelector.ts";
import type { KubeObject } from "../../kube/port.ts";
import { sandboxKinds } from "../kinds.ts";
import { nameSuffix } from "../random.ts";
import type { Controller, ControllerContext } from "./controller.ts";
import { countPods, isOver, isReady } from "./countPods.ts";
import { templateHash } from "./deployments.ts";
import { createLoop } from "./loop.ts";
import { ownedBy, ownerKey } from "./owners.ts";
import { podFrom } from "./podFrom.ts";
import { NODE_NAME } from "./podStatus.ts";
import { resolvePods } from "./rollout.ts";
import { createView, type View } from "./view.ts";

const HASH_LABEL = "controller-revision-hash";

/** Labels of the one node where the API knows none. */
const SANDBOX_NODE = { "kubernetes.io/hostname": NODE_NAME, "kubernetes.io/os": "linux" };

/** The pods of a DaemonSet on one node. */
interface NodePods {
  readonly node: string;
  readonly wanted: boolean;
  /** Those on their way out included. */
  readonly all: readonly Pod[];
  readonly old: readonly Pod[];
  readonly current: readonly Pod[];
}

interface Look {
  readonly set: DaemonSet;
  readonly nodes: readonly NodePods[];
  readonly available: ReadonlySet<Pod>;
  readonly recheckInMs: number | undefined;
}

/**
 * Keeps a pod on every node that a DaemonSet's node selector takes: rolling update with surge or without, OnDelete,
 * status. Where the API knows no Node, there is the one of the sandbox.
 */
export function startDaemonSets(context: ControllerContext): Controller {
  const sets = createView<DaemonSet>(kinds.daemonSet, context);
  const pods = createView<Pod>(kinds.pod, context);
  const nodes = createView<KubeObject>(sandboxKinds.node, context);
  const look = (set: DaemonSet): Look => lookAt(set, { pods, nodes, nowMs: context.clock.now() });
  const reconcile = async (key: string): Promise<number | undefined> => {
    const set = sets.get(key);
    if (set === undefined) return undefined;
    if (!isTerminating(set)) {
      await place(look(set), pods, context);
      if (set.spec.updateStrategy?.type !== "OnDelete") await update(look(set), pods, context);
    }
    const seen = look(set);
    const status = statusOf(seen);
    if (!isDeepStrictEqual(set.status, status)) await sets.patch(set, { status }, "status");
    return seen.recheckInMs;
  };
  const loop = createLoop({ ...context, name: "daemonset", reconcile });
  sets.onChange(({ before, after }) => {
    const object = after ?? before;
    if (object !== undefined) loop.add(keyOf(object));
  });
  pods.onChange(({ before, after }) => {
    const owner = ownerKey(after ?? before, "DaemonSet");
    if (owner !== undefined) loop.add(owner);
  });
  nodes.onChange(() => {
    for (const set of sets.list()) loop.add(keyOf(set));
  });
  return loop;
}

interface Around {
  readonly pods: View<Pod>;
  readonly nodes: View<KubeObject>;
  readonly nowMs: number;
}

function lookAt(set: DaemonSet, { pods, nodes, nowMs }: Around): Look {
  const hash = templateHash(set.spec.template);
  const owned = pods.list(set.metadata.namespace).filter((pod) => ownedBy(pod, set) && !isOver(pod));
  const selector = set.spec.template.spec["nodeSelector"] as Readonly<Record<string, string>> | undefined;
  const labelsOf = new Map(nodes.list().map(({ metadata }) => [metadata.name, metadata.labels]));
  if (labelsOf.size === 0) labelsOf.set(NODE_NAME, SANDBOX_NODE);
  const names = new Set([...labelsOf.keys(), ...owned.map(({ spec }) => spec.nodeName ?? NODE_NAME)]);
  const { available, recheckInMs } = countPods(owned, set.spec.minReadySeconds, nowMs);
  return {
    set,
    available: new Set(available),
    recheckInMs,
    nodes: [...names].toSorted().map((node) => {
      const all = owned.filter(({ spec }) => (spec.nodeName ?? NODE_NAME) === node);
      const staying = all.filter((pod) => !isTerminating(pod));
      const isCurrent = (pod: Pod): boolean => pod.metadata.labels?.[HASH_LABEL] === hash;
      return {
        node,
        wanted: labelsOf.has(node) && matchesLabels(selector, labelsOf.get(node)),
        all,
        old: staying.filter((pod) => !isCurrent(pod)),
        current: staying.filter(isCurrent),
      };
    }),
  };
}

/** A pod where there is none and one is wanted, none where none is: whatever the strategy. */
async function place({ set, nodes }: Look, pods: View<Pod>, context: ControllerContext): Promise<void> {
  for (const { node, wanted, all, old, current } of nodes) {
    if (wanted && all.length === 0) await pods.create(newPod(set, node, context));
    if (!wanted) for (const pod of [...old, ...current]) await pods.remove(pod);
  }
}

/** One moment of a rolling update: with surge the new pod comes first, without it the old pod goes first. */
async function update({ set, nodes, available }: Look, pods: View<Pod>, context: ControllerContext): Promise<void> {
  const wanted = nodes.filter((node) => node.wanted);
  const { maxSurge = 0, maxUnavailable = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {};
  const surge = resolvePods(maxSurge, wanted.length, Math.ceil);
  const outdated = wanted.filter(({ old }) => old.length > 0);
  if (surge === 0) {
    const down = wanted.filter(({ old, current }) => ![...old, ...current].some((pod) => available.has(pod))).length;
    let left = Math.max(1, resolvePods(maxUnavailable, wanted.length, Math.ceil)) - down;
    for (const { old } of outdated) {
      const gone = !old.some((pod) => available.has(pod));
      if (!gone && left-- <= 0) continue;
      for (const pod of old) await pods.remove(pod);
    }
    return;
  }
  let room = surge - outdated.filter(({ current }) => current.length > 0).length;
  for (const { node, old, current } of outdated) {
    const replaced = current.some((pod) => available.has(pod));
    if (replaced) for (const pod of old) await pods.remove(pod);
    if (current.length === 0 && room-- > 0) await pods.create(newPod(set, node, context));
  }
}

function newPod(set: DaemonSet, node: string, { random }: ControllerContext): Pod {
  const { template } = set.spec;
  const name = `${set.metadata.name}-${nameSuffix(random)}`;
  return podFrom(set, { name, template, labels: { [HASH_LABEL]: templateHash(template) }, spec: { nodeName: node } });
}

function statusOf({ set, nodes, available }: Look): DaemonSetStatus {
  const wanted = nodes.filter((node) => node.wanted);
  const count = (having: (node: NodePods) => boolean): number => wanted.filter(having).length;
  const isReadyOn = ({ old, current }: NodePods): boolean => [...old, ...current].some(isReady);
  const isAvailableOn = ({ old, current }: NodePods): boolean => [...old, ...current].some((pod) => available.has(pod));
  const { generation } = set.metadata;
  const numberAvailable = count(isAvailableOn);
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    desiredNumberScheduled: wanted.length,
    currentNumberScheduled: count(({ old, current }) => old.length + current.length > 0),
    numberMisscheduled: nodes.filter((node) => !node.wanted && node.all.length > 0).length,
    numberReady: count(isReadyOn),
    updatedNumberScheduled: count(({ current }) => current.length > 0),
    numberAvailable,
    numberUnavailable: wanted.length - numberAvailable,
  };
}
