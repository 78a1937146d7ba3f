import { describe, expect, it } from "vitest";
import { dataPlanes } from "../../src/metrics/dataPlanes/index.ts";
import { binomial, seededRandom } from "../../src/sandbox/random.ts";
import { sampleOf } from "../../src/sandbox/simulation/metrics.ts";
import { createRequests, EDGES_MS } from "../../src/sandbox/simulation/requests.ts";

describe("what a data plane's metrics are called in a simulation", () => {
  it.each(dataPlanes.flatMap((plane) => ["Deployment", "StatefulSet", "DaemonSet"].map((kind) => ({ plane, kind }))))(
    "$plane.name tells the versions of a $kind apart",
    ({ plane, kind }) => {
      const { canary, primary } = plane.metrics({
        namespace: "shop",
        kind,
        workload: { canary: "my.web", primary: "my.web-primary" },
        service: { canary: "my.web-canary", primary: ["my.web-primary", "my.web"] },
        port: 80,
        routes: [{ kind: "HTTPRoute", namespace: "shop", name: "my.web" }],
      });
      const is = (pattern: string, text: string) => new RegExp(`^(?:${pattern})$`).test(text);
      expect([is(canary, sampleOf(canary)), is(primary, sampleOf(primary))]).toEqual([true, true]);
      expect([is(canary, sampleOf(primary)), is(primary, sampleOf(canary))]).toEqual([false, false]);
    },
  );
});

describe("requests at random", () => {
  it.each([
    [20, 0.3],
    [20, 0.9],
    [5_000, 0.001],
    [5_000, 0.4],
    [1_000_000, 0.00001],
    [1_000_000, 0.995],
  ])("of %i, each hits with probability %d", (n, p) => {
    const random = seededRandom(3);
    const draws = Array.from({ length: 2_000 }, () => binomial(random, n, p));
    const mean = draws.reduce((sum, hits) => sum + hits, 0) / draws.length;
    const variance = draws.reduce((sum, hits) => sum + (hits - mean) ** 2, 0) / draws.length;
    const wanted = n * p * (1 - p);
    expect(Math.abs(mean - n * p)).toBeLessThan(4 * Math.sqrt(wanted / draws.length));
    expect(variance / wanted).toBeGreaterThan(0.85);
    expect(variance / wanted).toBeLessThan(1.15);
    expect(draws.every((hits) => Number.isInteger(hits) && hits >= 0 && hits <= n)).toBe(true);
  });

  it("go where the weight says, and none is lost, however few there are", () => {
    const behaviour = { errors: 0.1, latencyMs: 100 };
    const requests = createRequests({ seed: 1, rps: 0.7, behaviour: { canary: behaviour, primary: behaviour } });
    for (let second = 0; second < 100_000; second++) {
      requests.pass(1_000, { canary: 20, copies: 0, promoted: false });
    }
    const { canary, primary } = requests.answered;
    expect(Math.abs(canary.requests + primary.requests - 70_000)).toBeLessThanOrEqual(1);
    expect(canary.requests / 70_000).toBeCloseTo(0.2, 1);
    expect(requests.met).toEqual({ requests: canary.requests, failed: canary.failed });
    expect(canary.failed / canary.requests).toBeCloseTo(0.1, 1);
    expect((primary.within[EDGES_MS.indexOf(100)] ?? 0) / primary.requests).toBeCloseTo(0.5, 1);
    expect(primary.within).toEqual([...primary.within].sort((a, b) => a - b));
  });
});
