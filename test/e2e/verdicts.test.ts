import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, type TestContext, test } from "vitest";
import { type Rig, startRig } from "./rig/rig.ts";
import { type Dependency, startDependency } from "./verdicts/dependency.ts";
import { type Story, tell, type Told } from "./verdicts/story.ts";
import { tableOf } from "./verdicts/table.ts";

/** As shipped: nobody kills the controller here, and eight shops that open at once on a small machine must not cost it the lead. */
const LEASE = ["--lease-duration=15s", "--renew-deadline=10s", "--retry-period=2s"];

/** One of a thousand requests fails, always. */
const usual = { ERROR_RATE: "0.001" };

/** What a user counts, of the pods of version 2 alone: the data plane knows nothing of it. */
const ordersOfCanary = `orders_total{namespace="{{ namespace }}",pod=~"{{ target }}-[0-9a-z]+-[0-9a-z]+"`;
const failedOrders = `100 * sum(rate(${ordersOfCanary},result="failed"}[5s])) / sum(rate(${ordersOfCanary}}[5s]))`;

/** Releases of many kinds, at the same time and each in a shop of its own, by what Contour's Envoy tells a real Prometheus. */
describe.concurrent("verdicts on real traffic", { timeout: 420_000 }, () => {
  let rig: Rig;
  let dependency: Dependency;
  const all: Told[] = [];

  beforeAll(async () => {
    [rig, dependency] = await Promise.all([startRig({ controllerArguments: LEASE }), startDependency()]);
    await rig.controller.start();
  });

  afterAll(async () => {
    console.log(tableOf(all).join("\n"));
    console.log(all.map(({ name, status }) => `${name}: ${status.history?.[0]?.why.message ?? status.why?.message}`));
    await rig?.stop();
    await dependency?.stop();
  });

  async function hear(story: Story, { onTestFailed }: TestContext): Promise<Told> {
    const told = await tell(rig, story);
    all.push(told);
    onTestFailed(() => {
      console.log([`${story.name}:`, ...told.lines(), JSON.stringify(told.status)].join("\n"));
    });
    return told;
  }

  test("five of a hundred requests fail, where one of a thousand did", async (context) => {
    const { expect } = context;
    const release = { name: "errors 0.1 to 5 %", rps: 100, before: usual, after: { ERROR_RATE: "0.05" } };
    const { status, lost } = await hear(release, context);
    expect(status.phase).toBe("Failed");
    expect(status.history?.[0]?.why.rule).toBe("failOnChecks");
    const errors = status.checks?.[0]?.evidence?.find(({ signal }) => signal === "Errors");
    expect(errors?.ratio).toBeGreaterThan(5);
    expect(lost).toBe(0);
  });

  test("a tenth of the requests takes 400 ms, where all took 100", async (context) => {
    const { expect } = context;
    const before = { ...usual, LATENCY_MS: "100" };
    const after = { ...before, SLOW_RATE: "0.1", SLOW_MS: "400" };
    const { status, lost } = await hear({ name: "a tenth at 400 ms, not 100", rps: 100, before, after }, context);
    expect(status.phase).toBe("Failed");
    const evidence = status.checks?.[0]?.evidence ?? [];
    expect(evidence.map(({ signal, verdict }) => `${signal} ${verdict}`)).toContain("Latency Fail");
    expect(lost).toBe(0);
  });

  test("a version that gets ready, and crashes ten seconds later, again and again", async (context) => {
    const { expect } = context;
    const after = { CRASH: "error", CRASH_AFTER_MS: "10000" };
    const { status } = await hear({ name: "a crash loop", rps: 50, after }, context);
    expect(status.phase).toBe("Failed");
    expect(status.history?.[0]?.why.message).toMatch(
      /check pods failed: .*(in a crash loop|containers have restarted)/,
    );
  });

  test("errors that are answered 200: a user's threshold sees what no data plane can", async (context) => {
    const { expect } = context;
    const after = { ERROR_RATE: "0.3", ERROR_STATUS: "200" };
    const checks = [
      { name: "regressions", comparison: {} },
      { name: "orders", threshold: { query: failedOrders, max: 1, failureLimit: 1 } },
    ];
    const { status, lost } = await hear({ name: "errors answered 200", rps: 50, after, analysis: { checks } }, context);
    expect(status.phase).toBe("Failed");
    expect(status.history?.[0]?.why.message).toMatch(/check orders failed: .* is above max 1/);
    const errors = status.checks?.[0]?.evidence?.find(({ signal }) => signal === "Errors");
    expect(errors?.canary.bad ?? 0).toBe(0);
    expect(lost).toBe(0);
  });

  test("a healthy version, while what both versions need is down for a minute", async (context) => {
    const { expect } = context;
    const before = { ...usual, DEPENDENCY: dependency.url };
    const meanwhile = async (): Promise<void> => {
      // The first half minute belongs to the start and is forgiven: this is to be counted.
      await sleep(35_000);
      dependency.setUp(false);
      await sleep(60_000);
      dependency.setUp(true);
    };
    const { status, lost } = await hear({ name: "healthy, in a shared outage", rps: 150, before, meanwhile }, context);
    expect(status.phase).toBe("Succeeded");
    const [check] = status.checks ?? [];
    expect(check).toMatchObject({ name: "regressions", verdict: "Pass", dataPlane: "Contour" });
    const [errors] = check?.evidence ?? [];
    expect(errors?.canary.total).toBeGreaterThan(1_000);
    expect(lost).toBe(0);
    const queries = check?.queries ?? [];
    expect(queries.map(({ what }) => what)).toEqual(["requests", "failed requests", "latency"]);
    expect(await rig.prometheus.query(queries[0]?.query ?? "")).toBeGreaterThan(0);
  });

  test.for([
    { onUndecided: "Pause", phase: "Paused", says: /^step 1\/1 is held: check regressions: no data: / },
    {
      onUndecided: "Promote",
      phase: "Succeeded",
      says: /is promoted, undecided, since onUndecided is Promote: check regressions: no data: /,
    },
    {
      onUndecided: "Rollback",
      phase: "Failed",
      says: /^undecided, and onUndecided is Rollback: check regressions: no data: /,
    },
  ])(
    "a healthy version that nobody calls, onUndecided: $onUndecided",
    async ({ onUndecided, phase, says }, context) => {
      const { expect } = context;
      const release = {
        name: `healthy and idle, ${onUndecided}`,
        weights: [50],
        analysis: { onUndecided, undecidedAfter: "140s" },
      };
      const { status } = await hear(release, context);
      expect(status.phase).toBe(phase);
      expect((status.history?.[0]?.why ?? status.why)?.message).toMatch(says);
      expect(status.checks?.[0]).toMatchObject({ name: "regressions", verdict: "NoData" });
    },
  );
});
