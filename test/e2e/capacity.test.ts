import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitFor } from "../cluster/harness/polling.ts";
import type { Load } from "./rig/load.ts";
import { asOneLife, ended } from "./rig/oneLife.ts";
import { type Rig, startRig } from "./rig/rig.ts";
import { openShop, type Shop } from "./rig/shop.ts";
import { reportOf } from "./rig/timeline.ts";

const spec = {
  keepPreviousFor: "10m",
  progressDeadlineSeconds: 12,
  strategy: { canary: { steps: [{ weight: 50, hold: "3s" }] } },
};

interface Autoscaler {
  readonly spec: { readonly minReplicas: number; readonly maxReplicas: number };
}

/** No metrics server runs here, so the autoscalers hold their bounds and nothing else. */
function autoscaler(namespace: string): object {
  const cpu = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 60 } } };
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "web", namespace },
    spec: { scaleTargetRef, minReplicas: 2, maxReplicas: 6, metrics: [cpu] },
  };
}

/** Who carries the traffic when a promotion is taken back, or gets stuck. */
describe("promotions that cannot break, under load", () => {
  let rig: Rig;
  let shop: Shop;
  let users: Load;
  const life = asOneLife();

  beforeAll(async () => {
    rig = await startRig();
    shop = await openShop(rig);
    await rig.cluster.apply(autoscaler(shop.namespace));
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

  async function autoscalerOf(name: string): Promise<Autoscaler | undefined> {
    const kind = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler" };
    return rig.cluster.get<Autoscaler>({ ...kind, namespace: shop.namespace, name });
  }

  test("the primary's autoscaler is a copy that never goes below what the primary had when the rollout began", async () => {
    const mine = (await autoscalerOf("web"))?.spec;
    await shop.release("2");
    await shop.until(
      "weight 50 in effect",
      ({ rollout }) => rollout?.weight === 50 && rollout.effectiveSince !== undefined,
    );
    expect((await autoscalerOf("web-primary"))?.spec).toMatchObject({ minReplicas: 3, maxReplicas: 6 });
    expect((await autoscalerOf("web"))?.spec).toEqual(mine);
    expect((await shop.workload("web-primary"))?.status?.readyReplicas).toBe(3);
    expect((await shop.workload("web"))?.status?.readyReplicas).toBeGreaterThanOrEqual(2);
    const { phase, previous } = await shop.until("an end", ended("2"));
    expect(phase).toBe("Succeeded");
    expect(previous?.images).toEqual(["registry.test/web:1"]);
    expect((await shop.workload("web-previous"))?.status?.readyReplicas).toBe(3);
  });

  test("a Rollback after the promotion: the version before is back in seconds", async () => {
    const begin = performance.now();
    await shop.ask("Rollback");
    await waitFor("everybody on version 1", () => users.shares(1), { until: (shares) => shares["1"] === 1 });
    console.log(`everybody was back on version 1 after ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    const { phase, promoted, failed } = await shop.until(
      "an end",
      ({ rollback, phase }) => rollback === undefined && phase === "Failed",
    );
    expect(phase).toBe("Failed");
    expect(promoted?.images).toEqual(["registry.test/web:1"]);
    expect(failed?.images).toEqual(["registry.test/web:2"]);
    expect(users.shares(2)).toEqual({ "1": 1 });
  });

  test("a primary that never gets ready: the canary serves everyone, and says so", async () => {
    await shop.release("3", { UNREADY_IN: "web-primary" });
    const { conditions } = await shop.until("the sentence", ({ conditions: all = [] }) =>
      all.some(({ type, status, reason }) => type === "Stalled" && status === "True" && reason === "PrimaryNotReady"),
    );
    console.log(conditions?.find(({ type }) => type === "Stalled")?.message);
    expect(users.shares(2)).toEqual({ "3": 1 });
  });

  test("an Abort then puts the version before back on the primary, and only then moves anybody", async () => {
    await shop.ask("Abort");
    const { phase, promoted } = await shop.until("an end", ({ phase }) => phase === "Failed");
    expect(phase).toBe("Failed");
    expect(promoted?.images).toEqual(["registry.test/web:1"]);
    expect((await shop.workload("web-primary"))?.status?.readyReplicas).toBe(3);
    expect(users.shares(2)).toEqual({ "1": 1 });
  });

  test("has not lost a request", async () => {
    const { failed, answered, sent, byVersion, skipped } = await users.stop();
    expect(failed, reportOf(users, shop.timeline)).toBe(0);
    expect([answered, skipped]).toEqual([sent, 0]);
    expect(Object.keys(byVersion).sort()).toEqual(["1", "2", "3"]);
  });
});
