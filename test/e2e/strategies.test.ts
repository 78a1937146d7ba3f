import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CanaryStatus } from "../../src/api/status.ts";
import { waitFor } from "../cluster/harness/polling.ts";
import type { Load } from "./rig/load.ts";
import { route } from "./rig/manifests.ts";
import { asOneLife, ended } from "./rig/oneLife.ts";
import { type Rig, startRig } from "./rig/rig.ts";
import { answers, openShop, type Shop } from "./rig/shop.ts";
import { reportOf } from "./rig/timeline.ts";

const abTest = { abTest: { match: [{ headers: [{ name: "x-beta", value: "yes" }] }], hold: "6s" } };
const blueGreen = { blueGreen: { preview: { hold: "1s" }, pause: {}, hold: "3s" } };
/** Copies first, then users who stay where they are. */
const affinity = {
  canary: {
    sessionAffinity: {},
    steps: [
      { weight: 0, hold: "5s", mirror: {} },
      { weight: 20, hold: "5s" },
      { weight: 50, hold: "5s" },
    ],
  },
};

const OWN_HOST = "stay.example.com";
const PREVIEW_HOST = "preview.shop.example.com";

/** Who gets which version, by every strategy but plain weights (life.test.ts), at the gateway. */
describe("strategies under load", () => {
  let rig: Rig;
  let shop: Shop;
  const loads: Load[] = [];
  const life = asOneLife();

  beforeAll(async () => {
    rig = await startRig();
    shop = await openShop(rig, { replicas: 2 });
    await rig.controller.start();
    await shop.adopt({ strategy: abTest });
    await shop.until("adoption", ({ phase }) => phase === "Idle");
  });

  afterAll(async () => {
    const reports = loads.map((load) => reportOf(load, shop.timeline));
    console.log([...(life.broken ? shop.timeline.lines() : []), ...reports].join("\n"));
    await rig?.stop();
  });

  async function load(name: string, options: Parameters<Rig["loadGateway"]>[0]): Promise<Load> {
    const started = await rig.loadGateway({ name, ...options });
    loads.push(started);
    return started;
  }

  async function expectNothingLost(...ended: readonly Load[]): Promise<void> {
    for (const one of ended) {
      const { sent, answered, failed } = await one.stop();
      expect({ failed, answered }, reportOf(one, shop.timeline)).toEqual({ failed: 0, answered: sent });
    }
  }

  const inEffect =
    (step: string) =>
    ({ step: at, why, rollout }: CanaryStatus): boolean =>
      at === step && rollout?.effectiveSince !== undefined && why?.rule === "holdWeight";

  let users: Load;
  let testers: Load;

  test("an A/B test: who sends the header meets the new version, everybody else the old one", async () => {
    users = await load("users", { rps: 200 });
    testers = await load("testers", { rps: 100, headers: { "x-beta": "yes" } });
    await shop.release("2");
    await shop.until("the test to be in effect", inEffect("1/1"));
    await sleep(3_000);
    expect(testers.shares(2)).toEqual({ "2": 1 });
    expect(users.shares(2)).toEqual({ "1": 1 });
    expect((await shop.until("an end", ended("2"))).phase).toBe("Succeeded");
    expect(users.counts().moves).toEqual({});
  });

  test("blue/green: the new version is seen by its own host before the switch, and by everybody at once after it", async () => {
    await rig.cluster.apply(route({ ...shop.of, host: PREVIEW_HOST }, { "web-canary": 1 }, "preview"));
    await shop.adopt({ strategy: blueGreen });
    await shop.release("3");
    await shop.until("the pause", ({ why }) => why?.rule === "waitForApproval");
    const curious = await load("preview", { host: PREVIEW_HOST, rps: 50, maxRequests: 100 });
    await waitFor("all answers", () => curious.counts().answered, { until: (answered) => answered === 100 });
    expect(curious.counts().byVersion).toEqual({ "3": 100 });
    expect(users.shares(1)).toEqual({ "2": 1 });
    const begin = shop.timeline.moments.length;
    await shop.ask("Approve");
    expect((await shop.until("an end", ended("3"))).phase).toBe("Succeeded");
    const written = shop.timeline.moments.slice(begin).filter(({ text }) => text.startsWith("HTTPRoute web: "));
    expect(written.map(({ text }) => text.slice("HTTPRoute web: ".length))).toEqual([
      "web 0, web-canary 1",
      "web 1, web-canary 0",
    ]);
    await expectNothingLost(curious, users, testers);
  });

  test("a mirror: copies reach the canary's pods, and users get the answers of the primary alone", async () => {
    const rules = [{ matches: [{ method: "GET" }] }];
    const own = { parentRefs: [rig.gateway.parentRef], hostnames: [OWN_HOST], rules };
    await shop.adopt({
      traffic: { settle: "1s", drain: "3s", gatewayAPI: { route: own } },
      strategy: affinity,
    });
    // Aviary's own has the name of the target, as this one has.
    const mine = {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      namespace: shop.namespace,
      name: "web",
    };
    await rig.cluster.delete(mine);
    await waitFor("the route of Aviary's own", () => answers(rig.gateway, OWN_HOST));
    users = await load("regulars", { host: OWN_HOST, rps: 300, users: 300 });
    await shop.release("4");
    await shop.until("the mirror to be in effect", inEffect("1/3"));
    const copies = `sum(http_requests_total{namespace="${shop.namespace}",pod=~"web-[a-z0-9]+-[a-z0-9]+"})`;
    const copied = await waitFor("copies", () => rig.prometheus.query(copies), {
      until: (count) => (count ?? 0) > 300,
    });
    console.log(`the canary's pods have got ${copied} copies, and users ${JSON.stringify(users.counts().byVersion)}`);
    expect(users.counts().byVersion).toEqual({ "3": users.counts().answered });
  });

  test("session affinity: a user of the canary stays there, and a higher weight draws its share and nobody else", async () => {
    for (const { step, share } of [
      { step: "2/3", share: 0.2 },
      { step: "3/3", share: 0.5 },
    ]) {
      await shop.until(`weight ${share * 100} to be in effect`, inEffect(step));
      // Each of the 300 users asks once a second.
      await sleep(2_500);
      expect(users.shares(1)["4"]).toBeGreaterThan(share - 0.1);
      expect(users.shares(1)["4"]).toBeLessThan(share + 0.1);
    }
    expect((await shop.until("an end", ended("4"))).phase).toBe("Succeeded");
    expect(users.counts().moves).toEqual({ "3 to 4": 300 });
    await expectNothingLost(users);
  });
});
