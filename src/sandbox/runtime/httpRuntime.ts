import { createServer, type Server } from "node:http";
import { seededRandom, type Random } from "../random.ts";
import { createLoopback, type Dial } from "./loopback.ts";
import type { PodRuntime, RunningPod } from "./podRuntime.ts";
import { createPodProgram, type PodProgram } from "./podServer.ts";

/** A running pod as a scraper finds it. */
export interface PodTarget {
  readonly namespace: string;
  readonly pod: string;
  /** Host and port of the pod's first port, where `/metrics` is. */
  readonly address: { readonly host: string; readonly port: number };
  /** The same text without a connection. */
  metrics(): Promise<string>;
  log(): string;
}

/** Pods as HTTP servers of this process, each on an own loopback address. */
export interface HttpRuntime extends PodRuntime {
  readonly dial: Dial;
  targets(): readonly PodTarget[];
}

interface Process extends RunningPod {
  readonly target: PodTarget;
}

/** Longer than any client of the sandbox keeps an idle connection, so that the client is the one that closes. */
const KEEP_ALIVE_MS = 120_000;

export function createHttpRuntime({ random }: { readonly random: Random }): HttpRuntime {
  const loopback = createLoopback(random);
  const processes = new Set<Process>();

  return {
    dial: loopback.dial,
    targets: () => [...processes].map(({ target }) => target),
    async start(pod, behaviour) {
      const { name, namespace = "" } = pod.metadata;
      const program = createPodProgram(name, behaviour, seededRandom(Math.floor(random() * 2 ** 32)));
      const { ip, servers } = await loopback.bind(behaviour.ports, () =>
        createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, program.handle),
      );
      const address = loopback.dial(ip, behaviour.ports[0] ?? 0);
      const process: Process = {
        ip,
        target: { namespace, pod: name, address, metrics: () => program.metrics(), log: () => program.log() },
        async stop(graceMs) {
          if (!processes.delete(process)) return;
          await closeAll(program, servers, graceMs);
          loopback.release(ip);
        },
      };
      processes.add(process);
      return process;
    },
    async stop() {
      await Promise.all([...processes].map((process) => process.stop(0)));
    },
  };
}

/** Ends servers: no new connections, requests in flight have `graceMs` to finish. */
async function closeAll(program: PodProgram, servers: readonly Server[], graceMs: number): Promise<void> {
  program.drain();
  const closed = servers.map(
    (server) =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeIdleConnections();
      }),
  );
  const cut = setTimeout(() => {
    for (const server of servers) server.closeAllConnections();
  }, graceMs);
  await Promise.all(closed);
  clearTimeout(cut);
}
