import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Load } from "./rig/load.ts";
import { asOneLife, ended } from "./rig/oneLife.ts";
import { type Rig, startRig } from "./rig/rig.ts";
import { openShop, type Shop } from "./rig/shop.ts";
import { reportOf } from "./rig/timeline.ts";

export interface LifeOptions {
  /** Merged over the Canary's spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly gatewayLagMs?: number;
  /** Of the gateway and of the nodes. */
  readonly endpointLagMs?: number;
  /** Called before the adoption; what it returns is called after the deletion. */
  readonly trouble?: (rig: Rig, shop: Shop) => () => Promise<void>;
}

/** One whole life of a canary under load: five releases of which three are promoted, and nobody loses a request. */
export function describeLife(name: string, options: LifeOptions = {}): void {
  describe(name, () => {
    let rig: Rig;
    let shop: Shop;
    let users: Load;
    let colleagues: Load;
    let endTrouble: (() => Promise<void>) | undefined;
    const life = asOneLife();
    const report = (): string => [users, colleagues].map((load) => reportOf(load, shop.timeline)).join("\n");

    beforeAll(async () => {
      rig = await startRig();
      shop = await openShop(rig);
      const { gatewayLagMs: routesMs = 0, endpointLagMs = 0 } = options;
      rig.gateway.setLag({ routesMs, endpointsMs: endpointLagMs });
      users = await rig.loadGateway({ rps: 300 });
      const address = { namespace: shop.namespace, name: "web", endpointLagMs };
      colleagues = await rig.loadService(address, { rps: 100 });
      await rig.controller.start();
      endTrouble = options.trouble?.(rig, shop);
    });

    afterAll(async () => {
      if (colleagues !== undefined) console.log([...(life.broken ? shop.timeline.lines() : []), report()].join("\n"));
      await rig?.stop();
    });

    test("adopts a Deployment that a Service and a route send traffic to already", async () => {
      await shop.adopt(options.spec);
      await shop.until("adoption", ({ phase }) => phase === "Idle");
      expect((await shop.workload("web"))?.spec.replicas).toBe(0);
      expect((await shop.workload("web-primary"))?.status?.readyReplicas).toBe(3);
    });

    test("promotes a good release by five steps", async () => {
      await shop.release("2");
      const { phase, promoted } = await shop.until("an end", ended("2"));
      expect(phase).toBe("Succeeded");
      expect(promoted?.images).toEqual(["registry.test/web:2"]);
      expect(users.shares(2)).toEqual({ "2": 1 });
    });

    test("takes a bad release back, by what the gateway's metrics say of it", async () => {
      await shop.release("3", { ERROR_RATE: "0.5" });
      const { phase, why, history } = await shop.until("an end", ended("3"));
      expect(phase).toBe("Failed");
      expect(why?.message).toContain("error-rate");
      expect(history?.[0]).toMatchObject({ outcome: "Failed", images: ["registry.test/web:3"] });
      expect(users.shares(2)).toEqual({ "2": 1 });
    });

    test("starts over when a release is overtaken by the next", async () => {
      await shop.release("4");
      const overtaken = await shop.until("the second step", (status) => status.step === "2/5" || ended("4")(status));
      expect(overtaken.phase).toBe("Progressing");
      await shop.release("5");
      const { phase, promoted, history } = await shop.until("an end", ended("5"));
      expect(phase).toBe("Succeeded");
      expect(promoted?.images).toEqual(["registry.test/web:5"]);
      expect(history?.map(({ outcome }) => outcome)).toEqual(["Succeeded", "Superseded", "Failed", "Succeeded"]);
    });

    test("hands everything back when the Canary is deleted", async () => {
      await shop.abandon();
      await endTrouble?.();
      expect((await shop.workload("web"))?.spec).toMatchObject({ replicas: 3 });
      expect(await shop.workload("web-primary")).toBeUndefined();
      expect(Object.keys(await shop.weights())).toEqual(["web"]);
    });

    test("has not lost a request", async () => {
      await Promise.all([users.stop(), colleagues.stop()]);
      const [gateway, service] = [users.counts(), colleagues.counts()];
      expect(gateway.failed + service.failed, report()).toBe(0);
      expect(gateway.answered + service.answered).toBe(gateway.sent + service.sent);
      expect(Object.keys(gateway.byVersion).sort()).toEqual(["1", "2", "3", "4", "5"]);
      expect(gateway.deliberateByVersion).toEqual({ "3": gateway.deliberate });
      expect(gateway.skipped + service.skipped).toBe(0);
    });
  });
}
