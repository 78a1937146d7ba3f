import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CanaryStatus } from "../../src/api/status.ts";
import type { Load } from "./rig/load.ts";
import { asOneLife, ended } from "./rig/oneLife.ts";
import { type Rig, startRig } from "./rig/rig.ts";
import { openShop, type Shop } from "./rig/shop.ts";

/** Times are short where production would have minutes. Nothing is said about metrics: no check, no query, no provider. */
const spec = {
  strategy: { canary: { steps: [20, 50].map((weight) => ({ weight, hold: "10s" })) } },
  analysis: { interval: "5s", metricsDelay: "2s", minDuration: "1m", undecidedAfter: "3m" },
};

/** Two requests of a thousand fail, always. */
const usual = { ERROR_RATE: "0.002" };

/** A Canary without a word about metrics, judged by what Contour's Envoy tells a real Prometheus. */
describe("a comparison without configuration", () => {
  let rig: Rig;
  let shop: Shop;
  let users: Load;
  const life = asOneLife();
  const figures: string[] = [];

  /** Releases a version, and notes how long it took and how many requests it got until the end. */
  const release = async (version: string, env: Readonly<Record<string, string>>): Promise<CanaryStatus> => {
    const before = Date.now();
    await shop.release(version, env);
    const status = await shop.until("an end", ended(version), 300_000);
    const { firstWeightAt } = {
      firstWeightAt: shop.timeline.moments.find(({ at, text }) => at > before && text.includes("web-canary 20"))?.at,
    };
    const seconds = Math.round((Date.now() - (firstWeightAt ?? before)) / 1_000);
    figures.push(
      `${version} ${JSON.stringify(env)}: ${status.phase} after ${seconds} s, ${users.counts().byVersion[version] ?? 0} requests; ${status.history?.[0]?.why.message}`,
    );
    return status;
  };

  beforeAll(async () => {
    rig = await startRig();
    shop = await openShop(rig, { env: usual });
    users = await rig.loadGateway({ rps: 300 });
    await rig.controller.start();
  });

  afterAll(async () => {
    console.log([...(life.broken ? shop.timeline.lines() : []), ...figures].join("\n"));
    await rig?.stop();
  });

  test("promotes a version that is like the one before", async () => {
    await shop.adopt(spec);
    await shop.until("adoption", ({ phase }) => phase === "Idle");
    const { phase, checks } = await release("2", usual);
    expect(phase).toBe("Succeeded");
    expect(checks?.[0]).toMatchObject({ name: "regressions", verdict: "Pass", dataPlane: "Contour" });
    const errors = checks?.[0]?.evidence?.find(({ signal }) => signal === "Errors");
    // A minute of 300 requests a second, of which the canary had up to half.
    expect(errors?.canary.total).toBeGreaterThan(3_000);
    expect((errors?.canary.total ?? 0) + (errors?.primary?.total ?? 0)).toBeLessThan(45_000);
  });

  test("shows queries that Prometheus answers when somebody pastes them", async () => {
    const queries = (await shop.status()).checks?.[0]?.queries ?? [];
    expect(queries.map(({ what }) => what)).toEqual(["requests", "failed requests", "latency"]);
    expect(await rig.prometheus.query(queries[0]?.query ?? "")).toBeGreaterThan(0);
  });

  test("takes a version back that fails more often", async () => {
    const { phase, history, checks } = await release("3", { ERROR_RATE: "0.05" });
    expect(phase).toBe("Failed");
    expect(history?.[0]?.why).toMatchObject({ rule: "failOnChecks" });
    const errors = checks?.[0]?.evidence?.find(({ signal }) => signal === "Errors");
    expect(errors?.ratio).toBeGreaterThan(5);
  });

  test("takes a version back that is slower", async () => {
    const { phase, checks } = await release("4", { ...usual, LATENCY_MS: "60" });
    expect(phase).toBe("Failed");
    expect(checks?.[0]?.evidence?.find(({ signal }) => signal === "Latency")?.verdict).toBe("Fail");
  });

  test("has sent nobody to a failed version for longer than it took to see", async () => {
    await users.stop();
    const { answered, byVersion, failed } = users.counts();
    expect(failed).toBe(0);
    expect((byVersion["3"] ?? 0) / answered).toBeLessThan(0.1);
  });
});
