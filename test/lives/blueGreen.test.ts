import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { Kube } from "../../src/kube/port.ts";
import type { Reading } from "../../src/metrics/provider.ts";
import { livesWithCrashes } from "./crashes.ts";
import { NAMESPACE } from "./life.ts";
import type { Life, LifeOptions } from "./life.ts";
import { adopted, bad, born, outcomes, watchLives } from "./lives.ts";
import { aDeployment, apexService, oneCheck } from "./manifests.ts";
import { readyOf } from "./watchman.ts";

watchLives();

const smoke = { name: "smoke", threshold: { query: "smoke", min: 0.99, failureLimit: 0 } };
const analysis = { interval: "10s", checks: [oneCheck, smoke] };
const strategy = { blueGreen: { preview: { hold: "30s", checks: ["smoke"] }, hold: "60s" } };

async function alone(kube: Kube): Promise<void> {
  await kube.create(kinds.deployment, aDeployment(3));
  await kube.create(kinds.service, apexService);
}

const planes: readonly { readonly name: string; readonly options: LifeOptions }[] = [
  { name: "over the Gateway API", options: { spec: { analysis, strategy } } },
  {
    name: "without a router",
    options: { spec: { analysis, strategy, traffic: { settle: "2s", drain: "5s", service: {} } }, workload: alone },
  },
];

/** What a query answers, by its text; the rest is good. */
function answers(by: Readonly<Record<string, Reading>>): (query: string) => Reading {
  return (query) => by[query] ?? { kind: "value", value: 1 };
}

/** A life whose release 2 has the preview in effect. */
async function previewed(options: LifeOptions): Promise<Life> {
  const life = await adopted(options);
  await life.release("2");
  await life.until("the preview", ({ why }) => why?.rule === "holdWeight");
  return life;
}

async function switched(options: LifeOptions): Promise<Life> {
  const life = await previewed(options);
  await life.until("the switch", ({ rollout }) => rollout?.weight === 100 && rollout.effectiveSince !== undefined);
  return life;
}

const everybodyOnPrimary = { "web-primary": 100, "web-canary": 0 };

