#!/usr/bin/env node
import { readConfig } from "./config.ts";
import type { Config } from "./config.ts";
import { startController } from "./controller.ts";
import { createKube } from "./kube/client.ts";
import { connect } from "./kube/config.ts";
import type { Connection } from "./kube/config.ts";
import { createEventRecorder } from "./kube/events.ts";
import type { Informers } from "./kube/informer.ts";
import { createInformers } from "./kube/informers.ts";
import { runLeaderElection } from "./kube/leader.ts";
import type { Leadership, LeaderOutcome } from "./kube/leader.ts";
import { messageOf } from "./lib/errors.ts";
import { createLog } from "./lib/jsonLog.ts";
import type { Log } from "./lib/log.ts";
import { createSteadyClock } from "./lib/steadyClock.ts";
import type { Clock } from "./lib/time.ts";
import { startServer, type Readiness } from "./server/server.ts";
import { createTelemetry } from "./server/telemetry.ts";
import type { Telemetry } from "./server/telemetry.ts";
import { cachedKinds, startCaches } from "./triggers.ts";

/*
 * The composition root: everything is made and joined here, and nothing else may end the process.
 *
 *   config ─▶ connection ─▶ caches ─▶ (leader election) ─▶ controller: watch ─▶ queue ─▶ reconcile
 *                                                          observe ─▶ decide ─▶ act ─▶ report
 */

interface Parts {
  readonly config: Config;
  /** One for the whole process, since a clock that nobody sets is as old as its process. */
  readonly clock: Clock;
  readonly connection: Connection;
  readonly informers: Informers;
  readonly telemetry: Telemetry;
  readonly log: Log;
  /** Aborted when the process is asked to end. */
  readonly ending: AbortSignal;
}

/** Runs the controller until it is asked to end. Answers the exit code; nothing is thrown. */
export async function runController(argv?: readonly string[]): Promise<number> {
  try {
    return await main(argv);
  } catch (error) {
    process.stderr.write(`aviary: ${messageOf(error)}\n`);
    return 1;
  }
}

async function main(argv: readonly string[] | undefined): Promise<number> {
  const invocation = readConfig(argv);
  if (invocation.type === "exit") {
    (invocation.code === 0 ? process.stdout : process.stderr).write(invocation.output);
    return invocation.code;
  }
  const { config } = invocation;
  const log = createLog({ level: config.logLevel });
  const clock = createSteadyClock();
  const telemetry = createTelemetry();
  const ending = endOnSignals(log);
  const connection = await connect({
    env: { ...config.environment },
    ...(config.kubeconfig === undefined ? {} : { kubeconfig: config.kubeconfig }),
    ...(config.context === undefined ? {} : { context: config.context }),
  });
  const reading = createKube(connection, {
    onRequest: (request) => {
      countRequest(telemetry, request);
    },
  });
  const informers = createInformers(reading, clock, {
    log,
    ...(config.namespace === undefined ? {} : { namespace: config.namespace }),
  });
  startCaches(informers, config);
  const parts = { config, clock, connection, informers, telemetry, log, ending };
  const server = await startServer({ listen: config.listen, telemetry, log, isReady: () => readinessOf(informers) });
  log.info({ port: server.port, server: connection.origin, identity: config.identity }, "aviary is starting");
  try {
    return codeOf(await lead(parts), log);
  } finally {
    await informers.stop();
    await server.stop();
    await connection.close();
  }
}

/** Runs the controller: at once, or while this process holds the Lease. */
async function lead(parts: Parts): Promise<LeaderOutcome> {
  const { config, clock, connection, log, ending, telemetry } = parts;
  const { leaderElection } = config;
  if (!leaderElection.enabled) {
    await work(parts, ending, { mayWrite: () => true });
    return "stopped";
  }
  // Asked to end, a leader finishes what it has begun before it gives the Lease back; a candidate has begun nothing.
  const resigning = new AbortController();
  let leading = false;
  ending.addEventListener("abort", () => {
    if (!leading) resigning.abort();
  });
  return runLeaderElection({
    kube: createKube(connection),
    clock,
    identity: config.identity,
    namespace: leaderElection.namespace,
    name: leaderElection.name,
    timings: {
      leaseMs: leaderElection.leaseDurationMs,
      renewDeadlineMs: leaderElection.renewDeadlineMs,
      renewEveryMs: leaderElection.retryPeriodMs,
      retryMs: leaderElection.retryPeriodMs,
    },
    signal: resigning.signal,
    log,
    async onStarted(signal, leadership) {
      leading = true;
      telemetry.leader(true);
      await work(parts, signal, leadership);
      telemetry.leader(false);
      resigning.abort();
    },
  });
}

/** Runs the controller until the process is to end or the lead, which `signal` stands for, is lost. */
async function work(parts: Parts, signal: AbortSignal, leadership: Leadership): Promise<void> {
  const { config, clock, connection, informers, telemetry, log, ending } = parts;
  // A process that is asked to end may finish what it has begun; one that has lost the lead may not.
  const fence = config.leaderElection.enabled ? signal : new AbortController().signal;
  const kube = createKube(connection, {
    fence,
    mayWrite: () => leadership.mayWrite(),
    onRequest: (request) => {
      countRequest(telemetry, request);
    },
  });
  await informers.ready(AbortSignal.any([signal, ending])).catch(() => undefined);
  if (signal.aborted || ending.aborted) return;
  const events = createEventRecorder({ kube, clock, instance: config.identity, log });
  const controller = startController({
    kube,
    informers,
    clock,
    log,
    telemetry,
    events,
    workers: config.workers,
    prometheusUrl: config.prometheusUrl,
    trackSecrets: config.trackSecrets,
    ownNamespace: config.leaderElection.namespace,
    actionRetentionMs: config.actionRetentionMs,
    signal: fence,
  });
  log.info({}, "the controller is running");
  await aborted(AbortSignal.any([signal, ending]));
  await controller.stop({ deadlineMs: fence.aborted ? 0 : config.shutdownGraceMs });
  await events.flush();
}

function countRequest(
  telemetry: Telemetry,
  { verb, kind, status, durationMs }: { verb: string; kind: string; status: number; durationMs: number },
): void {
  telemetry.kubeRequest({ verb, kind, code: status, durationMs });
}

/** A watch that the server was not heard of on for this long makes the process unready. */
const MAX_SILENCE_MS = 180_000;

function readinessOf(informers: Informers): Readiness {
  const reasons = cachedKinds(informers).flatMap(({ kind, state, lastContactAgeMs }) => {
    if (state === "starting") return [`the cache of ${kind.plural} is not filled yet`];
    return lastContactAgeMs() > MAX_SILENCE_MS ? [`nothing was heard of ${kind.plural} for too long`] : [];
  });
  return { ready: reasons.length === 0, reasons };
}

/** SIGTERM and SIGINT end gracefully; a second one ends at once. */
function endOnSignals(log: Log): AbortSignal {
  const ending = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (ending.signal.aborted) process.exit(1);
      log.info({ signal }, "aviary is stopping");
      ending.abort();
    });
  }
  return ending.signal;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener(
      "abort",
      () => {
        resolve();
      },
      { once: true },
    );
  });
}

/** A process that has lost the lead ends: its caches and clocks are as old as the pause that made it lose. */
function codeOf(outcome: LeaderOutcome, log: Log): number {
  if (outcome !== "lost") return 0;
  log.error({}, "the lead was lost; this process ends, and a fresh one stands by");
  return 1;
}

if (import.meta.main) process.exitCode = await runController();
