import { describe, expect, it } from "vitest";
import { parseWorld } from "../../src/cli/world/world.ts";
import { dataPlanes } from "../../src/metrics/dataPlanes/index.ts";
import { EDGES_MS } from "../../src/sandbox/simulation/arms.ts";
import { sampleOf } from "../../src/sandbox/simulation/metrics.ts";
import { createRequests } from "../../src/sandbox/simulation/requests.ts";

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
  const world = (given: object) => {
    const parsed = parseWorld(given, {});
    if (!parsed.ok) throw new Error(parsed.problems.join());
    return parsed.model;
  };
  const toCanary = (canary: number) => ({ canary, copies: 0, promoted: false });
  const SECOND = 1 / 60;

  it("go where the weight says, and fail and take their time as the world says", () => {
    const requests = createRequests(world({ rps: 0.7, primary: { errorRate: 0.1 } }));
    for (let second = 0; second < 100_000; second++)
      requests.pass({ from: second / 60, minutes: SECOND }, toCanary(20));
    const { canary, primary } = requests.answered;
    expect(Math.abs((canary.requests + primary.requests) / 70_000 - 1)).toBeLessThan(0.02);
    expect(canary.requests / 70_000).toBeCloseTo(0.2, 1);
    expect(requests.met).toEqual({ requests: canary.requests, failed: canary.failed });
    expect(canary.failed / canary.requests).toBeCloseTo(0.1, 1);
    expect((primary.within[EDGES_MS.indexOf(100)] ?? 0) / primary.requests).toBeCloseTo(0.5, 1);
    expect(primary.within).toEqual([...primary.within].sort((a, b) => a - b));
  });

  it("follow curves and outages by minutes since the release, and a cold start since the first weight", () => {
    const requests = createRequests(
      world({
        rps: 1_000,
        traffic: [
          [0, 1],
          [10, 1],
          [10, 2],
        ],
        canary: { coldStart: { seconds: 60, share: 1, factor: 10 } },
        outages: [{ fromMinute: 20, toMinute: 21, errorRate: 0.5 }],
      }),
    );
    const during = (from: number, weight: number) => {
      const before = structuredClone(requests.answered);
      requests.pass({ from, minutes: 1 }, toCanary(weight));
      const { canary, primary } = requests.answered;
      const quick = EDGES_MS.indexOf(250);
      const grown = canary.requests - before.canary.requests;
      return {
        all: (grown + primary.requests - before.primary.requests) / 60_000,
        failed: (primary.failed - before.primary.failed) / (primary.requests - before.primary.requests),
        canaryQuick: grown === 0 ? 0 : ((canary.within[quick] ?? 0) - (before.canary.within[quick] ?? 0)) / grown,
      };
    };
    expect(during(-1, 0)).toMatchObject({ all: expect.closeTo(1, 1) as number, canaryQuick: 0 });
    expect(during(5, 10).canaryQuick).toBeLessThan(0.05);
    expect(during(6, 10).canaryQuick).toBeGreaterThan(0.95);
    expect(during(11, 10).all).toBeCloseTo(2, 1);
    expect([during(20, 10).failed, during(21, 10).failed]).toEqual([expect.closeTo(0.5, 1), expect.closeTo(0, 1)]);
  });
});
