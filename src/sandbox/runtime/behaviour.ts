import type { Pod } from "../../kube/objects.ts";

/** How a sandbox pod behaves; all of it is read from the environment of its first container. */
export interface PodBehaviour {
  /** `VERSION`, else the tag of the image: what `x-version` says. */
  readonly version: string;
  /** `ERROR_RATE`: share of requests that are answered 500, 0 to 1. */
  readonly errorRate: number;
  /** `LATENCY_MS`: median of the log-normal response time. */
  readonly latencyMs: number;
  /** `START_DELAY_MS`: time until the pod is ready. */
  readonly startDelayMs: number;
  /** `SHUTDOWN_DELAY_MS`: how long a deleted pod goes on accepting requests, as a preStop sleep does. */
  readonly shutdownDelayMs: number;
  /**
   * The container of a Job ends `EXIT_AFTER_MS` after its start (default 1 000) with `EXIT_CODE` (default 0), and is not
   * started again. Any other is a server.
   */
  readonly exit?: { readonly code: number; readonly afterMs: number };
  /** `CRASH=true`: the container ends at once, again and again. */
  readonly crash: boolean;
  /**
   * `READY=false`: the pod runs but its readiness probe fails. `UNREADY_IN=web-primary`: so it does in pods whose names
   * begin like that, as where one workload lacks what its twin has.
   */
  readonly ready: boolean;
  /** Ports to listen on. */
  readonly ports: readonly number[];
  /** An image with `missing` in its name does not exist. */
  readonly imageMissing: boolean;
}

const DEFAULT_PORT = 8080;

/** Reads a pod's behaviour. Numbers that do not parse fall back to their defaults, as a lenient program would. */
export function behaviourOf(pod: Pod): PodBehaviour {
  const [container] = pod.spec.containers;
  const env = new Map(container?.env?.map(({ name, value }) => [name, value ?? ""]));
  const number = (name: string, fallback: number, most: number): number => {
    const parsed = Number(env.get(name) ?? fallback);
    return Number.isFinite(parsed) ? Math.min(most, Math.max(0, parsed)) : fallback;
  };
  const declared = pod.spec.containers.flatMap(({ ports = [] }) => ports.map(({ containerPort }) => containerPort));
  return {
    version: env.get("VERSION") ?? tagOf(container?.image ?? ""),
    errorRate: number("ERROR_RATE", 0, 1),
    latencyMs: number("LATENCY_MS", 5, 60_000),
    startDelayMs: number("START_DELAY_MS", 200, 3_600_000),
    shutdownDelayMs: number("SHUTDOWN_DELAY_MS", preStopSleepMs(container) ?? 1_000, 600_000),
    ...(pod.metadata.ownerReferences?.some(({ kind }) => kind === "Job") === true
      ? { exit: { code: number("EXIT_CODE", 0, 255), afterMs: number("EXIT_AFTER_MS", 1_000, 3_600_000) } }
      : {}),
    crash: env.get("CRASH") === "true",
    ready: env.get("READY") !== "false" && !beginsWith(pod.metadata.name, env.get("UNREADY_IN")),
    ports: declared.length === 0 ? [DEFAULT_PORT] : [...new Set(declared)],
    imageMissing: pod.spec.containers.some(({ image }) => image?.includes("missing") === true),
  };
}

function beginsWith(name: string, start: string | undefined): boolean {
  return start !== undefined && start !== "" && name.startsWith(`${start}-`);
}

function tagOf(image: string): string {
  return /:([\w.-]+)$/.exec(image)?.[1] ?? "unknown";
}

function preStopSleepMs(container: Pod["spec"]["containers"][number] | undefined): number | undefined {
  const { lifecycle } = (container ?? {}) as { lifecycle?: { preStop?: { sleep?: { seconds?: number } } } };
  const seconds = lifecycle?.preStop?.sleep?.seconds;
  return seconds === undefined ? undefined : seconds * 1_000;
}
