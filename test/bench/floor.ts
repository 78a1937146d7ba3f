import type { Cluster, KubeObject, ObjectRef } from "../cluster/harness/cluster.ts";
import { deployment } from "../cluster/harness/workloads.ts";
import { canariesIn, inParallel, NAMESPACE, rest, routeOf, serviceOf } from "./fleet.ts";

/** Milliseconds of every member, from sending the change of its template. */
export interface FloorTimes {
  readonly ready: readonly number[];
  readonly weight: readonly number[];
}

export interface FloorOptions {
  readonly namespace?: string;
  /** Called when everything is made, just before the first change is sent. */
  readonly onRelease?: () => void;
}

interface Target extends KubeObject {
  readonly spec: { readonly replicas?: number; readonly template: { readonly spec: Template } };
  readonly status?: { readonly availableReplicas?: number };
}

interface Template {
  readonly containers: readonly { readonly image: string }[];
}

interface Progress {
  readonly sentAt: number;
  scaled?: true;
  readyAt?: number;
  weightAt?: number;
}

const IMAGE = "registry.test/web:floor";

/**
 * The least that any controller must do, on the same control plane in the same run: it sees a changed template, scales
 * the idle target to one pod, and when the pod is available writes the weight. No status, no event, no freeze, no
 * judgement. What Aviary takes is to be read as a ratio to this.
 */
export async function measureFloor(
  cluster: Cluster,
  size: number,
  { namespace = NAMESPACE, onRelease }: FloorOptions = {},
): Promise<FloorTimes> {
  const names = canariesIn(size).map((name) => name.replace("bench", `floor-${size}`));
  await inParallel(names, 8, async (name) => {
    await cluster.create(deployment({ name, namespace, replicas: 0 }));
    await cluster.create(serviceOf(name, namespace));
    await cluster.create(routeOf(name, namespace));
  });
  await rest();
  const progress = new Map<string, Progress>();
  const ending = new AbortController();
  const failures: unknown[] = [];
  const work = follow({ cluster, namespace }, progress, ending.signal).catch((error: unknown) => failures.push(error));
  onRelease?.();
  await inParallel(names, 32, async (name) => {
    progress.set(name, { sentAt: Date.now() });
    const containers = [{ name: "main", image: IMAGE }];
    await cluster.patch(
      targetRef(name, namespace),
      { spec: { template: { spec: { containers } } } },
      { type: "strategic" },
    );
  });
  const all = [...progress.values()];
  const deadline = Date.now() + 120_000;
  while (all.some(({ weightAt }) => weightAt === undefined)) {
    if (failures.length > 0) throw failures[0];
    if (Date.now() > deadline) throw new Error("the floor was not reached within two minutes");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  ending.abort();
  await work;
  return {
    ready: all.map(({ sentAt, readyAt = Number.NaN }) => readyAt - sentAt),
    weight: all.map(({ sentAt, weightAt = Number.NaN }) => weightAt - sentAt),
  };
}

async function follow(
  { cluster, namespace }: { readonly cluster: Cluster; readonly namespace: string },
  progress: Map<string, Progress>,
  signal: AbortSignal,
): Promise<void> {
  const selection = { apiVersion: "apps/v1", kind: "Deployment", namespace, signal };
  const writes: Promise<void>[] = [];
  while (!signal.aborted) {
    // An API server cuts watches that fall behind in a burst; the next one begins with what exists.
    for await (const { type, object } of cluster.watch<Target>(selection)) {
      const held = progress.get(object.metadata.name);
      if (held === undefined || type === "DELETED") continue;
      writes.push(step(cluster, object, held));
    }
  }
  await Promise.all(writes);
}

async function step(cluster: Cluster, { metadata, spec, status }: Target, held: Progress): Promise<void> {
  if (held.scaled === undefined && spec.template.spec.containers[0]?.image === IMAGE) {
    held.scaled = true;
    await cluster.patch(targetRef(metadata.name, metadata.namespace), { spec: { replicas: 1 } });
  }
  if (held.readyAt !== undefined || status?.availableReplicas !== 1) return;
  held.readyAt = Date.now();
  const { apiVersion, kind, spec: wanted } = routeOf(metadata.name);
  const { name, namespace = NAMESPACE } = metadata;
  const rules = wanted.rules.map(({ backendRefs }) => ({
    backendRefs: backendRefs.map((ref, index) => ({ ...ref, weight: index === 0 ? 80 : 20 })),
  }));
  await cluster.patch({ apiVersion, kind, name, namespace }, { spec: { rules } });
  held.weightAt = Date.now();
}

function targetRef(name: string, namespace = NAMESPACE): ObjectRef {
  return { apiVersion: "apps/v1", kind: "Deployment", name, namespace };
}
