import { describe, expect, it } from "vitest";
import type { Canary } from "../../src/api/canary.ts";
import type { TakenTile } from "../../src/decide/taken.ts";
import type { Series } from "../../src/metrics/provider.ts";
import { createTiles } from "../../src/observe/tiles.ts";
import { createVirtualClock } from "../virtualClock.ts";
import { canaryUnderWeight } from "./underWeight.ts";

/** The kinds of a metric that Prometheus has of each version: `m_count` and `m_bucket` are classic, `m` is native. */
interface World {
  readonly canary: readonly string[];
  readonly primary: readonly string[];
}

const METRIC = "http_server_request_duration_seconds";
const CLASSIC = [`${METRIC}_count`, `${METRIC}_bucket`];
const NATIVE = [METRIC];

function pods(query: string, world: World): readonly (readonly [pod: string, metrics: readonly string[]])[] {
  // Patterns of the query, which hold names of workloads.
  const names = [...new Set([...query.matchAll(/web-[0-9]+(?:-primary)?(?=-\[)/g)].map(([name]) => name))];
  return names.map((name) => [`${name}-5d9c7b-x2x4z`, name.endsWith("primary") ? world.primary : world.canary]);
}

/** Answers a query by the metrics that it names. */
function answer(query: string, world: World): readonly Series[] {
  const counts = (metric: string) => query.includes(`${metric}{`);
  return pods(query, world).flatMap(([pod, metrics]): readonly Series[] => {
    if (!metrics.some(counts)) return [];
    if (query.startsWith("sum by (pod) ((http_server_request_duration_seconds{")) {
      const buckets = [{ lower: 0.06, upper: 0.125, count: 20 }, { lower: 0.25, upper: 0.3, count: 4 }]; // prettier-ignore
      return [{ labels: { pod }, points: [], histogram: { count: 24, buckets } }];
    }
    if (query.startsWith("sum by (pod) (http_server_request_duration_seconds{")) return [];
    return [{ labels: { pod, le: "+Inf" }, points: [[0, 24]] }];
  });
}

function canaryNumber(number: number, at: string): Canary {
  const spec = {
    targetRef: { kind: "Deployment", name: `web-${number}` },
    analysis: { checks: [{ name: "regressions", comparison: { dataPlane: "OpenTelemetry", slowerThan: "300ms" } }] },
  };
  return canaryUnderWeight(spec, at);
}

/** The first tile of so many canaries, and what was asked for it. */
async function firstTiles(count: number, world: World) {
  const clock = createVirtualClock();
  const asked: string[] = [];
  const tiles = createTiles({
    clock,
    ask: ({ query }) => {
      asked.push(query);
      return Promise.resolve({ kind: "series", series: answer(query, world) });
    },
    onAnswer: () => undefined,
    signal: new AbortController().signal,
  });
  const at = new Date(clock.now()).toISOString();
  const canaries = Array.from({ length: count }, (_, number) => canaryNumber(number, at));
  const collect = () =>
    canaries.map((canary, number) => {
      const { name } = canary.spec.targetRef;
      return tiles.collect(`shop/${number}`, canary, () => ({
        controllers: [],
        subject: {
          namespace: "shop",
          kind: "Deployment",
          workload: { canary: name, primary: `${name}-primary` },
          service: { canary: `${name}-canary`, primary: [`${name}-primary`] },
          port: 80,
          routes: [],
        },
      }));
    });
  await clock.advance(60_000);
  expect(collect()).toEqual(canaries.map(() => undefined));
  await clock.advance(1_000);
  return { asked, tiles: collect() as readonly TakenTile[] };
}

describe("which kind of histogram is read", () => {
  it.each<{ what: string; world: World; native: boolean | undefined }>([
    { what: "classic", world: { canary: CLASSIC, primary: CLASSIC }, native: undefined },
    { what: "native, where there is nothing else", world: { canary: NATIVE, primary: NATIVE }, native: true },
    {
      what: "classic, where both have both",
      world: { canary: [...CLASSIC, ...NATIVE], primary: [...CLASSIC, ...NATIVE] },
      native: undefined,
    },
    {
      what: "native, where the release brings the change and the primary has both",
      world: { canary: NATIVE, primary: [...CLASSIC, ...NATIVE] },
      native: true,
    },
    {
      what: "classic, where the primary has nothing else",
      world: { canary: NATIVE, primary: CLASSIC },
      native: undefined,
    },
  ])("$what", async ({ world, native }) => {
    const { tiles } = await firstTiles(1, world);
    expect(tiles[0]?.sources).toEqual([
      { check: "regressions", dataPlane: "OpenTelemetry", latency: true, ...(native === true ? { native } : {}) },
    ]);
    const shown = tiles[0]?.queries["regressions"]?.map(({ what }) => what) ?? [];
    expect(shown.slice(2)).toEqual(
      native === true ? ["latency, until the end", "latency, before the start"] : ["latency"],
    );
  });
});

it("native histograms are cut where the user says, too", async () => {
  const { tiles } = await firstTiles(1, { canary: NATIVE, primary: NATIVE });
  const latency = tiles[0]?.streams["regressions/Latency"];
  if (latency?.kind !== "histograms") throw new Error(JSON.stringify(latency));
  const { edges, counts, total } = latency.canary;
  const below = (edge: number) => counts[edges.indexOf(edge)];
  expect([below(62.5), below(125), below(250), below(300), below(500), total]).toEqual([1, 20, 20, 24, 24, 24]);
});

describe("fifty canaries on the same data plane, whose intervals end together", () => {
  // Of each canary itself: how its primary fared in the hour before, once in a rollout.
  const shared = (asked: readonly string[]) => asked.filter((query) => !query.includes("[12h:30s]"));

  it("cost three queries an interval with classic histograms, and two to find out", async () => {
    const { asked, tiles } = await firstTiles(50, { canary: CLASSIC, primary: CLASSIC });
    expect(shared(asked)).toHaveLength(2 + 3);
    expect(tiles.map(({ streams }) => streams["regressions/Errors"]?.kind)).toEqual(tiles.map(() => "counts"));
  });

  it("cost four with native ones", async () => {
    const { asked, tiles } = await firstTiles(50, { canary: NATIVE, primary: NATIVE });
    expect(shared(asked)).toHaveLength(2 + 4);
    expect(tiles.map(({ streams }) => streams["regressions/Latency"]?.kind)).toEqual(tiles.map(() => "histograms"));
  });
});
