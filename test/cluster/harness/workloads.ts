import type { Cluster, KubeObject } from "./cluster.ts";
import { waitFor } from "./polling.ts";

export interface DeploymentOptions {
  readonly name: string;
  readonly namespace: string;
  /** 1 when left out. */
  readonly replicas?: number;
  readonly image?: string;
  /** Of the pods, besides `app: <name>`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Of the pods. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Workload extends KubeObject {
  readonly spec: { readonly replicas?: number; readonly paused?: boolean; readonly template: object };
  readonly status?: {
    readonly numberReady?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
  };
}

export interface Pod extends KubeObject {
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly PodCondition[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export interface PodCondition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime?: string;
}

export interface ContainerStatus {
  readonly state?: { readonly waiting?: { readonly reason?: string } };
  readonly lastState?: { readonly terminated?: { readonly reason?: string; readonly exitCode?: number } };
}

/** A Deployment with one container, selected by `app: <name>`; `podBehaviour` says what can become of its pods. */
export function deployment(options: DeploymentOptions): Workload {
  const { name, namespace, replicas = 1, image = "registry.test/web:1", labels = {}, annotations = {} } = options;
  const metadata = { labels: { app: name, ...labels }, annotations };
  const template = { metadata, spec: { containers: [{ name: "main", image }] } };
  const spec = { replicas, selector: { matchLabels: { app: name } }, template };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: { name, namespace }, spec };
}

/** Waits until a Deployment has exactly so many available pods. Throws after 30 s. */
export async function waitForAvailable(cluster: Cluster, of: Named, replicas: number): Promise<void> {
  const ref = { apiVersion: "apps/v1", kind: "Deployment", ...of };
  await waitFor(`${replicas} available pods of ${of.name}`, () => cluster.get<Workload>(ref), {
    until: (seen) => seen?.status?.availableReplicas === replicas,
  });
}

export interface Named {
  readonly namespace: string;
  readonly name: string;
}

/** Waits until some pod of the namespace is as asked for, and returns it. Throws after 30 s. */
export async function waitForPod(cluster: Cluster, namespace: string, until: (pod: Pod) => boolean): Promise<Pod> {
  const pods = (): Promise<Pod[]> => cluster.list<Pod>({ apiVersion: "v1", kind: "Pod", namespace });
  const seen = await waitFor(`a pod in ${namespace}`, pods, { until: (all) => all.some(until) });
  return seen.find(until) as Pod;
}

/** The pod's Ready condition; `undefined` before there is one. */
export function readyStatus(pod: Pod): string | undefined {
  return pod.status?.conditions?.find(({ type }) => type === "Ready")?.status;
}

/** Why the first container waits; `undefined` when it does not. */
export function waitingReason(pod: Pod): string | undefined {
  return pod.status?.containerStatuses?.[0]?.state?.waiting?.reason;
}
