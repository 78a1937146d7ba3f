import { setTimeout as sleep } from "node:timers/promises";
import { type Ticks, tick } from "../../bench/analysis/judges/flagger.ts";
import type { Prometheus } from "../rig/prometheus.ts";

/** What Flagger's rule would have made of a rollout, by the same metrics of the same requests. */
export interface FlaggerSeen extends Ticks {
  readonly everySeconds: number;
  /** Since the first weight, when it ended. */
  readonly seconds?: number;
  /** Requests to the canary until then. */
  readonly requests?: number;
}

export interface FlaggerWatch {
  /** The rollout is over, so there is nothing more to be asked. Returns what was seen. */
  stop(): Promise<FlaggerSeen>;
}

export interface FlaggerOptions {
  readonly prometheus: Prometheus;
  readonly namespace: string;
  /** Flagger's interval: 60 if left out there, 10 at least. */
  readonly everySeconds: number;
  /** Epoch milliseconds of the first weight. */
  readonly since: number;
  /** Requests to the canary so far. */
  readonly requests: () => number;
}

/** Good checks until it promotes: Aviary's default steps, since the steps of these tests are too few for a rule that counts them. */
const STEPS = 6;

/** Asks Prometheus at Flagger's interval what Flagger asks it about a canary behind Contour. */
export function watchAsFlagger(options: FlaggerOptions): FlaggerWatch {
  const { prometheus, everySeconds, since, requests } = options;
  const { good, p99Ms } = queriesFor(options);
  const over = new AbortController();
  let seen: FlaggerSeen = { everySeconds, passed: 0, failed: 0 };
  const look = async (): Promise<void> => {
    const [share, latency] = await Promise.all([valueOf(prometheus, good), valueOf(prometheus, p99Ms)]);
    if (over.signal.aborted) return;
    const ticks = tick(seen, { good: share, p99Ms: latency }, STEPS);
    const end = { seconds: Math.round((Date.now() - since) / 1_000), requests: requests() };
    seen = { everySeconds, ...ticks, ...(ticks.end === undefined ? {} : end) };
  };
  const watching = (async () => {
    for (let count = 1; seen.end === undefined; count += 1) {
      await sleep(Math.max(0, since + count * everySeconds * 1_000 - Date.now()), undefined, { signal: over.signal });
      await look();
    }
  })().catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
  return {
    stop: async () => {
      over.abort();
      await watching;
      return seen;
    },
  };
}

function queriesFor({ namespace, everySeconds }: FlaggerOptions): { readonly good: string; readonly p99Ms: string } {
  const cluster = `envoy_cluster_name="${namespace}_web-canary_80"`;
  const rate = (metric: string, more = ""): string => `rate(${metric}{${cluster}${more}}[${everySeconds}s])`;
  const all = "envoy_cluster_upstream_rq";
  const good = `sum(${rate(all, ',envoy_response_code!~"5.*"')}) / sum(${rate(all)})`;
  return { good, p99Ms: `histogram_quantile(0.99, sum by (le) (${rate("envoy_cluster_upstream_rq_time_bucket")}))` };
}

/** Flagger takes NaN for no value, and a Prometheus that does not answer as well. */
async function valueOf(prometheus: Prometheus, query: string): Promise<number | undefined> {
  const value = await prometheus.query(query).catch(() => undefined);
  return value === undefined || Number.isNaN(value) ? undefined : value;
}
