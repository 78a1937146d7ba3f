import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitFor } from "../cluster/harness/polling.ts";
import { type Pod, readyStatus } from "../cluster/harness/workloads.ts";
import type { Load } from "./rig/load.ts";
import type { WorkloadName } from "./rig/manifests.ts";
import { asOneLife, ended } from "./rig/oneLife.ts";
import { type Rig, startRig } from "./rig/rig.ts";
import { openShop, type Shop } from "./rig/shop.ts";
import { reportOf } from "./rig/timeline.ts";

const KINDS: readonly WorkloadName[] = ["Deployment", "StatefulSet", "DaemonSet"];

const CONFIG = { GREETING: "hello" };

interface Team {
  readonly kind: WorkloadName;
  readonly shop: Shop;
  readonly users: Load;
}

/** Three teams at once, each with another kind of workload that is configured by a ConfigMap. */
describe("every kind of workload and its configuration, under load", () => {
  let rig: Rig;
  const teams: Team[] = [];
  const life = asOneLife();
  const all = async (each: (team: Team) => Promise<void>): Promise<void> => {
    await Promise.all(teams.map(each));
  };
  const report = ({ users, shop }: Team): string =>
    [...(life.broken ? shop.timeline.lines() : []), reportOf(users, shop.timeline)].join("\n");

  beforeAll(async () => {
    rig = await startRig();
    await rig.controller.start();
    for (const kind of KINDS) {
      const host = `${kind.toLowerCase()}.example.com`;
      const shop = await openShop(rig, { kind, host, replicas: 2, config: CONFIG });
      teams.push({ kind, shop, users: await rig.loadGateway({ name: kind, host, rps: 110 }) });
    }
  });

  afterAll(async () => {
    console.log(teams.map(report).join("\n"));
    await rig?.stop();
  });

  /** How the rollout of a configuration ended: the target's image says nothing of it. */
  const endsAs = async ({ kind, shop }: Team, phase: "Succeeded" | "Failed", rollouts: number): Promise<string> => {
    const status = await shop.until(`the end of rollout ${rollouts} of the ${kind}`, ({ history = [], rollout }) => {
      return history.length === rollouts && rollout === undefined;
    });
    expect(status.phase, kind).toBe(phase);
    return status.history?.[0]?.why.message ?? "";
  };

  test("adopts each", () =>
    all(async ({ shop, kind }) => {
      await shop.adopt({ strategy: { canary: { steps: [{ weight: 50, hold: "2s" }] } } });
      await shop.until(`adoption of the ${kind}`, ({ phase }) => phase === "Idle");
    }));

  test("takes a bad ConfigMap back: the primary keeps the values before, in new pods as well", () =>
    all(async (team) => {
      const { shop, users, kind } = team;
      await shop.configure({ ...CONFIG, VERSION: "2", ERROR_RATE: "0.5" });
      expect(await endsAs(team, "Failed", 1)).toContain("error-rate");
      expect(users.shares(1), kind).toEqual({ "1": 1 });
      // One pod is all that a DaemonSet has on one node.
      if (kind !== "DaemonSet") await replaceAPod(team);
      expect(users.shares(1), kind).toEqual({ "1": 1 });
    }));

  async function replaceAPod({ shop, kind }: Team): Promise<void> {
    const { namespace } = shop;
    const primary = async (): Promise<Pod[]> => {
      return rig.cluster.list<Pod>({ apiVersion: "v1", kind: "Pod", namespace, labelSelector: "app=web-primary" });
    };
    const [gone] = await primary();
    const { name, uid } = gone?.metadata ?? expect.fail(`the ${kind} has no primary`);
    shop.timeline.note(`${name} is evicted`);
    await rig.cluster.delete({ apiVersion: "v1", kind: "Pod", namespace, name });
    await waitFor(`another pod than ${name}`, primary, {
      until: (pods) =>
        pods.length === 2 && pods.every((pod) => pod.metadata.uid !== uid && readyStatus(pod) === "True"),
    });
  }

  test("promotes a good one: of the Deployment a ConfigMap alone, of the others an image", () =>
    all(async (team) => {
      const { kind, shop, users } = team;
      if (kind === "Deployment") {
        const template = (await shop.workload("web"))?.spec.template;
        await shop.configure({ ...CONFIG, VERSION: "3" });
        await endsAs(team, "Succeeded", 2);
        expect((await shop.workload("web"))?.spec.template).toEqual(template);
      } else {
        await shop.configure(CONFIG);
        await shop.release("3");
        expect((await shop.until(`an end of the ${kind}`, ended("3"))).phase, kind).toBe("Succeeded");
      }
      expect(users.shares(1), kind).toEqual({ "3": 1 });
    }));

  test("hands each back", () =>
    all(async ({ shop, kind }) => {
      await shop.abandon();
      expect(await shop.workload("web-primary"), kind).toBeUndefined();
    }));

  test("has not lost a request", () =>
    all(async (team) => {
      const { failed, answered, sent, skipped, byVersion, deliberate, deliberateByVersion } = await team.users.stop();
      expect(failed, report(team)).toBe(0);
      expect([answered, skipped]).toEqual([sent, 0]);
      expect(Object.keys(byVersion).sort()).toEqual(["1", "2", "3"]);
      expect(deliberateByVersion).toEqual({ "2": deliberate });
    }));
});
