import { isDeepStrictEqual } from "node:util";
import {
  isTerminating,
  type Pod,
  type PodTemplateSpec,
  type StatefulSet,
  type StatefulSetStatus,
} from "../../kube/objects.ts";
import { keyOf } from "../../kube/informer.ts";
import { kinds } from "../../kube/kinds.ts";
import { sandboxKinds, type ControllerRevision } from "../kinds.ts";
import type { Controller, ControllerContext } from "./controller.ts";
import { countPods, isOver, isReady } from "./countPods.ts";
import { templateHash } from "./deployments.ts";
import { createLoop } from "./loop.ts";
import { ownedBy, ownerKey, ownerReference } from "./owners.ts";
import { podFrom } from "./podFrom.ts";
import { NODE_NAME } from "./podStatus.ts";
import { createView, type View } from "./view.ts";

const HASH_LABEL = "controller-revision-hash";

interface Views {
  readonly sets: View<StatefulSet>;
  readonly pods: View<Pod>;
  readonly revisions: View<ControllerRevision>;
}

/**
 * Keeps the numbered pods of StatefulSets: in order or in parallel, rolling update down to a partition, OnDelete,
 * status. Volume claims are not made: pods of the sandbox have no storage.
 */
export function startStatefulSets(context: ControllerContext): Controller {
  const views: Views = {
    sets: createView<StatefulSet>(kinds.statefulSet, context),
    pods: createView<Pod>(kinds.pod, context),
    revisions: createView<ControllerRevision>(sandboxKinds.controllerRevision, context),
  };
  const reconcile = async (key: string): Promise<number | undefined> => {
    const set = views.sets.get(key);
    if (set === undefined) return undefined;
    if (!isTerminating(set)) {
      await rememberTemplate(set, views.revisions);
      await move(set, views);
    }
    const { status, recheckInMs } = statefulSetStatus(set, podsOf(set, views.pods), context.clock.now());
    if (!isDeepStrictEqual(set.status, status)) await views.sets.patch(set, { status }, "status");
    return recheckInMs;
  };
  const loop = createLoop({ ...context, name: "statefulset", reconcile });
  views.sets.onChange(({ before, after }) => {
    const object = after ?? before;
    if (object !== undefined) loop.add(keyOf(object));
  });
  views.pods.onChange(({ before, after }) => {
    const owner = ownerKey(after ?? before, "StatefulSet");
    if (owner !== undefined) loop.add(owner);
  });
  return loop;
}

function revisionName({ metadata, spec }: StatefulSet): string {
  return `${metadata.name}-${templateHash(spec.template)}`;
}

async function rememberTemplate(set: StatefulSet, view: View<ControllerRevision>): Promise<void> {
  const name = revisionName(set);
  const { namespace } = set.metadata;
  const own = view.list(namespace).filter((revision) => ownedBy(revision, set));
  if (own.some(({ metadata }) => metadata.name === name)) return;
  await view.create({
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), ownerReferences: [ownerReference(set)] },
    revision: Math.max(0, ...own.map(({ revision }) => revision)) + 1,
    data: { template: set.spec.template },
  });
  const used = [name, set.status?.currentRevision];
  const unused = own
    .filter(({ metadata }) => !used.includes(metadata.name))
    .toSorted((a, b) => a.revision - b.revision);
  const surplus = unused.length - (set.spec.revisionHistoryLimit ?? 10);
  for (const revision of unused.slice(0, Math.max(0, surplus))) await view.remove(revision);
}

/** Those on their way out included. */
function podsOf(set: StatefulSet, pods: View<Pod>): readonly Pod[] {
  return pods.list(set.metadata.namespace).filter((pod) => ownedBy(pod, set));
}

const ordinalOf = ({ metadata }: Pod): number => Number(/-(\d+)$/.exec(metadata.name)?.[1] ?? -1);

const revisionOf = ({ metadata }: Pod): string | undefined => metadata.labels?.[HASH_LABEL];

const partitionOf = ({ spec }: StatefulSet): number => spec.updateStrategy?.rollingUpdate?.partition ?? 0;

