import type { AskSeries } from "../../src/observe/series.ts";
import type { SeriesAnswer } from "../../src/metrics/provider.ts";
import { createQueryEngine } from "../../src/sandbox/prometheus/eval/query.ts";
import { createTsdb } from "../../src/sandbox/prometheus/tsdb.ts";
import { seededRandom } from "../../src/sandbox/random.ts";
import type { VirtualClock } from "../virtualClock.ts";

/** How one version answers. */
export interface Behaviour {
  /** Share of the requests that fail. */
  readonly errors?: number;
  /** Share of the requests that take 400 ms; the others take between 25 and 100. */
  readonly slow?: number;
  /** How full its containers are, in percent of their limits; kubelets say nothing of it when left out. */
  readonly full?: { readonly memory: number; readonly cpu?: number; readonly throttled?: number };
}

export interface MetricsWorldOptions {
  /** Requests in a second. */
  readonly rps: number;
  readonly canary?: Behaviour;
  readonly primary?: Behaviour;
  /** Percent of the requests that the canary gets; the gateway's weights when left out. */
  readonly share?: () => number;
  /** Containers have no limits. */
  readonly unlimited?: true;
}

/**
 * Contour's Envoy, scraped every five seconds into the embedded Prometheus, on virtual time: whatever is asked goes
 * through the real PromQL evaluator.
 */
export interface MetricsWorld {
  readonly ask: AskSeries;
  /** Queries that were asked. */
  readonly asked: string[];
  now: MetricsWorldOptions;
  /** Instead of an answer. */
  trouble: SeriesAnswer | undefined;
  /** The Envoy was restarted: its counters begin anew. */
  reset(): void;
}

const SCRAPE_MS = 5_000;
const EDGES = [25, 50, 100, 250, 500, 1_000];

export function startMetricsWorld(
  clock: VirtualClock,
  weights: () => Record<string, number>,
  options: MetricsWorldOptions | undefined,
): MetricsWorld {
  const tsdb = createTsdb({ now: () => clock.now(), retentionMs: 2 * 3_600_000 });
  const engine = createQueryEngine({ storage: tsdb });
  const random = seededRandom(7);
  let counters = new Map<string, number>();
  const world: MetricsWorld = {
    asked: [],
    now: options ?? { rps: 0 },
    trouble: undefined,
    reset() {
      counters = new Map();
    },
    ask: ({ query, atMs }) => {
      world.asked.push(query);
      if (world.trouble !== undefined) return Promise.resolve(world.trouble);
      const value = engine.instant(query, atMs);
      if (value.type === "vector") {
        const series = value.samples.map((sample) => ({
          labels: sample.labels,
          points: [[atMs, sample.value] as const],
        }));
        return Promise.resolve({ kind: "series", series });
      }
      if (value.type !== "matrix") throw new Error(`${query} gives ${value.type}`);
      const series = value.series.map(({ labels, points }) => ({
        labels,
        points: points.map((point) => [point.timeMs, point.value] as const),
      }));
      return Promise.resolve({ kind: "series", series });
    },
  };

  const add = (labels: Record<string, string>, by: number): void => {
    const key = JSON.stringify(labels);
    counters.set(key, (counters.get(key) ?? 0) + by);
  };
  const serve = (cluster: string, requests: number, { errors = 0, slow = 0 }: Behaviour): void => {
    const labels = { envoy_cluster_name: cluster };
    const failed = drawn(random, requests, errors);
    const late = drawn(random, requests, slow);
    add({ __name__: "envoy_cluster_upstream_rq", ...labels, envoy_response_code: "200" }, requests - failed);
    if (failed > 0) add({ __name__: "envoy_cluster_upstream_rq", ...labels, envoy_response_code: "503" }, failed);
    for (const edge of EDGES) {
      const within =
        edge >= 500 ? requests : edge >= 100 ? requests - late : Math.round((requests - late) * (edge / 100));
      add({ __name__: "envoy_cluster_upstream_rq_time_bucket", ...labels, le: String(edge) }, within);
    }
    add({ __name__: "envoy_cluster_upstream_rq_time_bucket", ...labels, le: "+Inf" }, requests);
  };
  const kubelets = (pod: string, { full }: Behaviour): void => {
    if (full === undefined) return;
    const container = { namespace: "shop", pod, container: "web" };
    const gauge = (name: string, value: number, labels: object = {}) => {
      tsdb.append({ __name__: name, ...container, ...labels }, clock.now(), value);
    };
    const { memory, cpu = 20, throttled = 0 } = full;
    gauge("container_memory_working_set_bytes", memory * 1e6, { id: "/kubepods/1" });
    add({ __name__: "container_cpu_usage_seconds_total", ...container }, (cpu / 100) * (SCRAPE_MS / 1_000));
    if (world.now.unlimited === true) return;
    gauge("kube_pod_container_resource_limits", 1e8, { resource: "memory", unit: "byte" });
    gauge("kube_pod_container_resource_limits", 1, { resource: "cpu", unit: "core" });
    add({ __name__: "container_cpu_cfs_periods_total", ...container }, SCRAPE_MS / 100);
    add({ __name__: "container_cpu_cfs_throttled_periods_total", ...container }, (throttled / 100) * (SCRAPE_MS / 100));
  };
  const scrape = (): void => {
    const { rps, canary = {}, primary = {}, share } = world.now;
    kubelets("web-5d9c7b-x2x4z", canary);
    kubelets("web-primary-7f6d5c-b8k2m", primary);
    const percent = share?.() ?? weights()["web-canary"] ?? 0;
    const all = (rps * SCRAPE_MS) / 1_000;
    const toCanary = drawn(random, Math.round(all), percent / 100);
    if (toCanary > 0) serve("shop_web-canary_80", toCanary, canary);
    serve("shop_web-primary_80", Math.round(all) - toCanary, primary);
    for (const [key, value] of counters) tsdb.append(JSON.parse(key) as Record<string, string>, clock.now(), value);
    clock.after(SCRAPE_MS, scrape);
  };
  if (options !== undefined) scrape();
  return world;
}

/** So many of `n` that each are `p` likely. */
function drawn(random: () => number, n: number, p: number): number {
  if (p <= 0) return 0;
  let hits = 0;
  for (let i = 0; i < n; i++) if (random() < p) hits += 1;
  return hits;
}
