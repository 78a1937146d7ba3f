import { startController } from "../../src/controller.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { createEventRecorder } from "../../src/kube/events.ts";
import type { Kube, KubeObject, ResourceKind, WatchEvent, WatchOptions } from "../../src/kube/port.ts";
import { createInformers } from "../../src/kube/informers.ts";
import { createSteadyClock } from "../../src/lib/steadyClock.ts";
import type { Clock } from "../../src/lib/time.ts";
import { silentLog } from "../../src/lib/log.ts";
import type { Log } from "../../src/lib/log.ts";
import type { Reading } from "../../src/metrics/provider.ts";
import type { AskSeries } from "../../src/observe/series.ts";
import type { ProbeAnswer } from "../../src/observe/probe.ts";
import type { ApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import { createMemoryKube } from "../../src/sandbox/memoryKube.ts";
import type { KubeCall } from "../../src/sandbox/memoryKube.ts";
import { createTelemetry } from "../../src/server/telemetry.ts";
import { startCaches } from "../../src/triggers.ts";
import type { VirtualClock } from "../virtualClock.ts";

/** How long answered CanaryActions are kept here: not a week, in which caches look for absent kinds very often. */
export const ACTION_RETENTION_MS = 3_600_000;

/** Where a controller dies: just before its n-th write takes effect (counted from 1), or just after. */
export interface Crash {
  readonly write: number;
  readonly side: "before" | "after";
}

/** What a whole life asked of the API server, over all processes. */
export interface Traffic {
  requests: number;
  /** `verb Kind` of every write but events, which are told and forgotten. */
  readonly writes: string[];
}

export interface ProcessOptions {
  readonly server: ApiServer;
  readonly clock: VirtualClock;
  readonly ask: (query: string) => Reading;
  readonly askSeries: AskSeries;
  readonly probe: () => ProbeAnswer;
  readonly traffic: Traffic;
  /** Called after every write. */
  readonly look: () => void;
  readonly onError: (error: unknown) => void;
  readonly crash?: Crash | undefined;
  /** The way to the API server: throws what a call is answered with. */
  readonly way: Way;
  readonly trackSecrets?: boolean | undefined;
  readonly statusesPerSecond?: number | undefined;
}

/** What can happen on the way to the API server. */
export interface Way {
  /** Called before every call; what it throws is what the controller gets. */
  fault: ((call: KubeCall) => void) | undefined;
  /** Aborted when the connections of the watches break. */
  cut: AbortController;
  /** By how much the clock of the controller's machine is ahead of everybody else's, in milliseconds. */
  aheadMs: number;
}

/** The production controller, as a process that can die. */
export interface ControllerProcess {
  /** It has died: nothing that it still does reaches the API server. */
  readonly dead: boolean;
  stop(): Promise<void>;
}

const WRITES = new Set(["create", "apply", "jsonPatch", "mergePatch", "replace", "delete"]);

export async function runProcess(options: ProcessOptions): Promise<ControllerProcess> {
  const { server, traffic, look, crash } = options;
  const clock = clockOf(options);
  let dead = false;
  const die = (call: KubeCall, side: Crash["side"]): void => {
    if (isWrite(call) && crash?.side === side && traffic.writes.length === crash.write) dead = true;
    if (dead) throw new Error("the process has died");
  };
  const memory = createMemoryKube({
    server,
    before(call) {
      if (dead) throw new Error("the process has died");
      options.way.fault?.(call);
      traffic.requests += 1;
      if (isWrite(call)) traffic.writes.push(`${call.verb} ${call.kind.kind}`);
      die(call, "before");
    },
    after(call) {
      look();
      die(call, "after");
    },
  });
  const kube: Kube = { ...memory, watch: (kind, watching) => breakable(memory, options.way, { kind, watching }) };
  const ending = new AbortController();
  const informers = createInformers(kube, clock, { random: () => 0 });
  const { trackSecrets = true } = options;
  startCaches(informers, { trackSecrets });
  await options.clock.advance(10);
  await informers.ready();
  const controller = startController({
    kube,
    informers,
    clock,
    log: logOf(options),
    telemetry: createTelemetry(),
    events: createEventRecorder({ kube, clock, instance: "test" }),
    workers: 4,
    prometheusUrl: "http://127.0.0.1:9",
    trackSecrets,
    statusesPerSecond: options.statusesPerSecond,
    ownNamespace: "aviary",
    actionRetentionMs: ACTION_RETENTION_MS,
    signal: ending.signal,
    ask: ({ query }) => Promise.resolve(options.ask(query)),
    askSeries: options.askSeries,
    probe: () => Promise.resolve(options.probe()),
  });
  return {
    get dead() {
      return dead;
    },
    async stop() {
      dead = true;
      ending.abort();
      await controller.stop({ deadlineMs: 0 });
      await informers.stop();
    },
  };
}

/** As `main` makes it: what somebody sets the machine's time to does not show at once. */
function clockOf({ clock, way }: ProcessOptions): Clock {
  const steady = createSteadyClock({ wall: () => clock.now() + way.aheadMs, running: () => clock.now() });
  return { now: () => steady.now(), after: (delayMs, callback) => clock.after(delayMs, callback) };
}

/** A watch that ends as a connection does that broke. */
async function* breakable<T extends KubeObject>(
  kube: Kube,
  way: Way,
  { kind, watching }: { readonly kind: ResourceKind; readonly watching: WatchOptions },
): AsyncGenerator<WatchEvent<T>> {
  const { signal } = way.cut;
  try {
    const both = watching.signal === undefined ? signal : AbortSignal.any([watching.signal, signal]);
    yield* kube.watch<T>(kind, { ...watching, signal: both });
  } catch (error) {
    if (!signal.aborted || watching.signal?.aborted === true) throw error;
    throw new KubeError({ reason: "Unavailable", status: 0, message: "the connection broke" });
  }
}

function isWrite({ verb, kind }: KubeCall): boolean {
  return WRITES.has(verb) && kind.kind !== "Event";
}

/** Errors that the controller logs are for the test to judge: most are bugs. */
function logOf({ onError }: ProcessOptions): Log {
  const note = (fields: unknown, message?: string): void => {
    const { err } = fields as { err?: unknown };
    if (err !== undefined) onError(err);
    else if (message !== undefined) onError(new Error(message));
  };
  return { ...silentLog, error: note, warn: note };
}
