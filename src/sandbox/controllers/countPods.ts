import { conditionOf, type Pod } from "../../kube/objects.ts";

export const isReady = (pod: Pod): boolean => conditionOf(pod.status?.conditions, "Ready")?.status === "True";

/** Its containers have ended for good. */
export const isOver = ({ status }: Pod): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";

export interface PodCount {
  readonly ready: readonly Pod[];
  /** Ready for at least `minReadySeconds`. */
  readonly available: readonly Pod[];
  /** In how many milliseconds the next ready pod becomes available. */
  readonly recheckInMs: number | undefined;
}

export function countPods(pods: readonly Pod[], minReadySeconds: number | undefined, nowMs: number): PodCount {
  const minReadyMs = (minReadySeconds ?? 0) * 1_000;
  const waitOf = (pod: Pod): number => {
    const since = conditionOf(pod.status?.conditions, "Ready")?.lastTransitionTime;
    return minReadyMs === 0 || since === undefined ? 0 : Date.parse(since) + minReadyMs - nowMs;
  };
  const ready = pods.filter(isReady);
  const ahead = ready.map(waitOf).filter((wait) => wait > 0);
  return {
    ready,
    available: ready.filter((pod) => waitOf(pod) <= 0),
    recheckInMs: ahead.length === 0 ? undefined : Math.min(...ahead),
  };
}
