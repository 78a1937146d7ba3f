import { setTimeout as sleep } from "node:timers/promises";
import { parseExposition, type ExposedSample } from "./exposition.ts";
import { labelsKey, METRIC_NAME, type Labels } from "./labels.ts";
import type { NowMs, Tsdb } from "./tsdb.ts";

/** Something with metrics: an address, or a function in this process that writes the exposition format. */
export type ScrapeTarget =
  | { readonly labels: Labels; readonly url: string }
  | { readonly labels: Labels; readonly collect: (signal: AbortSignal) => string | Promise<string> };

export interface ScraperOptions {
  readonly tsdb: Pick<Tsdb, "append" | "markStale">;
  readonly now: NowMs;
  /** Asked before every round. Labels tell targets apart: usually `job` and `instance`, or `pod` and `namespace`. */
  readonly targets: () => readonly ScrapeTarget[];
  /** Default 1 s. A scrape that takes longer has failed. */
  readonly intervalMs?: number;
}

export interface Scraper {
  /** One round over all targets. A target that cannot be read is recorded as `up 0`, never thrown. */
  scrapeOnce(signal?: AbortSignal): Promise<void>;
  /** Rounds, one interval apart, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** The series a target wrote in its last round, by identity, so that those it stops writing are ended. */
type LiveSeries = Map<string, Labels>;

export function createScraper(options: ScraperOptions): Scraper {
  const { tsdb, now, targets, intervalMs = 1000 } = options;
  let live = new Map<string, LiveSeries>();

  const scrapeOnce = async (signal?: AbortSignal): Promise<void> => {
    const round: Round = { tsdb, now, atMs: now(), signal: limited(signal, intervalMs) };
    const next = new Map<string, LiveSeries>();
    await Promise.all(
      targets().map(async (target) => {
        next.set(labelsKey(target.labels), await scrapeTarget(target, round));
      }),
    );
    const current = new Set([...next.values()].flatMap((series) => [...series.keys()]));
    for (const series of live.values()) {
      for (const [key, labels] of series) if (!current.has(key)) tsdb.markStale(labels, round.atMs);
    }
    live = next;
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const startedMs = performance.now();
      await scrapeOnce(signal);
      const restMs = Math.max(0, intervalMs - (performance.now() - startedMs));
      await sleep(restMs, undefined, { signal }).catch(() => undefined);
    }
  };

  return { scrapeOnce, run };
}

interface Round extends Pick<ScraperOptions, "tsdb" | "now"> {
  readonly atMs: number;
  readonly signal: AbortSignal;
}

function limited(signal: AbortSignal | undefined, ms: number): AbortSignal {
  const limit = AbortSignal.timeout(ms);
  return signal === undefined ? limit : AbortSignal.any([signal, limit]);
}

async function scrapeTarget(target: ScrapeTarget, { tsdb, now, atMs, signal }: Round): Promise<LiveSeries> {
  const exposed = await readTarget(target, signal);
  const written: LiveSeries = new Map();
  for (const sample of exposed ?? []) {
    const labels = attachTarget(sample.labels, target.labels);
    tsdb.append(labels, sample.timeMs ?? atMs, sample.value);
    if (sample.timeMs === undefined) written.set(labelsKey(labels), labels);
  }
  for (const [name, value] of reportOf(exposed, now() - atMs)) {
    const labels = { ...target.labels, [METRIC_NAME]: name };
    tsdb.append(labels, atMs, value);
    written.set(labelsKey(labels), labels);
  }
  return written;
}

/** The samples of a target, or undefined when it cannot be reached or does not speak the format. */
async function readTarget(target: ScrapeTarget, signal: AbortSignal): Promise<ExposedSample[] | undefined> {
  try {
    return parseExposition("url" in target ? await fetchText(target.url, signal) : await target.collect(signal));
  } catch {
    return undefined;
  }
}

async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal, headers: { accept: "text/plain;version=0.0.4" } });
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  return response.text();
}

/** The target's labels win; what a sample brought under the same name is kept as `exported_<name>`. */
function attachTarget(sample: Labels, target: Labels): Labels {
  const labels: Record<string, string> = { ...target };
  for (const [name, value] of Object.entries(sample)) {
    labels[name in target ? `exported_${name}` : name] = value;
  }
  return labels;
}

function reportOf(
  exposed: readonly ExposedSample[] | undefined,
  tookMs: number,
): readonly (readonly [string, number])[] {
  return [
    ["up", exposed === undefined ? 0 : 1],
    ["scrape_duration_seconds", tookMs / 1000],
    ["scrape_samples_scraped", exposed?.length ?? 0],
  ];
}
