import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Load } from "./rig/load.ts";
import { asOneLife, ended } from "./rig/oneLife.ts";
import { type Rig, startRig } from "./rig/rig.ts";
import { openShop, type Shop } from "./rig/shop.ts";
import { reportOf } from "./rig/timeline.ts";

/** The target's pods; the primary's have one part more. */
const pods = 'namespace="{{ namespace }}",pod=~"{{ target }}-[a-z0-9]+-[a-z0-9]+"';
const requests = `sum(rate(http_requests_total{${pods}}[4s]))`;
const errors = `100 * (sum(rate(http_requests_total{${pods},code=~"5.."}[4s])) or 0 * ${requests}) / ${requests}`;

/** The route is the user's and knows the Service alone; nodes hear of endpoints a second late. */
const always = {
  traffic: { settle: "2s", drain: "3s", service: {} },
  analysis: {
    interval: "1s",
    checks: [
      // Prometheus hears of pods up to 5 s late: those of the version before are down then, and the new ones unknown.
      { name: "up", threshold: { query: `sum(up{${pods}})`, min: 1, failureLimit: 30 } },
      { name: "error-rate", threshold: { query: errors, max: 5, failureLimit: 1 } },
    ],
  },
};
const blueGreen = { ...always, strategy: { blueGreen: { preview: { hold: "2s", checks: ["up"] }, hold: "5s" } } };
const canary = { ...always, strategy: { canary: { steps: [20, 50].map((weight) => ({ weight, hold: "3s" })) } } };

/** Nothing but a Service: blue/green and a canary by pods under load, and nobody loses a request. */
describe("a whole life without a router", () => {
  let rig: Rig;
  let shop: Shop;
  let users: Load;
  let colleagues: Load;
  const life = asOneLife();
  const report = (): string => [users, colleagues].map((load) => reportOf(load, shop.timeline)).join("\n");

  beforeAll(async () => {
    rig = await startRig();
    shop = await openShop(rig);
    users = await rig.loadGateway({ rps: 200 });
    colleagues = await rig.loadService({ namespace: shop.namespace, name: "web", endpointLagMs: 1000 }, { rps: 200 });
    await rig.controller.start();
  });

  afterAll(async () => {
    if (colleagues !== undefined) console.log([...(life.broken ? shop.timeline.lines() : []), report()].join("\n"));
    await rig?.stop();
  });

  test("adopts a Deployment behind its Service", async () => {
    await shop.adopt(blueGreen);
    await shop.until("adoption", ({ phase }) => phase === "Idle");
    expect((await shop.workload("web"))?.spec.replicas).toBe(0);
  });

  test("switches everybody to a good release at once, and promotes it", async () => {
    await shop.release("2");
    await shop.until("the preview", ({ step, why }) => step === "1/2" && why?.rule === "holdWeight");
    expect((await shop.workload("web"))?.status?.readyReplicas).toBe(3);
    expect(users.shares(1)).toEqual({ "1": 1 });
    const { phase, promoted } = await shop.until("an end", ended("2"));
    expect(phase).toBe("Succeeded");
    expect(promoted?.images).toEqual(["registry.test/web:2"]);
    expect(users.shares(2)).toEqual({ "2": 1 });
  });

  test("switches back when the release is bad", async () => {
    await shop.release("3", { ERROR_RATE: "0.5" });
    const { phase, why, history } = await shop.until("an end", ended("3"));
    expect(phase).toBe("Failed");
    expect(why?.message).toContain("error-rate");
    expect(history?.[0]).toMatchObject({ outcome: "Failed", weight: 100 });
    expect(users.shares(2)).toEqual({ "2": 1 });
  });

  test("promotes by shares of whole pods", async () => {
    await shop.adopt(canary);
    await shop.release("4");
    const { weight } = await shop.until("one of four pods", ({ share }) => share === 25);
    expect(weight).toBe(20);
    await shop.until("half of them", ({ share }) => share === 50);
    expect((await shop.until("an end", ended("4"))).phase).toBe("Succeeded");
  });

  test("hands everything back when the Canary is deleted", async () => {
    await shop.abandon();
    expect((await shop.workload("web"))?.spec).toMatchObject({ replicas: 3 });
    expect(await shop.workload("web-primary")).toBeUndefined();
  });

  test("has not lost a request", async () => {
    await Promise.all([users.stop(), colleagues.stop()]);
    const [gateway, service] = [users.counts(), colleagues.counts()];
    expect(gateway.failed + service.failed, report()).toBe(0);
    expect(gateway.answered + service.answered).toBe(gateway.sent + service.sent);
    for (const { byVersion } of [gateway, service]) expect(Object.keys(byVersion).sort()).toEqual(["1", "2", "3", "4"]);
    expect(gateway.skipped + service.skipped).toBe(0);
  });
});
