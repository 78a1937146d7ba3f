import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { EndpointSlice, HTTPRoute, Service } from "../../src/kube/objects.ts";
import { NAMESPACE } from "./life.ts";
import type { Life } from "./life.ts";
import { adopted, bad, born, rolledBack, rulesOf, underWay, watchLives } from "./lives.ts";
import { aCanary, apexService, manifest } from "./manifests.ts";
import { all, readyOf } from "./watchman.ts";

watchLives();

const web = { namespace: NAMESPACE, name: "web" };

async function deleted(life: Life): Promise<void> {
  await life.kube.delete(kinds.canary, web);
  await life.until("the end", () => !life.exists(), 300_000);
  await life.pass(10_000);
}

/** What is left when all is handed back: the target serves, by whatever name. */
async function expectHandedBack(life: Life, { version }: { readonly version: string }): Promise<void> {
  expect(life.deployment("web-primary")).toBeUndefined();
  expect(life.deployment("web")?.spec).toMatchObject({ replicas: 3 });
  expect(life.deployment("web")?.spec.paused).toBeUndefined();
  expect(life.deployment("web")?.spec.template.spec.containers[0]?.image).toBe(`example/web:${version}`);
  expect(readyOf(life.server, "web")).toBe(3);
  expect((await life.kube.get<Service>(kinds.service, web))?.spec.selector).toEqual({ app: "web" });
  const primary = await life.kube.get<Service>(kinds.service, { namespace: NAMESPACE, name: "web-primary" });
  expect(primary?.spec.selector).toEqual({ app: "web" });
  expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
  const route = await life.kube.get<HTTPRoute>(kinds.httpRoute, web);
  expect(route?.metadata.annotations?.["aviary.dev/weights"]).toBeUndefined();
  const fed = all<EndpointSlice>(life.server, kinds.endpointSlice).filter(({ metadata }) =>
    metadata.name.endsWith("-aviary"),
  );
  expect(fed).toEqual([]);
}

describe("deleting a Canary hands the traffic back to the target", () => {
  it("at rest", async () => {
    const life = await adopted();
    await deleted(life);
    await expectHandedBack(life, { version: "1" });
    expect(life.errors).toEqual([]);
  });

  it("while somebody holds the primary at 0: the target gets the size that it had", async () => {
    const life = await adopted();
    const known = life.outages.length;
    await life.kube.delete(kinds.canary, web);
    await life.kube.mergePatch(
      kinds.deployment,
      { namespace: NAMESPACE, name: "web-primary" },
      { spec: { replicas: 0 } },
    );
    await life.until("the end", () => !life.exists(), 300_000);
    life.outages.length = known;
    expect(life.deployment("web")?.spec.replicas).toBe(3);
    expect(readyOf(life.server, "web")).toBe(3);
  });

  it("when the target's pods are ready, however late, and tells a person that they are", async () => {
    const life = await adopted();
    await life.release("2", { START_DELAY_MS: "90000" });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    await life.patchCanary({ progressDeadlineSeconds: 30 });
    await life.kube.delete(kinds.canary, web);
    const stalled = () => life.status().conditions?.find(({ type }) => type === "Stalled");
    await life.until("the stall", () => stalled()?.reason === "TargetNotReady", 60_000);
    expect(stalled()?.message).toMatch(/The primary goes on serving\. .* set spec.onDelete to Keep/);
    expect(readyOf(life.server, "web-primary")).toBe(3);
    await life.until("the end", () => !life.exists(), 300_000);
    await expectHandedBack(life, { version: "2" });
  });

  it("in the middle of a rollout, with the promoted template", async () => {
    const life = await underWay({}, 50);
    await deleted(life);
    await expectHandedBack(life, { version: "1" });
  });

  it("after a rollback, with the promoted template", async () => {
    const life = await rolledBack();
    await deleted(life);
    await expectHandedBack(life, { version: "1" });
  });

  it("at 100 %, before the primary has changed", async () => {
    const life = await underWay();
    await life.until("100 %", ({ why }) => why?.rule === "drainPrimary");
    await deleted(life);
    await expectHandedBack(life, { version: "1" });
  });

  it.each(["updatePrimary", "drainCanary"])(
    "after the primary has changed (%s), with the judged template",
    async (rule) => {
      const life = await underWay();
      await life.until("the primary's change", ({ why }) => why?.rule === rule);
      await life.release("3");
      await deleted(life);
      await expectHandedBack(life, { version: "2" });
    },
  );

  it("to its end, when Keep comes too late for that", async () => {
    const life = await adopted();
    await life.kube.delete(kinds.canary, web);
    const selector = async () => (await life.kube.get<Service>(kinds.service, web))?.spec.selector?.["app"];
    while ((await selector()) !== "web") await life.pass(250);
    await life.patchCanary({ onDelete: "Keep" });
    await life.until("the end", () => !life.exists(), 300_000);
    await life.pass(10_000);
    await expectHandedBack(life, { version: "1" });
  });

  it("and tells whoever asks for something meanwhile", async () => {
    const life = await underWay();
    await life.kube.delete(kinds.canary, web);
    await life.pass(1_000);
    const sentence = "Refused: the Canary is being deleted, and hands its traffic back";
    for (const action of ["Abort", "Promote"]) expect(await life.act(action)).toBe(sentence);
    await life.until("the end", () => !life.exists(), 300_000);
  });

  it("while suspended", async () => {
    const life = await underWay();
    await life.patchCanary({ suspend: true });
    await deleted(life);
    await expectHandedBack(life, { version: "1" });
  });

  it.each(["createPrimary", "switchApex", "drainTarget"])("before the adoption has finished (%s)", async (rule) => {
    const life = await born();
    await life.until(rule, () => rulesOf(life).at(-1) === rule);
    await deleted(life);
    await expectHandedBack(life, { version: "1" });
  });

  it("before the adoption has finished, without touching what Git says meanwhile", async () => {
    const life = await born();
    await life.until("the switch", ({ why }) => why?.rule === "switchApex");
    await life.release("2");
    await deleted(life);
    await expectHandedBack(life, { version: "2" });
  });

  it("before anything was made", async () => {
    const life = await born({ workload: async (kube) => void (await kube.create(kinds.service, apexService)) });
    await life.pass(5_000);
    await deleted(life);
    expect(life.deployment("web-primary")).toBeUndefined();
  });

  it("with the selector that was found, also when it does not name the label", async () => {
    const selector = { tier: "front" };
    const life = await born({
      workload: async (kube) => {
        const { aDeployment, aRoute } = await import("./manifests.ts");
        const plain = aDeployment(3);
        const metadata = { labels: { app: "web", tier: "front" } };
        await kube.create(kinds.deployment, {
          ...plain,
          spec: { ...plain.spec, template: { ...plain.spec.template, metadata } },
        });
        const { spec } = apexService as Service;
        await kube.create(kinds.service, manifest("v1", "Service", "web", { spec: { ...spec, selector } }));
        await kube.create(kinds.httpRoute, aRoute());
      },
    });
    await life.until("adoption", ({ phase }) => phase === "Idle");
    await deleted(life);
    expect((await life.kube.get<Service>(kinds.service, web))?.spec.selector).toEqual(selector);
    expect(life.deployment("web-primary")).toBeUndefined();
  });

  it("but not in a namespace that goes away, which it does not hold up", async () => {
    const life = await adopted();
    const namespaces = life.server.resource("", "v1", "namespaces");
    life.server.delete(namespaces, { name: NAMESPACE }, {});
    await life.pass(5_000);
    expect(life.exists()).toBe(false);
    life.outages.length = 0;
  });
});

