import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { EndpointSlice, Pod, Service } from "../../src/kube/objects.ts";
import type { Kube } from "../../src/kube/port.ts";
import { livesWithCrashes } from "./crashes.ts";
import { NAMESPACE } from "./life.ts";
import type { Life, LifeOptions } from "./life.ts";
import { adopted, bad, movesOf, outcomes, underWay, watchLives } from "./lives.ts";
import { aCanary, aDeployment, apexService, withSteps } from "./manifests.ts";
import { all, readyOf } from "./watchman.ts";

watchLives();

const web = { namespace: NAMESPACE, name: "web" };

/** A Deployment of four and its Service, and nothing in front of them. */
async function workload(kube: Kube): Promise<void> {
  await kube.create(kinds.deployment, aDeployment(4));
  await kube.create(kinds.service, apexService);
}

const alone: LifeOptions = { spec: { traffic: { settle: "2s", drain: "5s", service: {} } }, workload };

/** What puts pods of the canary behind the apex; not what stands behind it for when nobody else does. */
function ownSlices(life: Life): readonly EndpointSlice[] {
  return all<EndpointSlice>(life.server, kinds.endpointSlice).filter(({ metadata }) =>
    metadata.name.endsWith("-aviary-share"),
  );
}

async function apexSelector(life: Life): Promise<unknown> {
  return (await life.kube.get<Service>(kinds.service, web))?.spec.selector;
}

/** Addresses of the target's pods that are there. */
function canaryAddresses(life: Life): readonly string[] {
  return all<Pod>(life.server, kinds.pod)
    .filter(({ metadata }) => metadata.labels?.["app"] === "web" && metadata.deletionTimestamp === undefined)
    .flatMap(({ status }) => status?.podIP ?? []);
}

async function deleted(life: Life): Promise<void> {
  await life.kube.delete(kinds.canary, web);
  await life.until("the end", () => !life.exists(), 300_000);
  await life.pass(10_000);
}

async function expectHandedBack(life: Life, version: string): Promise<void> {
  expect(life.deployment("web-primary")).toBeUndefined();
  expect(life.deployment("web")?.spec.replicas).toBe(4);
  expect(life.deployment("web")?.spec.paused).toBeUndefined();
  expect(life.deployment("web")?.spec.template.spec.containers[0]?.image).toBe(`example/web:${version}`);
  expect(readyOf(life.server, "web")).toBe(4);
  expect(await apexSelector(life)).toEqual({ app: "web" });
  expect(ownSlices(life)).toEqual([]);
}

