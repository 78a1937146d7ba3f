import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Load } from "./rig/load.ts";
import { route, service, workload } from "./rig/manifests.ts";
import { asOneLife, ended } from "./rig/oneLife.ts";
import { type Rig, startRig } from "./rig/rig.ts";
import { openShop, PAIR, type Shop } from "./rig/shop.ts";
import { type Moment, reportOf } from "./rig/timeline.ts";

const PERIOD_MS = 3_000;

/** How tools apply: Flux and Argo CD with server-side apply, and Argo CD without. */
const WAYS = {
  "server-side": ["--server-side", "--force-conflicts", "--field-manager=kustomize-controller"],
  "client-side": [],
} as const;

interface Tool {
  /** Git has this version from now on. */
  commit(version: string): void;
  times(): number;
  stop(): Promise<void>;
}

/** Applies what is in Git every three seconds: the route with everything to the primary, and the target with replicas. */
function startTool(rig: Rig, shop: Shop, way: keyof typeof WAYS, version: string): Tool {
  const file = join(rig.folder, "git.json");
  const ending = new AbortController();
  let times = 0;
  const commit = (to: string): void => {
    const items = [route(shop.of, PAIR), workload(shop.of, to)];
    writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  };
  commit(version);
  const loop = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const { code, stderr } = await rig.controlPlane.kubectl(["apply", ...WAYS[way], "-f", file]);
      if (code !== 0) throw new Error(`kubectl apply: ${stderr}`);
      times += 1;
      await sleep(PERIOD_MS, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  };
  const running = loop();
  return {
    commit: (to) => {
      shop.timeline.note(`Git has version ${to}`);
      commit(to);
    },
    times: () => times,
    stop: () => {
      ending.abort();
      return running;
    },
  };
}

/** The canary's weights that the API server has stored, in order, each once. */
function weightsIn(moments: readonly Moment[]): { at: number; weight: number }[] {
  return moments.flatMap(({ at, text }) => {
    const [, weight] = /^HTTPRoute web: .*web-canary (\d+)/.exec(text) ?? [];
    return weight === undefined ? [] : [{ at, weight: Number(weight) }];
  });
}

/** What is in Git is applied all the time, in three ways, and users never notice. */
describe("a route in Git that is applied every three seconds", () => {
  let rig: Rig;
  let shop: Shop;
  let users: Load;
  let colleagues: Load;
  let tool: Tool | undefined;
  const life = asOneLife();

  beforeAll(async () => {
    rig = await startRig();
    shop = await openShop(rig, { paired: true });
    await kubectl("apply", "-k", "deploy/gitops");
    await rig.controller.start();
    const steps = [30, 60].map((weight) => ({ weight, hold: "4s" }));
    const traffic = { settle: "1s", drain: "3s", gatewayAPI: { routeRefs: [{ name: "web" }] } };
    await shop.adopt({ traffic, strategy: { canary: { steps } } });
    await shop.until("adoption", ({ phase }) => phase === "Idle");
    users = await rig.loadGateway({ rps: 300 });
    colleagues = await rig.loadService({ namespace: shop.namespace, name: "web", endpointLagMs: 500 }, { rps: 50 });
  });

  afterAll(async () => {
    await tool?.stop();
    if (colleagues !== undefined) {
      const reports = [users, colleagues].map((load) => reportOf(load, shop.timeline));
      console.log([...(life.broken ? shop.timeline.lines() : []), ...reports].join("\n"));
    }
    await rig?.stop();
  });

  async function kubectl(...args: string[]): Promise<void> {
    const { code, stderr } = await rig.controlPlane.kubectl(args);
    expect(code, stderr).toBe(0);
  }

  /** Share of a version at the gateway every half second until its rollout has ended. */
  async function sharesOf(version: string): Promise<number[]> {
    const shares: number[] = [];
    const over = ended(version);
    for (let status = await shop.status(); !over(status); status = await shop.status()) {
      if (status.rollout?.effectiveSince !== undefined) shares.push(users.shares(0.8)[version] ?? 0);
      await sleep(500);
    }
    return shares;
  }

  test.each([
    { way: "server-side", from: "1", to: "2" },
    { way: "client-side", from: "2", to: "3" },
  ] as const)("with the admission policy, $way: traffic never flaps between steps", async ({ way, from, to }) => {
    tool = startTool(rig, shop, way, from);
    const begin = shop.timeline.moments.length;
    tool.commit(to);
    const shares = await sharesOf(to);
    await tool.stop();
    expect((await shop.status()).phase).toBe("Succeeded");
    const stored = weightsIn(shop.timeline.moments.slice(begin)).map(({ weight }) => weight);
    const shown = shares.map((share) => share.toFixed(2)).join(" ");
    console.log(
      `${way}: applied ${tool.times()} times; weights stored ${stored.join(", ")}; shares of ${to}: ${shown}`,
    );
    expect(stored).toEqual([30, 60, 100, 0]);
    expect(tool.times()).toBeGreaterThanOrEqual(6);
    // Users of the new version become more and more. In the end the primary has it, too.
    const falls = shares.filter((share, index) => share < (shares[index - 1] ?? 0) - 0.15);
    expect(falls).toEqual([]);
    expect(users.shares(1)).toEqual({ [to]: 1 });
  });

  test("without the policy: put back, and then the rollout pauses and names who it is", async () => {
    await kubectl("delete", "-k", "deploy/gitops");
    tool = startTool(rig, shop, "server-side", "3");
    tool.commit("4");
    const begin = shop.timeline.moments.length;
    const { conditions } = await shop.until("the pause", ({ phase }) => phase === "Paused");
    const reconciling = conditions?.find(({ type }) => type === "Reconciling");
    console.log(reconciling?.message);
    expect(reconciling?.reason).toBe("Contended");
    expect(reconciling?.message).toContain("kustomize-controller keeps changing the weights of HTTPRoute web");
    const stored = weightsIn(shop.timeline.moments.slice(begin));
    const away = stored.flatMap(({ at, weight }, index) => {
      const back = stored[index + 1];
      return index > 0 && weight === 0 && back !== undefined ? [back.at - at] : [];
    });
    console.log(`put back after ${away.join(", ")} ms`);
    expect(away.length).toBeGreaterThanOrEqual(2);
    await tool.stop();
    await shop.ask("Resume");
    expect((await shop.until("an end", ended("4"))).phase).toBe("Succeeded");
  });

  test("the apex Service as well: its selector is put back, and it is never without pods", async () => {
    const begin = shop.timeline.moments.length;
    for (let times = 0; times < 3; times += 1) {
      await rig.cluster.apply(service(shop.of), { fieldManager: "kustomize-controller" });
      await sleep(1_500);
    }
    const selectors = shop.timeline.moments.slice(begin).filter(({ text }) => text.startsWith("Service web: "));
    const away = selectors.flatMap(({ at, text }, index) => {
      const back = selectors[index + 1];
      return text.includes('"web"') && back !== undefined ? [back.at - at] : [];
    });
    console.log(`the selector was put back after ${away.join(", ")} ms`);
    expect(away).toHaveLength(3);
  });

  test("has not lost a request", async () => {
    for (const load of [users, colleagues]) {
      const { failed, answered, sent, skipped, byVersion } = await load.stop();
      expect(failed, reportOf(load, shop.timeline)).toBe(0);
      expect([answered, skipped]).toEqual([sent, 0]);
      expect(Object.keys(byVersion).sort()).toEqual(["1", "2", "3", "4"]);
    }
  });
});