describe("onDelete: Keep", () => {
  it("leaves the primary serving", async () => {
    const life = await adopted({ spec: { onDelete: "Keep" } });
    await deleted(life);
    expect(readyOf(life.server, "web-primary")).toBe(3);
    expect(life.deployment("web")?.spec.replicas).toBe(0);
  });

  it("takes users off a canary first", async () => {
    const life = await underWay({ spec: { onDelete: "Keep" } });
    await deleted(life);
    expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    expect(life.deployment("web")?.spec).toMatchObject({ replicas: 0 });
    expect(life.deployment("web")?.spec.paused).toBeUndefined();
  });
});

describe("a Canary that comes back", () => {
  it.each(["Restore", "Keep"])("adopts again what was left with %s", async (onDelete) => {
    const life = await adopted({ spec: { onDelete } });
    await deleted(life);
    await life.kube.create(kinds.canary, aCanary());
    await life.until("adoption", ({ phase }) => phase === "Idle");
    expect(life.deployment("web")?.spec.replicas).toBe(0);
    expect(readyOf(life.server, "web-primary")).toBe(3);
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });
});

describe("a Canary that comes back to a primary that was kept and to idle pods of a newer revision", () => {
  it("goes on with the primary as it serves, and judges the newer one like any other", async () => {
    const spec = { onDelete: "Keep", idleReplicas: 1 };
    const life = await adopted({ spec });
    await deleted(life);
    await life.release("2");
    await life.until("the new idle pod", () => life.deployment("web")?.status?.updatedReplicas === 1);
    await life.pass(10_000);
    life.ask = bad;
    await life.kube.create(kinds.canary, aCanary(spec));
    const image = () => life.deployment("web-primary")?.spec.template.spec.containers[0]?.image;
    await life.until("roll back", ({ phase }) => {
      expect(image()).toBe("example/web:1");
      expect(readyOf(life.server, "web-primary")).toBe(3);
      return phase === "Failed";
    });
    expect(life.status().promoted?.images).toEqual(["example/web:1"]);
  });
});

describe("an application that is deleted with its Canary", () => {
  const objects = [kinds.deployment, kinds.service, kinds.httpRoute, kinds.canary];
  const orders = [objects, objects.toReversed(), [kinds.canary, kinds.deployment, kinds.httpRoute, kinds.service]];

  it.each(orders.map((order) => [order.map(({ kind }) => kind).join(", "), order] as const))(
    "leaves no Canary that waits for ever, nor users without pods: %s",
    async (_names, order) => {
      const life = await adopted();
      const known = life.outages.length;
      for (const kind of order) await life.kube.delete(kind, web, { propagation: "Background" });
      await life.until("the end", () => !life.exists(), 120_000);
      await life.pass(10_000);
      // Requests to a route or Service that was deleted are nobody's to serve.
      life.outages.length = known;
      expect(Math.max(readyOf(life.server, "web-primary"), readyOf(life.server, "web"))).toBe(3);
    },
  );
});
