import { request } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Container, Probe } from "./objects.ts";

interface ProbeOptions {
  readonly container: Container;
  readonly address: string;
  /** Called with every change; a container is not ready before the first. */
  readonly onChange: (ready: boolean) => void;
  readonly signal: AbortSignal;
}

/** Probes readiness until the signal aborts. A container without a probe is ready at once, as in a real kubelet. */
export async function probeReadiness({ container, address, onChange, signal }: ProbeOptions): Promise<void> {
  const { readinessProbe: probe } = container;
  if (probe === undefined) {
    onChange(true);
    return;
  }
  const { initialDelaySeconds = 0, periodSeconds = 10, successThreshold = 1, failureThreshold = 3 } = probe;
  let ready = false;
  let [successes, failures] = [0, 0];
  await sleepUnlessAborted(initialDelaySeconds * 1000, signal);
  while (!signal.aborted) {
    const passed = await attempt(probe, container, address);
    [successes, failures] = passed ? [successes + 1, 0] : [0, failures + 1];
    const next: boolean = ready ? failures < failureThreshold : successes >= successThreshold;
    if (next !== ready && !signal.aborted) onChange((ready = next));
    await sleepUnlessAborted(periodSeconds * 1000, signal);
  }
}

function attempt(probe: Probe, container: Container, host: string): Promise<boolean> {
  const timeout = (probe.timeoutSeconds ?? 1) * 1000;
  const { httpGet, tcpSocket } = probe;
  if (httpGet !== undefined)
    return answersWell({ host, port: portOf(container, httpGet.port), path: httpGet.path, timeout });
  if (tcpSocket !== undefined) return accepts({ host, port: portOf(container, tcpSocket.port), timeout });
  throw new Error("this kubelet knows httpGet and tcpSocket probes only");
}

function portOf({ ports = [] }: Container, port: number | string): number {
  if (typeof port === "number") return port;
  const named = ports.find(({ name }) => name === port);
  if (named === undefined) throw new Error(`no container port is named ${port}`);
  return named.containerPort;
}

interface Where {
  readonly host: string;
  readonly port: number;
  readonly path?: string | undefined;
  readonly timeout: number;
}

function answersWell({ host, port, path = "/", timeout }: Where): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = request({ host, port, path, timeout, agent: false }, (response) => {
      response.resume();
      const { statusCode = 0 } = response;
      resolve(statusCode >= 200 && statusCode < 400);
    });
    probe.once("timeout", () => probe.destroy());
    probe.once("error", () => resolve(false));
    probe.once("close", () => resolve(false));
    probe.end();
  });
}

function accepts({ host, port, timeout }: Where): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout });
    const end = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(false));
    socket.once("error", () => end(false));
  });
}

/** Returns early when the signal aborts. */
export async function sleepUnlessAborted(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}
