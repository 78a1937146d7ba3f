import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CanaryStatus } from "../../src/api/status.ts";
import { type Pod, readyStatus } from "../cluster/harness/workloads.ts";
import type { Load } from "./rig/load.ts";
import { asOneLife } from "./rig/oneLife.ts";
import { type Rig, startRig } from "./rig/rig.ts";
import { openShop, type Shop } from "./rig/shop.ts";
import { reportOf } from "./rig/timeline.ts";

// What breaks around a rollout, on real traffic. Long outages and clocks are in test/lives/faults.test.ts.

const requestsTo = (services: string): string =>
  `sum(rate(envoy_cluster_upstream_rq{envoy_cluster_name=~"{{ namespace }}_(${services})_80"}[3s]))`;
const share = `100 * ${requestsTo("{{ canary }}")} / ${requestsTo("{{ target }}|{{ canary }}")}`;

/** The settle time is shorter than the gateway's lag: nothing but evidence keeps the analysis from starting early. */
const spec = {
  traffic: {
    settle: "1s",
    drain: "3s",
    evidence: { timeout: "40s", share: { query: share } },
    gatewayAPI: { routeRefs: [{ name: "web", addBackends: true }] },
  },
  strategy: { canary: { steps: [10, 50].map((weight) => ({ weight, hold: "3s" })) } },
};

const GATEWAY_LAG_MS = 3_000;

describe("faults under load", () => {
  let rig: Rig;
  let shop: Shop;
  let users: Load;
  const life = asOneLife();

  beforeAll(async () => {
    rig = await startRig();
    shop = await openShop(rig);
    users = await rig.loadGateway({ rps: 300 });
    await rig.controller.start();
    await shop.adopt(spec);
    await shop.until("adoption", ({ phase }) => phase === "Idle");
  });

  afterAll(async () => {
    if (users !== undefined) {
      console.log([...(life.broken ? shop.timeline.lines() : []), reportOf(users, shop.timeline)].join("\n"));
    }
    await rig?.stop();
  });

  const inEffectAt =
    (version: string, weight: number) =>
    ({ rollout }: CanaryStatus): boolean =>
      rollout?.images?.[0] === imageOf(version) && rollout.weight === weight && rollout.effectiveSince !== undefined;

  async function expectPromoted(version: string): Promise<CanaryStatus> {
    const ended = await shop.until(
      `an end of ${version}`,
      ({ phase, target }) => (phase === "Succeeded" || phase === "Failed") && target?.images?.[0] === imageOf(version),
    );
    expect(ended.why?.message).toMatch(/is promoted$/);
    expect(ended.promoted?.images).toEqual([imageOf(version)]);
    return ended;
  }

  test("a gateway that lags behind its status: a weight counts when the metrics show it", async () => {
    rig.gateway.setLag({ routesMs: GATEWAY_LAG_MS, endpointsMs: 0 });
    await shop.release("2");
    const { rollout } = await shop.until("weight 10 in effect", inEffectAt("2", 10));
    expect(rollout?.effectBy).toBe("Evidence");
    const waitedMs = Date.parse(rollout?.effectiveSince ?? "") - Date.parse(rollout?.weightSince ?? "");
    expect(waitedMs).toBeGreaterThanOrEqual(GATEWAY_LAG_MS);
    const { history } = await expectPromoted("2");
    console.log(
      `lag ${GATEWAY_LAG_MS} ms: waited ${waitedMs} ms for weight 10, ${history?.[0]?.waitedSeconds} s in all`,
    );
    rig.gateway.setLag({ routesMs: 0, endpointsMs: 0 });
  });

  test("Prometheus is killed and the API server goes away in one rollout: it is held, and goes on by itself", async () => {
    await shop.release("3");
    await shop.until("weight 10 in effect", inEffectAt("3", 10));
    await rig.prometheus.stop("SIGKILL");
    const { why } = await shop.until("the sentence", ({ checks }) => checks?.[0]?.cause === "Unreachable");
    expect(why?.message).toMatch(/check error-rate: no answer|holding weight 10/);
    await sleep(5_000);
    expect(await shop.status()).toMatchObject({ phase: "Progressing", weight: 10 });
    await rig.controlPlane.stopApiServer("SIGKILL");
    await rig.prometheus.start();
    await sleep(5_000);
    await rig.controlPlane.startApiServer();
    // Without the API server the lead is lost, and a process that lost it ends: its Deployment starts another one.
    await rig.controller.crash();
    await expectPromoted("3");
  });

  test("pods of both versions are evicted at 50 %", async () => {
    await shop.release("4");
    await shop.until("weight 50 in effect", inEffectAt("4", 50));
    const pods = await rig.cluster.list<Pod>({ apiVersion: "v1", kind: "Pod", namespace: shop.namespace });
    for (const app of ["web", "web-primary"]) {
      const evicted = pods.find(({ metadata }) => metadata.labels?.["app"] === app);
      expect(readyStatus(evicted ?? expect.fail(`no pod of ${app}`))).toBe("True");
      const { name } = evicted?.metadata ?? { name: "" };
      shop.timeline.note(`${name} is evicted`);
      await rig.cluster.delete({ apiVersion: "v1", kind: "Pod", namespace: shop.namespace, name });
    }
    await expectPromoted("4");
  });

  test("no request was lost in any of it", async () => {
    const counts = await users.stop();
    expect(counts.failed, reportOf(users, shop.timeline)).toBe(0);
    expect(counts.answered).toBe(counts.sent);
    expect(Object.keys(counts.byVersion).sort()).toEqual(["1", "2", "3", "4"]);
  });
});

function imageOf(version: string): string {
  return `registry.test/web:${version}`;
}
