import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { HTTPRoute } from "../../src/kube/objects.ts";
import { NAMESPACE } from "./life.ts";
import type { Life, LifeOptions } from "./life.ts";
import { adopted, bad, conditionOf, outcomes, watchLives } from "./lives.ts";
import { aDeployment, apexService, withSteps } from "./manifests.ts";

watchLives();

const web = { namespace: NAMESPACE, name: "web" };

const mirrored = (percent: number, weight = 0): LifeOptions => ({
  spec: withSteps([
    { weight, hold: "60s", mirror: { percent, allMethods: true } },
    { weight: 50, hold: "20s" },
  ]),
});

async function mirroring(options: LifeOptions): Promise<Life> {
  const life = await adopted(options);
  await life.release("2");
  await life.until(
    "the mirror",
    ({ rollout }) => rollout?.mirror !== undefined && rollout.effectiveSince !== undefined,
  );
  return life;
}

const filtersOf = async (life: Life) =>
  (await life.kube.get<HTTPRoute>(kinds.httpRoute, web))?.spec.rules?.map(({ filters }) => filters ?? []);

const copies = (percent?: number) => ({
  type: "RequestMirror",
  requestMirror: { backendRef: { name: "web-canary", port: 80 }, ...(percent === undefined ? {} : { percent }) },
});

describe("a step with a mirror", () => {
  it("sends copies to ready pods, is judged, and gives way to the next step", async () => {
    const life = await mirroring(mirrored(20));
    expect(await filtersOf(life)).toMatchObject([[copies(20)]]);
    expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    // A fifth of the requests of three pods.
    expect(life.deployment("web")?.status?.readyReplicas).toBe(1);
    await life.until("the next step", ({ rollout }) => rollout?.weight === 50 && rollout.effectiveSince !== undefined);
    expect(life.status().checks?.[0]?.readings).toBeGreaterThan(0);
    expect(await filtersOf(life)).toEqual([[]]);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
  });

  it("may have a weight beside it, and copies everything without a percent that older APIs do not know", async () => {
    const life = await mirroring(mirrored(100, 10));
    expect(await filtersOf(life)).toMatchObject([[copies()]]);
    expect(JSON.stringify(await filtersOf(life))).not.toContain("percent");
    expect(life.weights()).toEqual({ "web-primary": 90, "web-canary": 10 });
    expect(life.deployment("web")?.status?.readyReplicas).toBe(3);
  });

  it("that fails ends the copies together with the weight", async () => {
    const life = await mirroring(mirrored(20, 10));
    life.ask = bad;
    await life.until("roll back", ({ phase }) => phase === "RollingBack");
    expect(await filtersOf(life)).toEqual([[]]);
    expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    await life.until("the end", ({ phase }) => phase === "Failed");
    expect(life.deployment("web")?.spec.replicas).toBe(0);
  });

  it("keeps the user's own filters, and is put back when somebody takes it away", async () => {
    const life = await adopted(mirrored(20));
    const own = { type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "x-a", value: "b" }] } };
    const route = await life.kube.get<HTTPRoute>(kinds.httpRoute, web);
    const rules = [{ ...route?.spec.rules?.[0], filters: [own] }];
    await life.kube.mergePatch(kinds.httpRoute, web, { spec: { rules } });
    await life.release("2");
    await life.until("the mirror", ({ rollout }) => rollout?.mirror === 20 && rollout.effectiveSince !== undefined);
    expect(await filtersOf(life)).toMatchObject([[own, copies(20)]]);
    await life.kube.mergePatch(kinds.httpRoute, web, { spec: { rules } });
    await life.pass(1_000);
    expect(await filtersOf(life)).toMatchObject([[own, copies(20)]]);
    await life.act("Abort");
    await life.until("the end", ({ phase }) => phase === "Failed");
    expect(await filtersOf(life)).toMatchObject([[own]]);
    expect((await filtersOf(life))?.[0]).toHaveLength(1);
  });

  it("is refused by the API server, never turned into a mirror of everything, where percent is not known", async () => {
    const life = await adopted(mirrored(20));
    const definitions = life.server.resource("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    const rule = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/rules/items/properties";
    const path = `${rule}/filters/items/properties/requestMirror/properties/percent`;
    const ref = { name: "httproutes.gateway.networking.k8s.io" };
    life.server.patch(definitions, ref, { type: "json", body: [{ op: "remove", path }] }, {});
    await life.release("2");
    await life.until("the sentence", () => conditionOf(life, "Stalled") !== undefined);
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: "WriteRefused" });
    expect(conditionOf(life, "Stalled")?.message).toContain("requestMirror.percent");
    expect(await filtersOf(life)).toEqual([[]]);
    expect(await life.act("Abort")).toContain("Applied");
    await life.until("the end", ({ phase }) => phase === "Failed");
  });

  it("of a rule that takes POST is refused, unless the Canary says that copies do no harm", async () => {
    const life = await adopted();
    await life.patchCanary(withSteps([{ weight: 0, hold: "60s", mirror: { percent: 20 } }]));
    await life.until("the sentence", () => conditionOf(life, "Stalled") !== undefined);
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: "MirrorUnsafe" });
    const route = await life.kube.get<HTTPRoute>(kinds.httpRoute, web);
    const matches = ["GET", "HEAD"].map((method) => ({ path: { type: "PathPrefix", value: "/" }, method }));
    const rules = [{ ...route?.spec.rules?.[0], matches }];
    await life.kube.mergePatch(kinds.httpRoute, web, { spec: { rules } });
    await life.until("rest", ({ phase }) => phase === "Idle");
    await life.pass(1_000);
    expect(conditionOf(life, "Stalled")).toBeUndefined();
    await life.release("2");
    await life.until("the mirror", ({ rollout }) => rollout?.mirror === 20);
    expect(await filtersOf(life)).toMatchObject([[copies(20)]]);
  });

  it("in a route that Aviary makes is a filter of its rules", async () => {
    const life = await mirroring({
      spec: {
        ...mirrored(20).spec,
        traffic: { settle: "2s", drain: "5s", gatewayAPI: { route: { parentRefs: [{ name: "gateway" }] } } },
      },
      workload: async (kube) => {
        await kube.create(kinds.deployment, aDeployment(3));
        await kube.create(kinds.service, apexService);
      },
    });
    expect(await filtersOf(life)).toMatchObject([[copies(20)]]);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(await filtersOf(life)).toEqual([[]]);
  });
});
