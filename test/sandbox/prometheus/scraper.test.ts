import { createServer } from "node:http";
import { once } from "node:events";
import { Counter, Histogram, Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { createQueryEngine } from "../../../src/sandbox/prometheus/eval/query.ts";
import { ExpositionError, parseExposition } from "../../../src/sandbox/prometheus/exposition.ts";
import { createScraper, type ScrapeTarget } from "../../../src/sandbox/prometheus/scraper.ts";
import { createTsdb } from "../../../src/sandbox/prometheus/tsdb.ts";
import { render } from "./render.ts";

/** A scraper, its store and a clock that the test moves; each `round` is a second. */
function bench(): { targets: ScrapeTarget[]; round: () => Promise<void>; ask: (query: string) => string[] } {
  const targets: ScrapeTarget[] = [];
  let nowMs = 1_700_000_000_000;
  const now = (): number => nowMs;
  const tsdb = createTsdb({ now });
  const scraper = createScraper({ tsdb, now, targets: () => targets });
  const engine = createQueryEngine({ storage: tsdb });
  const round = async (): Promise<void> => {
    nowMs += 1000;
    await scraper.scrapeOnce();
  };
  return { targets, round, ask: (query) => render(engine.instant(query, nowMs)) };
}

const ENVOY = `# TYPE envoy_cluster_upstream_rq counter
envoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="shop_podinfo-canary_9898"} 12

# TYPE envoy_cluster_upstream_rq_time histogram
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="c",le="0.5"} 1
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="c",le="1"} 2
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="c",le="3600000"} 3
envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="c",le="+Inf"} 3
envoy_cluster_upstream_rq_time_sum{envoy_cluster_name="c"} 2.0499999999999998
`;

describe("the exposition format", () => {
  test("reads what Envoy writes, with the bounds spelled as Prometheus 3 stores them", () => {
    const samples = parseExposition(ENVOY);
    expect(samples).toHaveLength(6);
    expect(samples.map(({ labels }) => labels["le"]).filter(Boolean)).toEqual(["0.5", "1.0", "3.6e+06", "+Inf"]);
    expect(samples[5]?.value).toBe(2.0499999999999998);
  });

  test.each([
    ["a 1", { __name__: "a" }, 1],
    ["a{} 1e3", { __name__: "a" }, 1000],
    ["a\t+Inf", { __name__: "a" }, Infinity],
    ['a { b = "c" , d="e", } -0.5', { __name__: "a", b: "c", d: "e" }, -0.5],
    ['a{b="q\\"\\\\\\n}, x=\\"1"} 2', { __name__: "a", b: 'q"\\\n}, x="1' }, 2],
    ['{"http.server","a.b"="c"} 3', { __name__: "http.server", "a.b": "c" }, 3],
    ['a{b="c"} 4 # {trace_id="x"} 1 2', { __name__: "a", b: "c" }, 4],
  ])("reads %j", (line, labels, value) => {
    expect(parseExposition(line)).toEqual([{ labels, value, timeMs: undefined }]);
  });

  test("takes the time that a target wrote itself", () => {
    expect(parseExposition("a 1 1700000000123")[0]?.timeMs).toBe(1_700_000_000_123);
  });

  test.each(["a", "a b", 'a{b="c} 1', "a{b} 1", "a 1 2 3", "1a 1", '{b="c"} 1', "<html>"])("refuses %j", (line) => {
    expect(() => parseExposition(line)).toThrow(ExpositionError);
  });
});

describe("the scraper", () => {
  test("stores what prom-client exposes over HTTP under the labels of the target", async () => {
    const registry = new Registry();
    const requests = new Counter({
      name: "http_requests_total",
      help: "h",
      labelNames: ["code"],
      registers: [registry],
    });
    const seconds = new Histogram({ name: "seconds", help: "h", buckets: [0.1, 1], registers: [registry] });
    const server = createServer((_request, response) => {
      void registry.metrics().then((text) => response.end(text));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    try {
      const { targets, round, ask } = bench();
      targets.push({ labels: { job: "api", pod: "a" }, url: `http://127.0.0.1:${port}/metrics` });
      for (let i = 0; i < 5; i++) {
        requests.inc({ code: "200" }, 3);
        seconds.observe(0.05);
        await round();
      }
      expect(ask("irate(http_requests_total[5s])")).toEqual(['{code="200",job="api",pod="a"} 3']);
      expect(ask("histogram_quantile(0.5, rate(seconds_bucket[5s]))")).toEqual(['{job="api",pod="a"} 0.05']);
      expect(ask("count by (le) (seconds_bucket)").sort()).toEqual(['{le="+Inf"} 1', '{le="0.1"} 1', '{le="1.0"} 1']);
      expect(ask("up")).toEqual(['up{job="api",pod="a"} 1']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test.each([
    [
      "throws",
      (): string => {
        throw new Error("down");
      },
    ],
    ["writes something else", (): string => "<html>"],
  ])("a target that %s is down and its series end at once", async (_how, broken) => {
    const { targets, round, ask } = bench();
    let collect = (): string => "a 1";
    targets.push({ labels: { job: "api" }, collect: () => collect() });
    await round();
    expect([ask("a"), ask("up")]).toEqual([['a{job="api"} 1'], ['up{job="api"} 1']]);
    collect = broken;
    await round();
    expect([ask("a"), ask("up")]).toEqual([[], ['up{job="api"} 0']]);
    collect = () => "a 2";
    await round();
    expect([ask("a"), ask("up")]).toEqual([['a{job="api"} 2'], ['up{job="api"} 1']]);
  });

  test("ends the series of a target that has gone, its up included, and leaves the others", async () => {
    const { targets, round, ask } = bench();
    targets.push({ labels: { pod: "a" }, collect: () => "a 1" }, { labels: { pod: "b" }, collect: () => "a 1" });
    await round();
    targets.shift();
    await round();
    expect(ask('{__name__=~"a|up"}').sort()).toEqual(['a{pod="b"} 1', 'up{pod="b"} 1']);
  });

  test("ends one series that a living target stops writing", async () => {
    const { targets, round, ask } = bench();
    let text = 'a{x="1"} 1\na{x="2"} 1';
    targets.push({ labels: {}, collect: () => text });
    await round();
    text = 'a{x="2"} 1';
    await round();
    expect(ask("a")).toEqual(['a{x="2"} 1']);
  });

  test("keeps a sample's own label as exported_ when the target has one of that name", async () => {
    const { targets, round, ask } = bench();
    targets.push({ labels: { pod: "scraped" }, collect: () => 'a{pod="said"} 1' });
    await round();
    expect(ask("a")).toEqual(['a{exported_pod="said",pod="scraped"} 1']);
  });

  test("gives up on a target that takes longer than the interval, without holding up the others", async () => {
    const now = (): number => 1_700_000_000_000;
    const tsdb = createTsdb({ now });
    const hangs = (signal: AbortSignal): Promise<string> =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
    const targets: ScrapeTarget[] = [
      { labels: { pod: "slow" }, collect: hangs },
      { labels: { pod: "fast" }, collect: () => "a 1" },
    ];
    await createScraper({ tsdb, now, targets: () => targets, intervalMs: 20 }).scrapeOnce();
    const engine = createQueryEngine({ storage: tsdb });
    expect(render(engine.instant("sort(up)", now()))).toEqual(['up{pod="slow"} 0', 'up{pod="fast"} 1']);
  });
});
