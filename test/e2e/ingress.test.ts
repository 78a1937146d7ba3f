import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CanaryStatus } from "../../src/api/status.ts";
import { waitFor } from "../cluster/harness/polling.ts";
import { type IngressController, startIngressController } from "./rig/ingress.ts";
import type { Load } from "./rig/load.ts";
import { asOneLife, ended } from "./rig/oneLife.ts";
import { type Rig, startRig } from "./rig/rig.ts";
import { answers, openShop, type Shop } from "./rig/shop.ts";
import { reportOf } from "./rig/timeline.ts";

/** The target's pods; the primary's have one part more. */
const pods = 'namespace="{{ namespace }}",pod=~"{{ target }}-[a-z0-9]+-[a-z0-9]+"';
const requests = `sum(rate(http_requests_total{${pods}}[4s]))`;
const errors = `100 * (sum(rate(http_requests_total{${pods},code=~"5.."}[4s])) or 0 * ${requests}) / ${requests}`;

const always = {
  // Traefik takes changes together every two seconds.
  traffic: { settle: "4s", drain: "3s", nginx: { ingressRefs: [{ name: "web" }] } },
  analysis: { interval: "1s", checks: [{ name: "error-rate", threshold: { query: errors, max: 5, failureLimit: 1 } }] },
};
const canary = { ...always, strategy: { canary: { steps: [{ weight: 20, hold: "5s" }] } } };
const abTest = {
  ...always,
  strategy: { abTest: { match: [{ headers: [{ name: "x-beta", value: "yes" }] }], hold: "10s" } },
};

const HOST = "ingress.example.com";

function ingress({ namespace }: Shop): object {
  const backend = { service: { name: "web", port: { number: 80 } } };
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "web", namespace },
    spec: {
      ingressClassName: "nginx",
      rules: [{ host: HOST, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
    },
  };
}

/** The annotations of ingress-nginx on a second data plane, which is not the one that they were made for. */
describe("a life behind an ingress controller that honours canary annotations", () => {
  let rig: Rig;
  let controller: IngressController;
  let shop: Shop;
  let users: Load;
  let testers: Load;
  const life = asOneLife();
  const report = (): string => [users, testers].map((load) => reportOf(load, shop.timeline)).join("\n");

  beforeAll(async () => {
    rig = await startRig();
    controller = await startIngressController(rig);
    shop = await openShop(rig);
    await rig.cluster.apply(ingress(shop));
    await rig.controller.start();
    const { address, port } = controller;
    const target = { kind: "address", address, port } as const;
    await waitFor("version 1 behind the Ingress", () => answers(controller, HOST));
    users = await rig.loadGateway({ name: "users", target, host: HOST, rps: 200 });
    testers = await rig.loadGateway({ name: "testers", target, host: HOST, rps: 100, headers: { "x-beta": "yes" } });
  });

  afterAll(async () => {
    if (testers !== undefined) console.log([...(life.broken ? shop.timeline.lines() : []), report()].join("\n"));
    await controller?.stop();
    await rig?.stop();
  });

  const inEffect =
    (weight: number) =>
    ({ rollout }: CanaryStatus): boolean =>
      rollout?.weight === weight && rollout.effectiveSince !== undefined;

  test("adopts a Deployment that an Ingress leads to", async () => {
    await shop.adopt(canary);
    await shop.until("adoption", ({ phase }) => phase === "Idle");
    expect((await shop.workload("web"))?.spec.replicas).toBe(0);
  });

  test("promotes a good release by weights", async () => {
    await shop.release("2");
    await shop.until("weight 20 in effect", inEffect(20));
    await sleep(2_000);
    expect(users.shares(2)["2"]).toBeGreaterThan(0.1);
    expect(users.shares(2)["2"]).toBeLessThan(0.3);
    expect((await shop.until("an end", ended("2"))).phase).toBe("Succeeded");
    expect(users.shares(2)).toEqual({ "2": 1 });
  });

  test("takes a bad release back that only those have met who send the header", async () => {
    await shop.adopt(abTest);
    await shop.release("3", { ERROR_RATE: "0.5" });
    expect((await shop.until("an end", ended("3"))).phase).toBe("Failed");
    expect(testers.counts().byVersion["3"]).toBeGreaterThan(0);
    expect(users.counts().byVersion["3"]).toBeUndefined();
    expect(testers.shares(2)).toEqual({ "2": 1 });
  });

  test("hands everything back when the Canary is deleted", async () => {
    await shop.abandon();
    expect((await shop.workload("web"))?.spec).toMatchObject({ replicas: 3 });
    const left = await rig.cluster.list({
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      namespace: shop.namespace,
    });
    expect(left.map((one) => (one as { metadata: { name: string } }).metadata.name)).toEqual(["web"]);
  });

  test("has not lost a request", async () => {
    await Promise.all([users.stop(), testers.stop()]);
    for (const { failed, answered, sent, skipped } of [users.counts(), testers.counts()]) {
      expect(failed, report()).toBe(0);
      expect([answered, skipped]).toEqual([sent, 0]);
    }
  });
});
