import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { Service } from "../../src/kube/objects.ts";
import { NAMESPACE } from "./life.ts";
import type { Life } from "./life.ts";
import { adopted, born, conditionOf, outcomes, rulesOf, underWay, watchLives } from "./lives.ts";
import { aDeployment, apexService, aRoute, backend } from "./manifests.ts";

watchLives();

const web = { namespace: NAMESPACE, name: "web" };

/** As its controller does it for the generation that there is. */
async function acceptRoute({ kube }: Life): Promise<void> {
  const { metadata } = (await kube.get(kinds.httpRoute, web)) ?? {};
  const yes = { status: "True", observedGeneration: metadata?.generation, lastTransitionTime: "2026-01-01T00:00:00Z" };
  const conditions = ["Accepted", "ResolvedRefs"].map((type) => ({ ...yes, type, reason: type, message: "" }));
  const parents = [{ parentRef: { name: "gateway" }, controllerName: "example.com/gateway", conditions }];
  await kube.mergePatch(kinds.httpRoute, web, { status: { parents } }, { subresource: "status" });
}

describe("a gateway", () => {
  it("that never writes a status is waited for, then believed, with a warning", async () => {
    const life = await adopted({ gateway: "silent" });
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(life.events()).toContain("Warning RouteStatusStale");
    const shifted = life.timeline.findIndex((line) => line.includes("w=10 shiftTraffic"));
    const held = life.timeline.findIndex((line) => line.includes("w=10 holdWeight"));
    const at = (index: number) => Number.parseFloat(life.timeline[index] ?? "");
    // Words alone may be told a second late.
    expect(at(held) - at(shifted)).toBeGreaterThanOrEqual(30);
    expect(at(held) - at(shifted)).toBeLessThanOrEqual(31.1);
  });

  it.each([
    { what: "never writes a status", acceptsAfter: undefined, least: 30, most: 45 },
    { what: "takes the route over late", acceptsAfter: 20, least: 20, most: 32 },
  ])(
    "that $what at adoption keeps the target's pods until they are sent nobody",
    async ({ acceptsAfter, least, most }) => {
      const paired = [backend("web-primary", 0), backend("web-canary", 100)];
      const life = await born({
        gateway: "silent",
        workload: async (kube) => {
          await kube.create(kinds.deployment, aDeployment(3));
          await kube.create(kinds.service, apexService);
          await kube.create(kinds.httpRoute, aRoute(paired));
        },
      });
      await life.until("the weight", () => life.weights()["web-canary"] === 0);
      // Until then the watchman took the user's own weight for a canary's.
      life.breaches.length = 0;
      const told = life.clock.now();
      if (acceptsAfter !== undefined) {
        await life.pass(acceptsAfter * 1_000);
        await acceptRoute(life);
      }
      await life.until("adoption", ({ phase }) => phase === "Idle", 120_000);
      expect(life.deployment("web")?.spec.replicas).toBe(0);
      const seconds = (life.clock.now() - told) / 1_000;
      // The data plane follows when the route is taken over: only from then on do settle and drain count.
      expect(seconds).toBeGreaterThanOrEqual(least + 5);
      expect(seconds).toBeLessThanOrEqual(most);
    },
  );

  it("that rejects the route stops the rollout with its sentence", async () => {
    const life = await adopted();
    life.cluster.gateway = "rejects";
    await life.release("2");
    await life.until("the sentence", () => conditionOf(life, "Stalled") !== undefined);
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: "RouteRejected" });
    expect(conditionOf(life, "Stalled")?.message).toContain("no listener takes it");
    await life.pass(600_000);
    expect(life.status()).toMatchObject({ phase: "Progressing", weight: 10 });
  });
});

