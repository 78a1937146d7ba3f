import { anyOf, selector } from "./counterQuery.ts";
import type { Pattern } from "./dataPlanes/dataPlane.ts";

/** What the queries look at. */
export interface SaturationScope {
  readonly namespaces: readonly string[];
  /** Names of the pods. */
  readonly pods: readonly Pattern[];
  /** Length of the stretch of time that ends when the query is evaluated, in seconds. */
  readonly seconds: number;
}

export interface SaturationQueries {
  readonly memory: string;
  readonly cpu: string;
  readonly throttled: string;
  /** Finds the containers that anything is known of. */
  readonly containers: string;
}

/** The labels that tell canaries and their versions apart. */
export const NAMESPACE = "namespace";
export const POD = "pod";

const CONTAINER = "by (namespace, pod, container)";

/**
 * How full containers are, in percent; of each pod the fullest one. A container without a limit is not in the answer.
 * Usage is cAdvisor's, the limits are kube-state-metrics'; throttling is cAdvisor's alone, and only counted under a limit.
 * Several series of one container come from its restarts and from being scraped twice.
 *
 * Source: https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md,
 * https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/workload/pod-metrics.md
 */
export function saturationQueries({ namespaces, pods, seconds }: SaturationScope): SaturationQueries {
  const of = (metric: string, ...more: readonly string[]) =>
    selector(metric, anyOf(NAMESPACE, namespaces), anyOf(POD, pods), 'container!=""', ...more);
  const limit = (resource: string) =>
    `max ${CONTAINER} (${of("kube_pod_container_resource_limits", `resource="${resource}"`)})`;
  const rate = (metric: string) => `sum ${CONTAINER} (rate(${of(metric)}[${seconds}s]))`;
  const fullest = (used: string, most: string) => `max by (${NAMESPACE}, ${POD}) (100 * ${used} / ${most})`;
  return {
    memory: fullest(`max ${CONTAINER} (${of("container_memory_working_set_bytes")})`, limit("memory")),
    cpu: fullest(rate("container_cpu_usage_seconds_total"), limit("cpu")),
    throttled: fullest(rate("container_cpu_cfs_throttled_periods_total"), rate("container_cpu_cfs_periods_total")),
    containers: `count by (${NAMESPACE}, ${POD}) (${of("container_memory_working_set_bytes")})`,
  };
}
