import { kinds } from "../kube/kinds.ts";
import type { Pod } from "../kube/objects.ts";
import type { ResourceKind } from "../kube/port.ts";
import { namesOf } from "../lib/names.ts";
import type { CanaryObject, Workload } from "./canaryObject.ts";
import { workloadKind } from "./cluster.ts";
import type { Cluster } from "./cluster.ts";
import type { PodCount } from "./picture.ts";

/** The pods of both versions. */
export async function podCounts(
  cluster: Cluster,
  canary: CanaryObject,
): Promise<{ readonly target: PodCount; readonly primary: PodCount }> {
  const kind = workloadKind(canary.spec.targetRef);
  const { target, primary } = namesOf(canary);
  const [targetPods, primaryPods] = await Promise.all([podsOf(cluster, kind, target), podsOf(cluster, kind, primary)]);
  return { target: targetPods, primary: primaryPods };
}

async function podsOf({ kube, namespace }: Cluster, kind: ResourceKind, name: string): Promise<PodCount> {
  const workload = await kube.get<Workload>(kind, { namespace, name });
  const labels = Object.entries(workload?.spec.selector.matchLabels ?? {});
  if (labels.length === 0) return { ready: 0, all: 0, troubles: [] };
  const labelSelector = labels.map(([key, value]) => `${key}=${value}`).join(",");
  const { items } = await kube.list<Pod>(kinds.pod, { namespace, labelSelector });
  const pods = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const ready = pods.filter(isReady).length;
  return { ready, all: pods.length, troubles: [...new Set(pods.flatMap(troubleOf))].slice(0, 3) };
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: held }) => type === "Ready" && held === "True") === true;
}

/** Such as `ImagePullBackOff`. */
function troubleOf(pod: Pod): readonly string[] {
  if (isReady(pod)) return [];
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const waiting = [...initContainerStatuses, ...containerStatuses].flatMap(({ state }) => state?.waiting?.reason ?? []);
  return waiting.filter((reason) => reason !== "ContainerCreating" && reason !== "PodInitializing");
}