describe("what somebody changes by hand", () => {
  it("in the weights is put back, in a rollout and at rest", async () => {
    const life = await underWay();
    const edit = async (weight: number): Promise<void> => {
      const rules = [{ backendRefs: [backend("web-primary", 100 - weight), backend("web-canary", weight)] }];
      await life.kube.mergePatch(kinds.httpRoute, web, { spec: { rules } });
      await life.pass(1_000);
    };
    await edit(70);
    expect(life.weights()).toEqual({ "web-primary": 90, "web-canary": 10 });
    await life.pass(6_000);
    expect(life.told()).toContainEqual(expect.stringMatching(/^put weight 10 back: the route said weight 70/));
    await life.act("Pause");
    await edit(70);
    expect(life.weights()).toEqual({ "web-primary": 90, "web-canary": 10 });
    await life.act("Resume");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    const known = life.outages.length;
    await edit(70);
    expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    life.outages.length = known;
  });

  it("in the weights before the first one exposes nobody for long", async () => {
    const life = await adopted();
    await life.release("2", { START_DELAY_MS: "60000" });
    await life.pass(5_000);
    const rules = [{ backendRefs: [backend("web-primary", 50), backend("web-canary", 50)] }];
    const known = life.outages.length;
    await life.kube.mergePatch(kinds.httpRoute, web, { spec: { rules } });
    await life.pass(1_000);
    expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    life.outages.length = known;
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it.each(["web-primary", "web-canary"])("to the leaf Service %s is put back", async (name) => {
    const life = await underWay();
    const known = life.outages.length;
    await life.kube.delete(kinds.service, { namespace: NAMESPACE, name });
    await life.pass(2_000);
    life.outages.length = known;
    const service = await life.kube.get<Service>(kinds.service, { namespace: NAMESPACE, name });
    expect(service?.spec.selector).toEqual({ app: name === "web-canary" ? "web" : "web-primary" });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(rulesOf(life)).toContain("repairServices");
    expect(life.told()).toContain("putting the Services back");
  });

  it("to the selector of a leaf Service is put back", async () => {
    const life = await adopted();
    const ref = { namespace: NAMESPACE, name: "web-primary" };
    const known = life.outages.length;
    await life.kube.mergePatch(kinds.service, ref, { spec: { selector: { app: "other" } } });
    await life.pass(2_000);
    life.outages.length = known;
    expect((await life.kube.get<Service>(kinds.service, ref))?.spec.selector).toEqual({ app: "web-primary" });
  });

  it("to the apex Service is put back, as Helm does with every release", async () => {
    const life = await adopted();
    const known = life.outages.length;
    await life.kube.mergePatch(kinds.service, web, { spec: (apexService as Service).spec });
    await life.pass(2_000);
    life.outages.length = known;
    expect((await life.kube.get<Service>(kinds.service, web))?.spec.selector).toEqual({ app: "web-primary" });
    expect(rulesOf(life)).toContain("repairApex");
    expect(life.told()).toContain("pointing the apex Service at the primary again");
  });

  it("to the primary is put back when the target still holds what was promoted", async () => {
    const life = await adopted();
    await life.kube.delete(
      kinds.deployment,
      { namespace: NAMESPACE, name: "web-primary" },
      { propagation: "Background" },
    );
    await life.pass(5_000);
    life.outages.length = 0;
    expect(life.deployment("web-primary")?.status?.readyReplicas).toBe(3);
    expect(life.status().phase).toBe("Idle");
  });

  it("to the primary in a rollout is told, with what to do", async () => {
    const life = await underWay();
    await life.kube.delete(
      kinds.deployment,
      { namespace: NAMESPACE, name: "web-primary" },
      { propagation: "Background" },
    );
    await life.pass(5_000);
    expect(conditionOf(life, "Stalled")?.reason).toBe("PrimaryMissing");
    await life.release("1");
    await life.until("rest", ({ phase }) => phase === "Idle");
    life.outages.length = 0;
    expect(outcomes(life)).toEqual(["example/web:2 Reverted"]);
    expect(life.deployment("web-primary")?.status?.readyReplicas).toBe(3);
  });

  it("to the primary's size is put back when that is 0, at rest", async () => {
    const life = await adopted();
    await scalePrimaryToNothing(life);
    expect(life.deployment("web-primary")?.status?.readyReplicas).toBe(3);
    expect(life.status().phase).toBe("Idle");
    expect(rulesOf(life)).toContain("repairPrimarySize");
    expect(life.told()).toContain("scaling the primary to 3 again: somebody scaled it to 0, and it serves everyone");
  });

  it("to the primary's size is put back in a rollout, which can then be rolled back", async () => {
    const life = await underWay();
    await scalePrimaryToNothing(life);
    expect(life.deployment("web-primary")?.status?.readyReplicas).toBe(3);
    await life.act("Abort");
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    expect(life.errors).toEqual([]);
  });

  it("to the primary's image is put back, at rest and in a rollout, and said", async () => {
    const life = await adopted();
    const setImage = async (image: string): Promise<void> => {
      const container = { name: "web", image };
      const ref = { namespace: NAMESPACE, name: "web-primary" };
      const containers = life
        .deployment("web-primary")
        ?.spec.template.spec.containers.map((held) => ({ ...held, ...container }));
      await life.kube.mergePatch(kinds.deployment, ref, { spec: { template: { spec: { containers } } } });
      await life.pass(5_000);
    };
    const image = () => life.deployment("web-primary")?.spec.template.spec.containers[0]?.image;
    await setImage("example/web:9");
    expect(image()).toBe("example/web:1");
    await life.release("2");
    await life.until("weight 10", ({ weight }) => weight === 10);
    await setImage("example/web:8");
    expect(image()).toBe("example/web:1");
    for (const version of [9, 8]) {
      expect(life.told()).toContain(
        `putting the primary's images back: somebody changed them to example/web:${version}, which nobody judged`,
      );
    }
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(image()).toBe("example/web:2");
  });

  it("to the target's size at rest is put back", async () => {
    const life = await adopted();
    await life.kube.mergePatch(kinds.deployment, web, { spec: { replicas: 3 } });
    await life.pass(5_000);
    expect(life.deployment("web")?.spec.replicas).toBe(0);
  });
});

/** Users notice until Aviary has acted, which is not its fault. */
async function scalePrimaryToNothing(life: Life): Promise<void> {
  const known = life.outages.length;
  await life.kube.mergePatch(
    kinds.deployment,
    { namespace: NAMESPACE, name: "web-primary" },
    { spec: { replicas: 0 } },
  );
  await life.pass(5_000);
  life.outages.length = known;
}

describe("a change of the target that is no release", () => {
  it.each([
    { what: "labels outside the template", patch: { metadata: { labels: { team: "a" } } } },
    { what: "strategy", patch: { spec: { minReadySeconds: 1 } } },
    {
      what: "a default that is spelled out",
      patch: { spec: { template: { spec: { dnsPolicy: "ClusterFirst", restartPolicy: "Always" } } } },
    },
  ])("starts nothing: $what", async ({ patch }) => {
    const life = await adopted();
    await life.kube.mergePatch(kinds.deployment, web, patch);
    await life.pass(60_000);
    expect(life.status().phase).toBe("Idle");
    expect(life.status().history).toBeUndefined();
  });

  it("restarts the primary alone when it is a restart", async () => {
    const life = await adopted();
    const annotations = { "kubectl.kubernetes.io/restartedAt": "2026-01-01T00:05:00Z" };
    const generation = life.deployment("web-primary")?.metadata.generation ?? 0;
    await life.kube.mergePatch(kinds.deployment, web, { spec: { template: { metadata: { annotations } } } });
    await life.pass(60_000);
    expect(life.deployment("web-primary")?.spec.template.metadata?.annotations).toMatchObject(annotations);
    expect(life.deployment("web-primary")?.metadata.generation).toBe(generation + 1);
    expect(life.status()).toMatchObject({ phase: "Idle" });
    expect(life.status().history).toBeUndefined();
  });
});