describe.each(planes)("blue/green $name", ({ options }) => {
  it("runs a good release at full size, asks the preview's checks, and switches at once", async () => {
    const life = await previewed({ ...options, ask: answers({ success10s: { kind: "empty" } }) });
    expect(readyOf(life.server, "web")).toBe(3);
    expect(life.weights()).toEqual(everybodyOnPrimary);
    expect(life.status()).toMatchObject({ phase: "Progressing", step: "1/2", weight: 0 });
    expect(life.status().why?.message).toBe("step 1/2: preview of the new version behind Service web-canary for 30s");
    await life.until("the smoke test", ({ checks }) => checks?.[1]?.verdict === "Pass");
    // Nobody can say yet how users fare.
    expect(life.status().checks?.[0]?.readings).toBe(0);
    life.ask = answers({});
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    const weights = life.timeline.filter((line) => / (shiftTraffic|returnTraffic)$/.test(line));
    expect(weights.map((line) => line.split(" ").slice(1).join(" "))).toEqual([
      "Progressing 1/2 w=0 shiftTraffic",
      "Progressing 2/2 w=100 shiftTraffic",
      "Promoting 2/2 w=100 returnTraffic",
      "Promoting 2/2 w=0 returnTraffic",
    ]);
    expect(life.status().promoted?.images).toEqual(["example/web:2"]);
    expect(life.deployment("web")?.spec.replicas).toBe(0);
    expect(life.weights()).toEqual(everybodyOnPrimary);
    expect(life.errors).toEqual([]);
  });

  it("is held for its time after the switch, and judged by what users meet", async () => {
    const life = await switched(options);
    const since = Date.parse(life.status().rollout?.effectiveSince ?? "");
    await life.until("its end", ({ phase }) => phase === "Promoting");
    expect(life.clock.now() - since).toBeGreaterThanOrEqual(60_000);
    expect(life.status().checks?.map(({ verdict }) => verdict)).toEqual(["Pass", "Pass", "Pass"]);
  });

  it("never shows users a release that is bad in its preview", async () => {
    const life = await previewed({ ...options, ask: answers({ smoke: { kind: "value", value: 0 } }) });
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.status().history?.[0]).toMatchObject({ outcome: "Failed", weight: 0 });
    expect(life.status().why?.message).toContain("check smoke failed");
    expect(life.timeline.filter((line) => line.includes("w=100"))).toEqual([]);
    expect(life.deployment("web")?.spec.replicas).toBe(0);
  });

  it("waits when the preview's checks say nothing", async () => {
    const life = await previewed({ ...options, ask: answers({ smoke: { kind: "empty" } }) });
    await life.until("a person", ({ phase }) => phase === "Paused");
    expect(life.status().conditions?.find(({ type }) => type === "Reconciling")?.reason).toBe("Undecided");
    life.ask = answers({});
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("takes everybody back when a release is bad after the switch", async () => {
    const life = await switched(options);
    life.ask = bad;
    await life.until("the way back", ({ phase }) => phase === "RollingBack");
    expect(life.status().weight).toBe(0);
    expect(readyOf(life.server, "web")).toBe(3);
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
    expect(life.status().history?.[0]?.weight).toBe(100);
    expect(life.weights()).toEqual(everybodyOnPrimary);
  });

  it("waits for an approval before the switch, with the preview going on", async () => {
    const spec = { ...options.spec, strategy: { blueGreen: { ...strategy.blueGreen, pause: {} } } };
    const life = await previewed({ ...options, spec });
    await life.until("the pause", ({ phase }) => phase === "Paused");
    await life.pass(3_600_000);
    expect(life.status()).toMatchObject({ phase: "Paused", weight: 0, step: "2/3" });
    expect(readyOf(life.server, "web")).toBe(3);
    expect(await life.act("Approve")).toMatch(/^Applied/);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("rolls back at the pause when the preview gets bad", async () => {
    const spec = { ...options.spec, strategy: { blueGreen: { ...strategy.blueGreen, pause: {} } } };
    const life = await previewed({ ...options, spec });
    await life.until("the pause", ({ phase }) => phase === "Paused");
    life.ask = answers({ smoke: { kind: "value", value: 0 } });
    await life.until("roll back", ({ phase }) => phase === "Failed");
  });

  it("starts over, unseen, with a release that comes in the preview", async () => {
    const life = await previewed(options);
    await life.release("3");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:3 Succeeded"]);
  });

  it("takes a release back whose pods do not get ready, before anybody has seen it", async () => {
    const life = await adopted({ ...options, spec: { ...options.spec, progressDeadlineSeconds: 30 } });
    await life.release("2", { READY: "false" });
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.status().history?.[0]?.weight).toBe(0);
    expect(life.weights()).toEqual(everybodyOnPrimary);
  });

  it.each([0, 100])("hands back when it is deleted at weight %i", async (weight) => {
    const life = weight === 0 ? await previewed(options) : await switched(options);
    await life.kube.delete(kinds.canary, { namespace: NAMESPACE, name: "web" });
    await life.until("the end", () => !life.exists());
    expect(life.deployment("web-primary")).toBeUndefined();
    expect(life.deployment("web")?.spec).toMatchObject({ replicas: 3 });
    expect(life.deployment("web")?.spec.template.spec.containers[0]?.image).toBe("example/web:1");
  });
});

describe.each(planes)("a controller that crashes after any of its writes, $name", ({ name, options }) => {
  const hasty = {
    ...options.spec,
    strategy: { blueGreen: { preview: { hold: "1s", checks: ["smoke"] }, hold: "1s" } },
    analysis: { interval: "1s", checks: [oneCheck, smoke] },
  };
  const before = (life: Life) => life.until("adoption", ({ phase }) => phase === "Idle");
  const happens = (life: Life) => life.release("2");

  it("switches and promotes all the same", { timeout: 240_000 }, async () => {
    const ends = (life: Life) => life.status().phase === "Succeeded";
    const story = { options: { ...options, spec: hasty }, before, happens, ends };
    expect(await livesWithCrashes(story, ["after"])).toEqual([]);
  });

  // Back over a route is what every canary does.
  it.skipIf(name !== "without a router")("takes everybody back all the same", { timeout: 240_000 }, async () => {
    const ask = answers({ success1s: { kind: "value", value: 0.5 } });
    const ends = (life: Life) => life.status().phase === "Failed";
    const story = { options: { ...options, spec: hasty, ask }, before, happens, ends };
    expect(await livesWithCrashes(story, ["after"])).toEqual([]);
  });
});

describe("a Canary without a strategy", () => {
  it("may get a blue/green later: its default does not stand in the way", async () => {
    const life = await born({ spec: { strategy: undefined } });
    await life.until("adoption", ({ phase }) => phase === "Idle");
    await life.patchCanary({ strategy: { blueGreen: {} } });
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(life.timeline.filter((line) => line.includes("w=100 shiftTraffic"))).toHaveLength(1);
  });
});
