import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { HTTPRoute, Ingress } from "../../src/kube/objects.ts";
import { NAMESPACE } from "./life.ts";
import type { Life, LifeOptions } from "./life.ts";
import { adopted, bad, conditionOf, outcomes, rulesOf, watchLives } from "./lives.ts";
import { aDeployment, anIngress, apexService, backend } from "./manifests.ts";

watchLives();

const web = { namespace: NAMESPACE, name: "web" };
const beside = { namespace: NAMESPACE, name: "web-canary" };

const beta = { headers: [{ name: "x-beta", value: "yes" }] };
const abTest = (hold = "60s", match: readonly object[] = [beta]): LifeOptions => ({
  spec: { strategy: { abTest: { match, hold } } },
});

async function testing(options: LifeOptions): Promise<Life> {
  const life = await adopted(options);
  await life.release("2");
  await life.until("the test", ({ rollout }) => rollout?.matched === true && rollout.effectiveSince !== undefined);
  return life;
}

const routeOf = (life: Life) => life.kube.get<HTTPRoute>(kinds.httpRoute, beside);

describe("an A/B test", () => {
  it("leads what matches to the canary by a route of ours, holds it, then promotes by weight and takes the route away", async () => {
    const life = await testing(abTest());
    expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    expect(life.status()).toMatchObject({ phase: "Progressing", weight: 0, step: "1/1" });
    const route = await routeOf(life);
    expect(route?.spec.parentRefs).toMatchObject([{ name: "gateway" }]);
    expect(route?.spec.rules).toMatchObject([
      {
        matches: [{ path: { type: "PathPrefix", value: "/" }, headers: [{ name: "x-beta", value: "yes" }] }],
        backendRefs: [{ name: "web-canary", weight: 100 }],
      },
    ]);
    expect(life.deployment("web")?.spec).toMatchObject({ replicas: 3, paused: true });
    const begun = life.clock.now();
    await life.until("everything on the canary", () => life.weights()["web-canary"] === 100);
    expect(life.clock.now() - begun).toBeGreaterThanOrEqual(59_000);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(await routeOf(life)).toBeUndefined();
    expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    expect(rulesOf(life)).toContain("drainPrimary");
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
  });

  it("that fails ends with everybody on the primary and no route of ours", async () => {
    const life = await testing(abTest("10m"));
    life.ask = bad;
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(await routeOf(life)).toBeUndefined();
    expect(life.status().failed?.why.rule).toBe("failOnChecks");
    expect(life.deployment("web")?.spec.replicas).toBe(0);
    expect(life.deployment("web")?.spec.paused ?? false).toBe(false);
  });

  it("loses nobody whose pods are gone: they go to the primary until there are pods again", async () => {
    const life = await testing(abTest("10m"));
    await life.kube.mergePatch(kinds.deployment, web, { spec: { replicas: 0 } });
    const known = life.outages.length;
    await life.until("the route to go", ({ rollout }) => rollout?.matched !== true);
    expect(await routeOf(life)).toBeUndefined();
    await life.until("the test again", ({ rollout }) => rollout?.matched === true);
    life.outages.length = known;
    expect(life.deployment("web")?.status?.readyReplicas).toBe(3);
  });

  it("is put back when somebody deletes or edits its route, and follows the user's route", async () => {
    const life = await testing(abTest("10m"));
    await life.kube.delete(kinds.httpRoute, beside);
    await life.pass(1_000);
    expect(await routeOf(life)).toBeDefined();
    const rules = [{ backendRefs: [backend("web-primary", 1)] }];
    await life.kube.mergePatch(kinds.httpRoute, beside, { spec: { rules } });
    await life.pass(1_000);
    expect((await routeOf(life))?.spec.rules).toMatchObject([{ backendRefs: [{ name: "web-canary" }] }]);
    await life.kube.mergePatch(kinds.httpRoute, web, { spec: { hostnames: ["shop.test"] } });
    await life.pass(1_000);
    expect((await routeOf(life))?.spec.hostnames).toEqual(["shop.test"]);
  });

  it("ends without a trace when the Canary is deleted in the middle of it", async () => {
    const life = await testing(abTest("10m"));
    await life.kube.delete(kinds.canary, web);
    await life.until("the end", () => !life.exists());
    expect(await routeOf(life)).toBeUndefined();
    expect(life.deployment("web")?.spec.template.spec.containers[0]?.image).toBe("example/web:1");
  });

  it("goes on where it was when the controller is killed in it", async () => {
    const life = await testing(abTest());
    await life.restart();
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(await routeOf(life)).toBeUndefined();
  });

  it("becomes steps when the strategy changes in the middle of it", async () => {
    const life = await testing(abTest("10m"));
    const steps = [{ weight: 30, hold: "10s" }];
    await life.patchCanary({ strategy: { abTest: null, canary: { steps } } });
    await life.until("the weight", ({ rollout }) => rollout?.weight === 30);
    expect(await routeOf(life)).toBeUndefined();
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("whose route has a name that is taken stops with a sentence, and touches nothing", async () => {
    const life = await adopted();
    const made = { ...(await life.kube.get<HTTPRoute>(kinds.httpRoute, web)) };
    await life.kube.create(kinds.httpRoute, {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: beside,
      spec: made.spec,
    } as HTTPRoute);
    await life.patchCanary({ strategy: { canary: null, abTest: { match: [beta], hold: "60s" } } });
    await life.until("the sentence", () => conditionOf(life, "Stalled") !== undefined);
    expect(conditionOf(life, "Stalled")?.message).toContain("HTTPRoute web-canary exists already");
    expect(await routeOf(life)).toBeDefined();
  });

  it("in a route that Aviary makes is a rule before the one with the weights", async () => {
    const life = await testing({
      spec: {
        ...abTest().spec,
        traffic: { settle: "2s", drain: "5s", gatewayAPI: { route: { parentRefs: [{ name: "gateway" }] } } },
      },
      workload: async (kube) => {
        await kube.create(kinds.deployment, aDeployment(3));
        await kube.create(kinds.service, apexService);
      },
    });
    const rules = (await life.kube.get<HTTPRoute>(kinds.httpRoute, web))?.spec.rules ?? [];
    expect(rules.map(({ backendRefs = [] }) => backendRefs.map(({ name, weight }) => `${name}=${weight}`))).toEqual([
      ["web-canary=100"],
      ["web-primary=100", "web-canary=0"],
    ]);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect((await life.kube.get<HTTPRoute>(kinds.httpRoute, web))?.spec.rules).toHaveLength(1);
  });

  it("over ingress-nginx is told by the annotations of the canary Ingress", async () => {
    const match = [beta, { cookie: { name: "beta", value: "always" } }];
    const life = await testing({
      spec: {
        ...abTest("60s", match).spec,
        traffic: { settle: "2s", drain: "5s", nginx: { ingressRefs: [{ name: "web" }] } },
      },
      workload: async (kube) => {
        await kube.create(kinds.deployment, aDeployment(3));
        await kube.create(kinds.service, apexService);
        await kube.create(kinds.ingress, anIngress);
      },
    });
    const annotations = async () => (await life.kube.get<Ingress>(kinds.ingress, beside))?.metadata.annotations ?? {};
    const prefix = "nginx.ingress.kubernetes.io";
    expect(await annotations()).toMatchObject({
      [`${prefix}/canary-by-header`]: "x-beta",
      [`${prefix}/canary-by-header-value`]: "yes",
      [`${prefix}/canary-by-cookie`]: "beta",
      [`${prefix}/canary-weight`]: "0",
    });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(Object.keys(await annotations()).filter((key) => key.includes("canary-by"))).toEqual([]);
  });
});
