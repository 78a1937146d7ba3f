import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "../../cluster/harness/apiClient.ts";
import type { Cluster } from "../../cluster/harness/cluster.ts";
import { type ProcessExit, type RunningProcess, startProcess } from "../../cluster/harness/processes.ts";
import { ConfigError, type Environment, environmentOf } from "./environment.ts";
import type { ContainerState, Pod, Terminated } from "./objects.ts";
import { probeReadiness, sleepUnlessAborted } from "./probe.ts";
import { createStatusWriter, now, type PodState, type StatusWriter } from "./status.ts";

/** One pod on this node, from its binding to its end. */
export interface PodRun {
  readonly pod: Pod;
  readonly address: string;
  readonly running: () => boolean;
  /** The pod is to end: preStop, SIGTERM, and SIGKILL when its grace is over. More calls change nothing. */
  terminate(graceSeconds: number): void;
  /** The object is gone, so the process goes at once. */
  vanish(): void;
  /** Settles when the process has ended and the object is deleted. */
  readonly done: Promise<void>;
}

export interface PodRunOptions {
  readonly pod: Pod;
  readonly address: string;
  readonly cluster: Cluster;
  /** For the pods' logs. */
  readonly folder: string;
  /** A process of the pod has started or ended. */
  readonly onChange: () => void;
}

const server = join(import.meta.dirname, "../app/server.ts");
const FIRST_BACKOFF_MS = 1000;
const LONGEST_BACKOFF_MS = 10_000;

export function runPod(options: PodRunOptions): PodRun {
  const { pod, address, cluster } = options;
  const ending = new AbortController();
  const life: Life = { ...options, writer: createStatusWriter(cluster, pod), ending: ending.signal, restarts: 0 };
  let deadline = Infinity;
  let vanished = false;
  const done = live(life, () => deadline - performance.now()).then(async (last) => {
    if (vanished) return;
    life.writer.write(last);
    await life.writer.flush();
    await remove(cluster, pod);
  });
  return {
    pod,
    address,
    running: () => life.process?.running() === true,
    terminate: (graceSeconds) => {
      deadline = Math.min(deadline, performance.now() + graceSeconds * 1000);
      ending.abort();
    },
    vanish: () => {
      vanished = true;
      deadline = 0;
      ending.abort();
      life.process?.kill("SIGKILL");
    },
    done,
  };
}

interface Life extends PodRunOptions {
  readonly writer: StatusWriter;
  /** Aborts when the pod is to end. */
  readonly ending: AbortSignal;
  restarts: number;
  lastState?: ContainerState;
  process?: RunningProcess;
}

/** Returns the state in which the pod ends. */
async function live(life: Life, leftMs: () => number): Promise<PodState> {
  const { pod, ending, writer } = life;
  const environment = await prepare(life);
  while (!ending.aborted && environment !== undefined) {
    const startedAt = now();
    const exit = await runOnce(life, environment, leftMs);
    const terminated = terminatedBy(exit, startedAt);
    if (ending.aborted) return stateOf(life, "Succeeded", { terminated });
    if (isOver(pod, terminated)) return rest(life, terminated);
    life.restarts += 1;
    life.lastState = { terminated };
    const message = `back-off restarting failed container ${pod.spec.containers[0].name}`;
    writer.write(stateOf(life, "Running", { waiting: { reason: "CrashLoopBackOff", message } }));
    const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** (life.restarts - 1), LONGEST_BACKOFF_MS);
    await sleepUnlessAborted(backoff, ending);
  }
  const terminated = { exitCode: 137, reason: "ContainerStatusUnknown", startedAt: now(), finishedAt: now() };
  return stateOf(life, "Failed", { terminated });
}

/** Whether the program, as that of a Job, is not started again. */
function isOver({ spec }: Pod, { exitCode }: Terminated): boolean {
  return spec.restartPolicy === "Never" || (spec.restartPolicy === "OnFailure" && exitCode === 0);
}

