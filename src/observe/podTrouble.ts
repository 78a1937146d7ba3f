import type { ContainerStatus, Pod, WorkloadObject } from "../kube/objects.ts";
import { conditionOf } from "../kube/objects.ts";
import { isKubeError } from "../kube/errors.ts";
import { kinds } from "../kube/kinds.ts";
import type { Kube } from "../kube/port.ts";
import { createAllowance } from "../lib/allowance.ts";
import type { Clock } from "../lib/time.ts";

/** Pods of one workload are listed at most so often, in milliseconds. */
const PERIOD_MS = 5_000;
/** And so many lists within a second for all of them: they must not slow down the pods that they ask about. */
const LISTS_A_SECOND = 4;
/** What nobody has asked about for so long is forgotten, in milliseconds. */
const FORGOTTEN_AFTER_MS = 60_000;

/**
 * Why pods are not ready, in one sentence, from the pods themselves. Read only while pods are awaited: pods are not
 * worth a watch of their own. Between two lists the last answer stands.
 */
export interface PodTroubles {
  of(workload: WithPods, signal: AbortSignal, about?: About): Promise<string | undefined>;
}

/**
 * What is asked: why pods are not ready; why the pods of a Job do not start, which they do when any of them has run a
 * container; or what has ended them.
 */
type About = "ready" | "start" | "end";

/** Whatever has pods that its selector names. */
type WithPods = Pick<WorkloadObject, "metadata"> & { readonly spec: Pick<WorkloadObject["spec"], "selector"> };

export function createPodTroubles({ kube, clock }: { readonly kube: Kube; readonly clock: Clock }): PodTroubles {
  const answers = new Map<string, { readonly at: number; readonly sentence: string | undefined }>();
  const mayList = createAllowance(clock, { count: LISTS_A_SECOND, periodMs: 1_000 });
  return {
    async of(workload, signal, about = "ready") {
      const now = clock.now();
      for (const [uid, { at }] of answers) if (Math.abs(now - at) >= FORGOTTEN_AFTER_MS) answers.delete(uid);
      const key = `${workload.metadata.uid ?? workload.metadata.name}/${workload.metadata.generation ?? 0}/${about}`;
      const held = answers.get(key);
      if (held !== undefined && Math.abs(now - held.at) < PERIOD_MS) return held.sentence;
      if (!mayList()) return held?.sentence;
      const sentence = await troubleOf(kube, workload, { signal, about });
      answers.set(key, { at: now, sentence });
      return sentence;
    },
  };
}

interface Asked {
  readonly signal: AbortSignal;
  readonly about: About;
}

async function troubleOf(kube: Kube, workload: WithPods, { signal, about }: Asked): Promise<string | undefined> {
  const labels = workload.spec.selector.matchLabels ?? {};
  const labelSelector = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  const { namespace } = workload.metadata;
  if (labelSelector === "" || namespace === undefined) return undefined;
  let items: readonly Pod[];
  try {
    ({ items } = await kube.list<Pod>(kinds.pod, { namespace, labelSelector, signal }));
  } catch (error) {
    if (!isKubeError(error)) throw error;
    // A reason that cannot be had must not delay the decision that it would explain.
    return `its pods cannot be listed: ${error.message}`;
  }
  if (about === "start" && items.some(hasRun)) return undefined;
  const unready = items.filter((pod) => conditionOf(pod.status?.conditions, "Ready")?.status !== "True");
  const sentences = unready.flatMap((pod) => {
    const reason = reasonOf(pod);
    return reason === undefined ? [] : [`pod ${pod.metadata.name}: ${reason}`];
  });
  return sentences[0];
}

/** Some container of the pod runs, or has run. */
function hasRun({ status }: Pod): boolean {
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return containers.some(({ state, lastState }) => {
    return state?.running !== undefined || state?.terminated !== undefined || lastState?.terminated !== undefined;
  });
}

function reasonOf(pod: Pod): string | undefined {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const status of statuses) {
    const reason = containerTrouble(status);
    if (reason !== undefined) return `container ${status.name} ${reason}`;
  }
  const scheduled = conditionOf(pod.status?.conditions, "PodScheduled");
  if (scheduled?.status === "False") return `${scheduled.reason ?? "Unschedulable"}: ${scheduled.message ?? ""}`;
  if (pod.status?.reason !== undefined) return `${pod.status.reason}: ${pod.status.message ?? ""}`;
  return undefined;
}

const STARTING = new Set(["ContainerCreating", "PodInitializing"]);

function containerTrouble(status: ContainerStatus): string | undefined {
  const died = status.lastState?.terminated ?? status.state?.terminated;
  const waiting = status.state?.waiting;
  if (waiting?.reason !== undefined && !STARTING.has(waiting.reason)) {
    // A crash loop is only the symptom; what ended the container last is the reason.
    const cause = died?.reason === undefined ? "" : ` (${died.reason}, exit code ${died.exitCode})`;
    return `${waiting.reason}${cause}${waiting.message === undefined ? "" : `: ${waiting.message}`}`;
  }
  if (died !== undefined && died.exitCode !== 0) return `${died.reason ?? "Error"}, exit code ${died.exitCode}`;
  if (!status.ready && status.state?.running !== undefined) return "is running but not ready";
  return undefined;
}
