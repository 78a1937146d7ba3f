import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Canary } from "../../src/api/canary.ts";
import type { Histogram } from "../../src/analysis/types.ts";
import type { TakenTile } from "../../src/decide/taken.ts";
import { systemClock } from "../../src/lib/time.ts";
import { metricProviderFor } from "../../src/metrics/index.ts";
import type { MetricSource } from "../../src/metrics/provider.ts";
import { createTiles } from "../../src/observe/tiles.ts";
import { waitFor } from "../cluster/harness/polling.ts";
import { createParts } from "../cluster/harness/parts.ts";
import { canaryUnderWeight } from "../observe/underWeight.ts";
import { ensureGatewayBinaries } from "./rig/binaries.ts";
import { startNativeExposition } from "./rig/nativeExposition.ts";
import type { NativeExposition, Observed } from "./rig/nativeExposition.ts";
import { startPrometheus } from "./rig/prometheus.ts";
import type { Prometheus } from "./rig/prometheus.ts";

const METRIC = "http_server_request_duration_seconds";
const INTERVAL_MS = 5_000;

let app: NativeExposition;
let prometheus: Prometheus;
let source: MetricSource;

beforeAll(async () => {
  const parts = createParts(mkdtempSync(join(tmpdir(), "native-")));
  app = await startNativeExposition(METRIC);
  const { prometheus: command } = await ensureGatewayBinaries();
  prometheus = await startPrometheus({
    command,
    parts,
    gatewayMetrics: app.address,
    features: ["native-histograms"],
  });
  const kind = metricProviderFor("prometheus");
  if (kind === undefined) throw new Error("there is no provider of kind prometheus");
  const block = kind.schema.parse({ url: prometheus.url });
  source = kind.connect(block, {}, { mayUseOwnIdentity: false });
});

afterAll(async () => {
  await source?.close();
  await prometheus?.stop();
  await app?.stop();
});

const pod = (name: string, code: number, schema: number, observed: Observed["observed"]): Observed => ({
  labels: { namespace: "shop", pod: name, http_response_status_code: String(code) },
  schema,
  observed,
});

/** A canary whose weight came into effect at a moment. */
function canaryAt(moment: number): Canary {
  const analysis = {
    interval: "5s",
    metricsDelay: "2s",
    checks: [{ name: "regressions", comparison: { dataPlane: "OpenTelemetry", slowerThan: "300ms" } }],
  };
  return canaryUnderWeight({ analysis }, new Date(moment).toISOString());
}

/** Requests of an arm that took longer than an edge, in milliseconds. */
function slower({ edges, counts, total = 0 }: Histogram, edge: number): number {
  return total - (counts[edges.indexOf(edge)] ?? NaN);
}

test("what a real Prometheus stores as native histograms is counted by version, in tiles", async () => {
  app.expose([
    pod("web-primary-7f6d5c-b8k2m", 200, 3, [[0.05, 90_000], [0.3, 9_000], [2.5, 50]]), // prettier-ignore
    pod("web-5d9c7b-x2x4z", 200, 3, [[0.05, 700], [0.3, 90]]), // prettier-ignore
  ]);
  await waitFor("the first scrapes", async () => {
    return ((await prometheus.query(`count(count_over_time(${METRIC}[1m]) > 2)`)) ?? 0) >= 2;
  });
  const canary = canaryAt(Date.now() + 1_000);
  const from = Math.ceil((Date.now() + 1_000) / INTERVAL_MS) * INTERVAL_MS;
  await new Promise((resolve) => setTimeout(resolve, from + 1_500 - Date.now()));
  app.expose([
    // It has made its buckets coarser, and served 440 more, of which four failed.
    pod("web-primary-7f6d5c-b8k2m", 200, 1, [[0.05, 90_396], [0.3, 9_040], [2.5, 50]]), // prettier-ignore
    pod("web-primary-7f6d5c-b8k2m", 500, 1, [[0.05, 4]]),
    // It has started anew, and served 80.
    pod("web-5d9c7b-x2x4z", 200, 3, [[0.05, 60], [0.3, 20]]), // prettier-ignore
    // It is new.
    pod("web-5d9c7b-q7w8e", 500, 4, [[0.7, 30]]),
  ]);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const { signal } = new AbortController();
  const tiles = createTiles({
    clock: systemClock,
    ask: ({ query, atMs }, by) =>
      source.series?.(query, { signal: by, atMs }) ?? Promise.reject(new Error("no series")),
    onAnswer: () => {
      resolve(undefined);
    },
    signal,
  });
  const surroundings = () => ({
    controllers: [],
    subject: {
      namespace: "shop",
      kind: "Deployment",
      workload: { canary: "web", primary: "web-primary" },
      service: { canary: "web-canary", primary: ["web-primary"] },
      port: 80,
      routes: [],
    },
  });
  await new Promise((done) => setTimeout(done, from + INTERVAL_MS + 2_500 - Date.now()));
  expect(tiles.collect("shop/web", canary, surroundings)).toBeUndefined();
  await promise;
  const tile = tiles.collect("shop/web", canary, surroundings) as TakenTile;
  expect(tile.from).toBe(from);
  expect(tile.sources).toEqual([{ check: "regressions", dataPlane: "OpenTelemetry", latency: true, native: true }]);
  expect(tile.streams["regressions/Errors"]).toEqual({
    kind: "counts",
    canary: { total: 110, bad: 30 },
    primary: { total: 440, bad: 4 },
  });
  const latency = tile.streams["regressions/Latency"];
  if (latency?.kind !== "histograms") throw new Error(JSON.stringify(latency));
  expect([31.25, 62.5, 250, 500, 1_000].map((edge) => slower(latency.canary, edge))).toEqual([110, 50, 50, 30, 0]);
  expect([31.25, 62.5, 250, 500, 1_000].map((edge) => slower(latency.primary, edge))).toEqual([440, 40, 40, 0, 0]);
  // Within a bucket of the coarse schema, 250 to 354 ms, the edge of the user's takes a part.
  expect(slower(latency.primary, 300)).toBeGreaterThan(0);
  expect(slower(latency.primary, 300)).toBeLessThan(40);
});
