import { startController } from "../../controller.ts";
import type { Canary } from "../../api/canary.ts";
import { createEventRecorder } from "../../kube/events.ts";
import { createInformers } from "../../kube/informers.ts";
import { silentLog } from "../../lib/log.ts";
import type { Question } from "../../api/query.ts";
import type { Reading } from "../../metrics/provider.ts";
import type { AskSeries } from "../../observe/series.ts";
import type { Telemetry } from "../../server/telemetry.ts";
import { startCaches } from "../../triggers.ts";
import type { ApiServer } from "../apiserver/apiServer.ts";
import { createMemoryKube } from "../memoryKube.ts";
import type { VirtualClock } from "../virtualClock.ts";

export interface ProductionOptions {
  readonly core: ApiServer;
  readonly clock: VirtualClock;
  readonly ask: (canary: Canary, question: Question) => Reading;
  readonly askSeries: AskSeries;
  /** Percent of the requests that the canary gets. */
  readonly weight: () => number;
  /** Called after every write. */
  readonly look: () => void;
}

/** Starts the production controller in this process, on virtual time. */
export async function startProduction(options: ProductionOptions): Promise<{ stop(): Promise<void> }> {
  const { core, clock, look } = options;
  const kube = createMemoryKube({ server: core, after: look });
  const informers = createInformers(kube, clock, { random: () => 0 });
  startCaches(informers, { trackSecrets: true });
  await clock.advance(10);
  await informers.ready();
  const ending = new AbortController();
  const controller = startController({
    kube,
    informers,
    clock,
    log: silentLog,
    telemetry: NOBODY_SCRAPES,
    events: createEventRecorder({ kube, clock, instance: "simulation" }),
    workers: 1,
    prometheusUrl: "http://prometheus.invalid",
    trackSecrets: true,
    ownNamespace: "aviary",
    actionRetentionMs: 604_800_000,
    signal: ending.signal,
    ask: ({ canary, question }) => Promise.resolve(options.ask(canary, question)),
    askSeries: options.askSeries,
    probe: ({ requests }) => {
      const hits = Math.round((requests * options.weight()) / 100);
      return Promise.resolve({ sent: requests, hits, answered: requests });
    },
  });
  return {
    async stop() {
      ending.abort();
      await controller.stop({ deadlineMs: 0 });
      await informers.stop();
    },
  };
}

const NOBODY_SCRAPES: Telemetry = {
  canary() {},
  forgetCanary() {},
  reconciled() {},
  reconcileFailed() {},
  rolloutEnded() {},
  queueRetried() {},
  observeQueue() {},
  observeWatch() {},
  kubeRequest() {},
  leader() {},
  contentType: "",
  metrics: () => Promise.resolve(""),
};