describe("without a router, pods make the weight", () => {
  it("a good release is promoted by shares of whole pods, and the status says which", async () => {
    const life = await adopted(alone);
    expect(await apexSelector(life)).toEqual({ app: "web-primary" });
    await life.release("2");
    await life.until("the first weight", ({ weight, share }) => weight === 10 && share !== undefined);
    // One of five.
    expect(life.status().share).toBe(20);
    expect(life.weights()).toEqual({ "web-primary": 80, "web-canary": 20 });
    await life.until("its hold", ({ why }) => why?.rule === "holdWeight");
    expect(life.status().why?.message).toBe("step 1/2: holding weight 10 (20 % of the pods) for 20s");
    await life.until("half", ({ weight, share }) => weight === 50 && share === 50);
    expect(readyOf(life.server, "web")).toBe(4);
    await life.until("everything", ({ weight, share }) => weight === 100 && share === 100);
    expect(await apexSelector(life)).toEqual({ app: "web" });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(life.status().share).toBeUndefined();
    expect(life.status().promoted?.images).toEqual(["example/web:2"]);
    expect(await apexSelector(life)).toEqual({ app: "web-primary" });
    await life.pass(10_000);
    expect(ownSlices(life)).toEqual([]);
    expect(life.errors).toEqual([]);
    expect(movesOf(life)).toEqual([
      "Progressing 1/2 w=10 shiftTraffic",
      "Progressing 2/2 w=50 shiftTraffic",
      "Promoting 2/2 w=100 shiftTraffic",
      "Promoting 2/2 w=0 returnTraffic",
    ]);
  });

  it("is what a Canary without `traffic` gets", async () => {
    const life = await adopted({ ...alone, spec: { traffic: undefined } });
    await life.release("2");
    await life.until("the first weight", ({ weight, share }) => weight === 10 && share === 20);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("a bad release loses its endpoints before its pods", async () => {
    const life = await underWay(alone);
    life.ask = bad;
    await life.until("roll back", ({ phase }) => phase === "RollingBack");
    expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    expect(ownSlices(life)).toEqual([]);
    expect(readyOf(life.server, "web")).toBeGreaterThan(0);
    await life.until("the end", ({ phase }) => phase === "Failed");
    expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
    expect(life.deployment("web")?.spec.replicas).toBe(0);
  });

  it("a release that is bad at 100 % gives everything back to the primary", async () => {
    const spec = { ...alone.spec, ...withSteps([{ weight: 100, hold: "60s" }]) };
    const life = await underWay({ ...alone, spec }, 100);
    expect(await apexSelector(life)).toEqual({ app: "web" });
    expect(ownSlices(life)).toEqual([]);
    life.ask = bad;
    await life.until("the end", ({ phase }) => phase === "Failed");
    expect(await apexSelector(life)).toEqual({ app: "web-primary" });
    expect(life.deployment("web")?.spec.replicas).toBe(0);
  });

  it("a weight may go down again, also from 100", async () => {
    const steps = [100, 20, 50].map((weight) => ({ weight, hold: "20s" }));
    const life = await underWay({ ...alone, spec: { ...alone.spec, ...withSteps(steps) } }, 100);
    await life.until("less", ({ weight, rollout }) => weight === 20 && rollout?.effectiveSince !== undefined);
    expect(life.weights()).toEqual({ "web-primary": 80, "web-canary": 20 });
    expect(await apexSelector(life)).toEqual({ app: "web-primary" });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });
});

describe("without a router, the endpoints are kept up to date", () => {
  it("when pods of the canary go and come, whatever the rollout waits for", async () => {
    const spec = { ...alone.spec, ...withSteps([{ weight: 50, hold: "20s" }, { pause: {} }]) };
    const life = await underWay({ ...alone, spec }, 50);
    for (const waiting of ["holdWeight", "waitForApproval", "waitWhilePaused", "honourSuspend", "refuseInvalid"]) {
      if (waiting === "waitWhilePaused") await life.act("Pause");
      if (waiting === "honourSuspend") await life.patchCanary({ suspend: true });
      if (waiting === "refuseInvalid") await life.patchCanary({ suspend: false, analysis: { checks: [noProvider] } });
      await life.until(waiting, ({ why }) => why?.rule === waiting);
      const [victim] = all<Pod>(life.server, kinds.pod).filter(({ metadata }) => metadata.labels?.["app"] === "web");
      await life.kube.delete(kinds.pod, { namespace: NAMESPACE, name: victim?.metadata.name ?? "" });
      await life.pass(5_000);
      const listed = ownSlices(life).flatMap(({ endpoints }) =>
        (endpoints ?? []).flatMap(({ addresses }) => addresses),
      );
      expect(listed.toSorted(), waiting).toEqual(canaryAddresses(life).toSorted());
    }
  });

  it("when a GitOps tool puts the apex Service back", async () => {
    const life = await underWay(alone);
    await life.kube.mergePatch(kinds.service, web, { spec: { selector: { app: "web" } } });
    await life.pass(1_000);
    expect(await apexSelector(life)).toEqual({ app: "web-primary" });
    expect(life.weights()["web-canary"]).toBe(20);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("when somebody deletes the slice, and when no pod of the canary is left", async () => {
    const life = await underWay({ ...alone, spec: { ...alone.spec, progressDeadlineSeconds: 30 } });
    await life.kube.delete(kinds.endpointSlice, { namespace: NAMESPACE, name: "web-aviary-share" });
    await life.pass(1_000);
    expect(life.weights()["web-canary"]).toBe(20);
    await life.release("2", { CRASH: "true" });
    await life.until("no weight", ({ weight }) => weight === 0);
    expect(ownSlices(life)).toEqual([]);
  });
});

const noProvider = { name: "success", threshold: { query: "up", min: 1, providerRef: { name: "nobody" } } };

describe("without a router, deletion hands back", () => {
  it("at rest", async () => {
    const life = await adopted(alone);
    await deleted(life);
    await expectHandedBack(life, "1");
    expect(life.errors).toEqual([]);
  });

  it.each([10, 50, 100])("at weight %i, with the promoted template", async (weight) => {
    const spec = { ...alone.spec, ...withSteps([10, 50, 100].map((step) => ({ weight: step, hold: "20s" }))) };
    const life = await underWay({ ...alone, spec }, weight);
    await deleted(life);
    await expectHandedBack(life, "1");
    expect(life.errors).toEqual([]);
  });

  it("while the primary takes the new revision", async () => {
    const life = await underWay(alone);
    await life.until("the primary's change", ({ why }) =>
      ["waitForPrimary", "returnTraffic"].includes(why?.rule ?? ""),
    );
    await deleted(life);
    await expectHandedBack(life, "2");
  });

  it("and a new Canary adopts again", async () => {
    const life = await adopted(alone);
    await deleted(life);
    await life.kube.create(kinds.canary, aCanary(alone.spec));
    await life.until("adoption", ({ phase }) => phase === "Idle");
    expect(await apexSelector(life)).toEqual({ app: "web-primary" });
  });
});

describe("without a router, a controller that crashes after any of its writes", () => {
  const hasty = { workload, spec: { traffic: { settle: "500ms", drain: "1s", service: {} } } };
  const idle = (life: Life) => life.until("adoption", ({ phase }) => phase === "Idle");
  const half = async (life: Life) => {
    await idle(life);
    await life.release("2");
    await life.until("a weight", ({ weight }) => weight === 50);
  };

  it("adopts all the same", { timeout: 120_000 }, async () => {
    const happens = () => Promise.resolve();
    const story = { options: hasty, happens, ends: (life: Life) => life.status().phase === "Idle" };
    expect(await livesWithCrashes(story, ["after"])).toEqual([]);
  });

  it("promotes all the same", { timeout: 120_000 }, async () => {
    const happens = (life: Life) => life.release("2");
    const story = { options: hasty, before: idle, happens, ends: (life: Life) => life.status().phase === "Succeeded" };
    expect(await livesWithCrashes(story, ["after"])).toEqual([]);
  });

  it("rolls back all the same", { timeout: 120_000 }, async () => {
    const happens = (life: Life) => life.release("2");
    const ends = (life: Life) => life.status().phase === "Failed";
    const story = { options: { ...hasty, ask: bad }, before: idle, happens, ends };
    expect(await livesWithCrashes(story, ["after"])).toEqual([]);
  });

  it("hands back all the same", { timeout: 120_000 }, async () => {
    const happens = (life: Life) => life.kube.delete(kinds.canary, web);
    const story = { options: hasty, before: half, happens, ends: (life: Life) => !life.exists() };
    expect(await livesWithCrashes(story, ["after"])).toEqual([]);
  });
});
