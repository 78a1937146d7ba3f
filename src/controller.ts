import type { EventRecorder } from "./kube/events.ts";
import { createFreshReads } from "./kube/fresh.ts";
import type { FreshReads } from "./kube/fresh.ts";
import type { Informers } from "./kube/informer.ts";
import type { Kube } from "./kube/port.ts";
import { createQueue } from "./kube/queue.ts";
import type { Queue } from "./kube/queue.ts";
import type { Log } from "./lib/log.ts";
import type { Clock } from "./lib/time.ts";
import { createPodTroubles } from "./observe/podTrouble.ts";
import { createConfiguration } from "./observe/configuration.ts";
import { createEvidenceTaker } from "./observe/evidence.ts";
import { probeOverHttp } from "./observe/probe.ts";
import type { Probe } from "./observe/probe.ts";
import { createProviders } from "./observe/providers.ts";
import type { AskProvider } from "./observe/readings.ts";
import { createCanaryPods } from "./observe/canaryPods.ts";
import { createReadings } from "./observe/readings.ts";
import type { AskSeries } from "./observe/series.ts";
import { createTiles } from "./observe/tiles.ts";
import { createAnswering } from "./report/answering.ts";
import { createPacing } from "./report/pacing.ts";
import { afterFailure, kindOf, reconcile } from "./reconcile.ts";
import { watchEverything } from "./triggers.ts";
import type { Telemetry } from "./server/telemetry.ts";

export interface ControllerOptions {
  readonly kube: Kube;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly events: EventRecorder;
  /** Canaries that are looked at side by side. */
  readonly workers: number;
  readonly prometheusUrl: string | undefined;
  /** Whether the Secrets that pods refer to are part of their revision. */
  readonly trackSecrets: boolean;
  readonly ownNamespace: string;
  /** How long answered CanaryActions are kept, in milliseconds. */
  readonly actionRetentionMs: number;
  /** Statuses that can wait are written so often a second, over all Canaries; as `createPacing` says when left out. */
  readonly statusesPerSecond?: number | undefined;
  /** Asks metrics back-ends; those of the providers when left out. */
  readonly ask?: AskProvider;
  /** Asks them for series; those of the providers when left out. */
  readonly askSeries?: AskSeries;
  /** Sends the requests of probes; over HTTP when left out. */
  readonly probe?: Probe;
  /** Aborted when this process may not act any more. */
  readonly signal: AbortSignal;
}

export interface Controller {
  readonly queue: Queue;
  readonly reads: FreshReads;
  /** Starts nothing any more, and waits for what runs. */
  stop(options: { readonly deadlineMs: number }): Promise<void>;
}

/** Watches what can change a canary, turns every change into the canary's key, and works on the keys. */
export function startController(options: ControllerOptions): Controller {
  const { kube, informers, clock, log, telemetry, events, workers, signal } = options;
  const reads = createFreshReads(informers, clock);
  const providerOptions = {
    kube,
    reads,
    defaultPrometheusUrl: options.prometheusUrl,
    ownNamespace: options.ownNamespace,
  };
  const providers = createProviders(providerOptions, clock);
  const { ask = providers.ask, askSeries = providers.askSeries, probe = probeOverHttp, actionRetentionMs } = options;
  const { lookBackMs } = providers;
  // Whoever asks in the background has the canary looked at when the answer is in.
  const asking = {
    clock,
    onAnswer: (key: string) => {
      queue.add(key);
    },
    signal,
  };
  const readings = createReadings({ ...asking, ask, askSeries, lookBackMs });
  const tiles = createTiles({ ...asking, ask: askSeries });
  const evidence = createEvidenceTaker({ ...asking, ask, lookBackMs, probe });
  const configuration = createConfiguration({ kube, reads, trackSecrets: options.trackSecrets });
  const looking = {
    actionRetentionMs,
    kube,
    reads,
    clock,
    readings,
    tiles,
    podTroubles: createPodTroubles({ kube, clock }),
    canaryPods: createCanaryPods({ ...asking, kube }),
    configuration,
    evidence,
    providers: providerOptions,
    events,
    telemetry,
    log,
    answering: createAnswering(clock),
    pacing: createPacing(clock, { perSecond: options.statusesPerSecond }),
  };
  const queue: Queue = createQueue({
    clock,
    workers,
    signal,
    run: (key, { signal: running }) => reconcile(key, looking, running),
    onError: ({ key, error, failures, retryInMs }) => {
      telemetry.queueRetried();
      const kind = kindOf(error);
      if (kind === "stopped") return;
      const fields = { canary: key, kind, failures, retryInMs, err: error };
      if (kind === "bug") log.error(fields, "looking at the canary failed");
      else log.warn(fields, "the canary is looked at again later");
      // Where not even the status can be written, the log has said so.
      void afterFailure(key, { error, failures }, { ...looking, signal }).catch(() => undefined);
    },
  });
  watchEverything({ informers, queue, configuration });
  telemetry.observeQueue(() => ({ depth: queue.figures().depth, oldestMs: queue.figures().oldestAgeMs }));
  return {
    queue,
    reads,
    async stop({ deadlineMs }) {
      await queue.stop({ deadlineMs });
      await providers.close();
    },
  };
}