/** One moment towards the spec; in order, no pod is touched while the one before it is not ready. */
async function move(set: StatefulSet, views: Views): Promise<void> {
  const start = set.spec.ordinals?.start ?? 0;
  const end = start + (set.spec.replicas ?? 1);
  const inOrder = set.spec.podManagementPolicy !== "Parallel";
  const pods = new Map(podsOf(set, views.pods).map((pod) => [ordinalOf(pod), pod]));
  for (let ordinal = start; ordinal < end; ordinal++) {
    const pod = pods.get(ordinal);
    if (pod === undefined) await views.pods.create(newPod(set, ordinal, views));
    else if (isOver(pod) && !isTerminating(pod)) await views.pods.remove(pod);
    if (inOrder && (pod === undefined || isTerminating(pod) || !isReady(pod))) return;
  }
  const condemned = [...pods.values()].filter((pod) => ordinalOf(pod) < start || ordinalOf(pod) >= end);
  if (await shrink(condemned, inOrder, views)) return;
  if (set.spec.updateStrategy?.type === "OnDelete") return;
  for (let ordinal = end - 1; ordinal >= start + partitionOf(set); ordinal--) {
    const pod = pods.get(ordinal);
    if (pod === undefined) return;
    if (revisionOf(pod) !== revisionName(set) && !isTerminating(pod)) {
      await views.pods.remove(pod);
      return;
    }
    if (isTerminating(pod) || !isReady(pod)) return;
  }
}

/** Takes surplus pods away, the last first; answers whether the others have to wait for it. */
async function shrink(condemned: readonly Pod[], inOrder: boolean, { pods }: Views): Promise<boolean> {
  for (const pod of condemned.toSorted((a, b) => ordinalOf(b) - ordinalOf(a))) {
    if (!isTerminating(pod)) await pods.remove(pod);
    if (inOrder) return true;
  }
  return false;
}

function newPod(set: StatefulSet, ordinal: number, { revisions }: Views): Pod {
  const { name, namespace } = set.metadata;
  const start = set.spec.ordinals?.start ?? 0;
  const kept = set.spec.updateStrategy?.type !== "OnDelete" && ordinal < start + partitionOf(set);
  const revision = kept ? (set.status?.currentRevision ?? revisionName(set)) : revisionName(set);
  const held = revisions.get(`${namespace ?? ""}/${revision}`)?.data.template;
  const template: PodTemplateSpec = held ?? set.spec.template;
  const pod = `${name}-${ordinal}`;
  const labels = {
    [HASH_LABEL]: revision,
    "statefulset.kubernetes.io/pod-name": pod,
    "apps.kubernetes.io/pod-index": String(ordinal),
  };
  const subdomain = set.spec.serviceName === undefined ? {} : { subdomain: set.spec.serviceName };
  return podFrom(set, { name: pod, template, labels, spec: { hostname: pod, ...subdomain, nodeName: NODE_NAME } });
}

/** Counts, and the revision that all pods have reached. Pure. */
export function statefulSetStatus(
  set: StatefulSet,
  pods: readonly Pod[],
  nowMs: number,
): { status: StatefulSetStatus; recheckInMs: number | undefined } {
  const updateRevision = revisionName(set);
  const currentRevision = set.status?.currentRevision ?? updateRevision;
  const staying = pods.filter((pod) => !isTerminating(pod));
  const { ready, available, recheckInMs } = countPods(staying, set.spec.minReadySeconds, nowMs);
  const updatedReplicas = staying.filter((pod) => revisionOf(pod) === updateRevision).length;
  const wanted = set.spec.replicas ?? 1;
  const complete =
    set.spec.updateStrategy?.type !== "OnDelete" &&
    updatedReplicas === wanted &&
    pods.length === wanted &&
    ready.length === wanted;
  const { generation } = set.metadata;
  return {
    status: {
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      replicas: pods.length,
      readyReplicas: ready.length,
      availableReplicas: available.length,
      currentReplicas: complete ? updatedReplicas : staying.filter((pod) => revisionOf(pod) === currentRevision).length,
      updatedReplicas,
      currentRevision: complete ? updateRevision : currentRevision,
      updateRevision,
    },
    recheckInMs,
  };
}