/** A pod that is over stays, for its log, until somebody deletes it. */
async function rest(life: Life, terminated: Terminated): Promise<PodState> {
  const { writer, ending } = life;
  const last = stateOf(life, terminated.exitCode === 0 ? "Succeeded" : "Failed", { terminated });
  writer.write(last);
  if (!ending.aborted) await new Promise((resolve) => ending.addEventListener("abort", resolve, { once: true }));
  return last;
}

/** The environment, or undefined when the pod is to end before it could ever start. */
async function prepare(life: Life): Promise<Environment | undefined> {
  const { pod, cluster, address, writer, ending } = life;
  const { image } = pod.spec.containers[0];
  const wait = async (reason: string, message: string): Promise<void> => {
    writer.write(stateOf(life, "Pending", { waiting: { reason, message } }));
    await sleepUnlessAborted(1000, ending);
  };
  while (image.includes("missing") && !ending.aborted) {
    await wait("ErrImagePull", `failed to pull image "${image}": not found`);
    await wait("ImagePullBackOff", `Back-off pulling image "${image}"`);
  }
  while (!ending.aborted) {
    try {
      return await environmentOf(cluster, pod, address);
    } catch (error) {
      if (error instanceof ConfigError) await wait("CreateContainerConfigError", error.message);
      else await sleepUnlessAborted(200, ending);
    }
  }
  return undefined;
}

/** Runs the program until it ends, or until it has been ended because the pod is to end. */
async function runOnce(life: Life, environment: Environment, leftMs: () => number): Promise<ProcessExit> {
  const { pod, address, folder, writer, ending, onChange } = life;
  const [container] = pod.spec.containers;
  const name = `pod-${pod.metadata.name}`;
  const child = startProcess({
    name,
    command: process.execPath,
    args: [server],
    env: { NODE_OPTIONS: undefined, ...environment },
    logFile: join(folder, `${name}.log`),
  });
  life.process = child;
  const running = { running: { startedAt: now() } };
  writer.write(stateOf(life, "Running", running));
  onChange();
  const over = new AbortController();
  const probing = probeReadiness({
    container,
    address,
    signal: over.signal,
    onChange: (ready) => writer.write({ ...stateOf(life, "Running", running), ready }),
  });
  const aborted = new Promise<void>((resolve) => {
    if (ending.aborted) resolve();
    ending.addEventListener("abort", () => resolve(), { once: true });
  });
  await Promise.race([child.exited, aborted]);
  if (child.running()) await end(child, container.lifecycle?.preStop?.sleep?.seconds ?? 0, leftMs);
  const exit = await child.exited;
  over.abort();
  await probing;
  onChange();
  return exit;
}

async function end(child: RunningProcess, preStopSeconds: number, leftMs: () => number): Promise<void> {
  // The grace runs from the deletion on: a preStop that is longer leaves two seconds, as in a real kubelet.
  await Promise.race([sleep(Math.min(preStopSeconds * 1000, Math.max(0, leftMs()))), child.exited]);
  await child.stop(Math.max(leftMs(), preStopSeconds > 0 ? 2000 : 0));
}

function terminatedBy({ code, signal }: ProcessExit, startedAt: string): Terminated {
  const exitCode = code ?? (signal === "SIGKILL" ? 137 : 143);
  const reason = exitCode === 0 ? "Completed" : exitCode === 137 ? "OOMKilled" : "Error";
  return { exitCode, reason, startedAt, finishedAt: now() };
}

function stateOf(life: Life, phase: PodState["phase"], state: ContainerState): PodState {
  const { address, restarts: restartCount, lastState } = life;
  return { phase, ready: false, state, restartCount, address, ...(lastState === undefined ? {} : { lastState }) };
}

async function remove(cluster: Cluster, pod: Pod): Promise<void> {
  const { name, namespace = "default", uid } = pod.metadata;
  for (;;) {
    try {
      await cluster.client.request({
        method: "DELETE",
        path: `/api/v1/namespaces/${namespace}/pods/${name}`,
        body: { gracePeriodSeconds: 0, preconditions: { uid } },
      });
      return;
    } catch (error) {
      if (error instanceof ApiError && (error.statusCode === 404 || error.statusCode === 409)) return;
      await sleep(200);
    }
  }
}
