import { startPrometheusApi } from "./api.ts";
import { createQueryEngine, type QueryEngine } from "./eval/query.ts";
import { createScraper, type Scraper, type ScrapeTarget } from "./scraper.ts";
import { createTsdb, type NowMs, type Tsdb } from "./tsdb.ts";

export interface EmbeddedPrometheusOptions {
  /** Asked before every round of scrapes. */
  readonly targets: () => readonly ScrapeTarget[];
  /** Default: the machine's clock. */
  readonly now?: NowMs;
  /** Default 1 s. 0: nothing is scraped by itself; the owner calls `scraper.scrapeOnce()`. */
  readonly scrapeIntervalMs?: number;
  /** Default 30 min. */
  readonly retentionMs?: number;
  /** Default 0: any free port of 127.0.0.1. */
  readonly port?: number;
}

export interface EmbeddedPrometheus {
  /** Address of the HTTP API, `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly tsdb: Tsdb;
  readonly engine: QueryEngine;
  readonly scraper: Scraper;
  close(): Promise<void>;
}

/**
 * An in-memory Prometheus for the demo, tests and simulation: it scrapes, stores, evaluates PromQL and serves the HTTP
 * API. No rules, alerts, native histograms or disk; not for production.
 */
export async function startEmbeddedPrometheus(options: EmbeddedPrometheusOptions): Promise<EmbeddedPrometheus> {
  const { targets, now = Date.now, scrapeIntervalMs = 1000, retentionMs, port } = options;
  const tsdb = createTsdb({ now, ...(retentionMs === undefined ? {} : { retentionMs }) });
  const engine = createQueryEngine({ storage: tsdb });
  const scraper = createScraper({ tsdb, now, targets, intervalMs: scrapeIntervalMs > 0 ? scrapeIntervalMs : 1000 });
  const api = await startPrometheusApi({ engine, storage: tsdb, now, ...(port === undefined ? {} : { port }) });
  const stop = new AbortController();
  const running = scrapeIntervalMs > 0 ? scraper.run(stop.signal) : Promise.resolve();
  return {
    url: api.url,
    tsdb,
    engine,
    scraper,
    close: async () => {
      stop.abort();
      await running;
      await api.close();
    },
  };
}
