import { kinds } from "../../src/kube/kinds.ts";
import type { Deployment, HorizontalPodAutoscaler, ScaledObject, StatefulSet } from "../../src/kube/objects.ts";
import type { Kube, KubeObject } from "../../src/kube/port.ts";
import type { Life } from "./life.ts";
import { applyWorkload, manifest, NAMESPACE } from "./manifests.ts";
import { all, find, findWorkload } from "./watchman.ts";

/** How often an autoscaler looks, as in a cluster. */
const PERIOD_MS = 15_000;

/** Pods that the load of a workload is worth, as its metrics would say. */
export type Demand = (workload: string) => number;

export interface Autoscalers {
  demand: Demand;
  stop(): void;
}

/**
 * The autoscalers of Kubernetes and of KEDA, on virtual time: they keep every workload at what its demand is, within
 * their bounds. One at 0 replicas is left alone but by KEDA, which makes an autoscaler of its own for what it scales.
 */
export function runAutoscalers(life: Life, demand: Demand): Autoscalers {
  let cancel = (): void => undefined;
  const autoscalers: Autoscalers = {
    demand,
    stop() {
      cancel();
    },
  };
  const look = async (): Promise<void> => {
    for (const hpa of all<HorizontalPodAutoscaler>(life.server, kinds.horizontalPodAutoscaler)) {
      if (hpa.metadata.ownerReferences !== undefined) continue;
      const { scaleTargetRef, minReplicas = 1, maxReplicas } = hpa.spec;
      if (sizeOf(life, scaleTargetRef.name) === 0) continue;
      await scale(life, scaleTargetRef.name, within(autoscalers.demand(scaleTargetRef.name), minReplicas, maxReplicas));
    }
    for (const scaled of all<ScaledObject>(life.server, kinds.scaledObject))
      await followScaledObject(life, scaled, autoscalers.demand);
  };
  const run = (): void => {
    cancel = life.clock.after(PERIOD_MS, () => {
      void look().finally(run);
    });
  };
  run();
  return autoscalers;
}

async function followScaledObject(life: Life, scaled: ScaledObject, demand: Demand): Promise<void> {
  const { metadata, spec } = scaled;
  const ref = { namespace: NAMESPACE, name: `keda-hpa-${metadata.name}` };
  if (metadata.annotations?.["autoscaling.keda.sh/paused"] === "true") {
    await life.kube.delete(kinds.horizontalPodAutoscaler, ref);
    return;
  }
  const { scaleTargetRef, minReplicaCount = 0, maxReplicaCount = 100 } = spec;
  if (find(life.server, kinds.horizontalPodAutoscaler, ref.name) === undefined) {
    await life.kube.create(kinds.horizontalPodAutoscaler, kedasOwn(scaled, ref.name));
  }
  await scale(life, scaleTargetRef.name, within(demand(scaleTargetRef.name), minReplicaCount, maxReplicaCount));
}

/** KEDA puts the labels and annotations of a ScaledObject on the autoscaler that it makes of it. */
function kedasOwn({ metadata, spec }: ScaledObject, name: string): KubeObject {
  const { labels = {}, annotations = {}, uid = "" } = metadata;
  const owner = { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name: metadata.name, uid, controller: true };
  const { scaleTargetRef, maxReplicaCount = 100 } = spec;
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { namespace: NAMESPACE, name, labels, annotations, ownerReferences: [owner] },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", ...scaleTargetRef },
      maxReplicas: maxReplicaCount,
    },
  } as KubeObject;
}

function within(wanted: number, min: number, max: number): number {
  return Math.min(Math.max(wanted, min), max);
}

function sizeOf(life: Life, name: string): number | undefined {
  return (findWorkload(life.server, name) as Deployment | StatefulSet | undefined)?.spec.replicas;
}

async function scale(life: Life, name: string, replicas: number): Promise<void> {
  const held = sizeOf(life, name);
  if (held === undefined || held === replicas) return;
  const kind = findWorkload(life.server, name)?.kind === "StatefulSet" ? kinds.statefulSet : kinds.deployment;
  await life.kube.mergePatch(kind, { namespace: NAMESPACE, name }, { spec: { replicas } });
}

const cpu = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 60 } } };

export function anAutoscaler(spec: object = {}, name = "web"): KubeObject {
  const object = manifest("autoscaling/v2", "HorizontalPodAutoscaler", name, {
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      minReplicas: 2,
      maxReplicas: 10,
      metrics: [cpu],
      ...spec,
    },
  });
  return {
    ...object,
    metadata: { ...object.metadata, labels: { "argocd.argoproj.io/instance": "shop", team: "web" } },
  };
}

export function aScaledObject(spec: object = {}, name = "web"): KubeObject {
  return manifest("keda.sh/v1alpha1", "ScaledObject", name, {
    spec: {
      scaleTargetRef: { name: "web" },
      minReplicaCount: 2,
      maxReplicaCount: 10,
      triggers: [{ type: "kafka", metadata: { topic: "orders" } }],
      ...spec,
    },
  });
}

/** The usual objects of an application, with more of them. */
export function workloadWith(replicas: number, ...more: readonly KubeObject[]): (kube: Kube) => Promise<void> {
  return async (kube) => {
    await applyWorkload(kube, replicas);
    for (const object of more) await kube.create(kindOf(object), object);
  };
}

function kindOf({ kind }: KubeObject) {
  const found = Object.values(kinds).find((candidate) => candidate.kind === kind);
  if (found === undefined) throw new Error(`${kind} is not known`);
  return found;
}
