import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { HorizontalPodAutoscaler } from "../../src/kube/objects.ts";
import { anAutoscaler, runAutoscalers, workloadWith } from "./autoscalers.ts";
import type { Autoscalers } from "./autoscalers.ts";
import { livesWithCrashes } from "./crashes.ts";
import { NAMESPACE } from "./life.ts";
import type { Life, LifeOptions } from "./life.ts";
import { adopted, born, conditionOf, outcomes, rulesOf, underWay, watchLives } from "./lives.ts";
import { withSteps } from "./manifests.ts";
import { find, readyOf } from "./watchman.ts";

watchLives();

const web = { namespace: NAMESPACE, name: "web" };
const lingers = 125_000;

function hpa(life: Life, name: string): HorizontalPodAutoscaler | undefined {
  return find(life.server, kinds.horizontalPodAutoscaler, name) as HorizontalPodAutoscaler | undefined;
}

/** A target that an autoscaler keeps between 2 and 10, and that has `replicas` when it is adopted. */
function scaled(replicas: number, spec: object = {}): LifeOptions {
  return { workload: workloadWith(replicas, anAutoscaler(spec)) };
}

/**
 * Autoscalers that see the traffic: `full` pods have just enough to do with all of it. As in a cluster, pods that are
 * not ready yet say nothing, and a load that is about right changes nothing.
 */
function byTraffic(life: Life, full: number): Autoscalers {
  return runAutoscalers(life, (name) => {
    const weight = life.weights()["web-canary"] ?? 0;
    const load = (full * (name === "web" ? weight : 100 - weight)) / 100;
    const ready = readyOf(life.server, name);
    return Math.abs(1 - load / ready) <= 0.1 ? (life.deployment(name)?.spec.replicas ?? 0) : Math.ceil(load);
  });
}

describe("the autoscaler of a target", () => {
  it("is found, and the primary gets a copy that does not go below what it found until its metrics are there", async () => {
    const life = await adopted(scaled(5));
    const before = hpa(life, "web")?.metadata.resourceVersion;
    expect(hpa(life, "web-primary")).toMatchObject({
      metadata: { labels: { "app.kubernetes.io/managed-by": "aviary" } },
      spec: { scaleTargetRef: { name: "web-primary" }, minReplicas: 5, maxReplicas: 10 },
    });
    expect(hpa(life, "web-primary")?.metadata.labels).not.toHaveProperty("team");
    expect(hpa(life, "web-primary")?.spec["metrics"]).toEqual(hpa(life, "web")?.spec["metrics"]);
    expect(life.status().autoscaler).toMatchObject({ kind: "HorizontalPodAutoscaler", name: "web", floor: 5 });
    await life.pass(lingers);
    expect(hpa(life, "web-primary")?.spec.minReplicas).toBe(2);
    expect(life.status()).toMatchObject({ phase: "Idle", autoscaler: { name: "web" } });
    expect(life.status().autoscaler).not.toHaveProperty("floor");
    await life.pass(1_000);
    const asked = life.traffic.requests;
    await life.pass(600_000);
    expect(life.traffic.requests).toBe(asked);
    expect(hpa(life, "web")?.metadata.resourceVersion).toBe(before);
    expect(life.errors).toEqual([]);
  });

  it("scales the primary between rollouts, and cannot shrink it while traffic leaves", async () => {
    const life = await adopted(scaled(3));
    await life.pass(lingers);
    const autoscalers = runAutoscalers(life, () => 8);
    await life.until("eight", () => readyOf(life.server, "web-primary") === 8);
    autoscalers.stop();
    const running = byTraffic(life, 8);
    await life.release("2");
    await life.until("weight 10", ({ rollout }) => (rollout?.weight ?? 0) >= 10);
    expect(hpa(life, "web-primary")?.spec.minReplicas).toBe(8);
    const sizes = new Set<number | undefined>();
    await life.until("promotion", ({ phase }) => {
      sizes.add(life.deployment("web-primary")?.spec.replicas);
      return phase === "Succeeded";
    });
    expect([...sizes]).toEqual([8]);
    expect(hpa(life, "web-primary")?.spec.minReplicas).toBe(8);
    expect(life.deployment("web")?.spec.replicas).toBe(0);
    await life.pass(lingers);
    expect(hpa(life, "web-primary")?.spec.minReplicas).toBe(2);
    running.demand = () => 1;
    await life.pass(20_000);
    expect(life.deployment("web-primary")?.spec.replicas).toBe(2);
    running.stop();
  });

  it("keeps its hold on the primary when a rollout is rolled back", async () => {
    const life = await underWay({ ...scaled(6), ask: () => ({ kind: "value", value: 0.5 }) });
    const running = byTraffic(life, 6);
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.deployment("web-primary")?.spec.replicas).toBe(6);
    await life.pass(lingers);
    expect(hpa(life, "web-primary")?.spec.minReplicas).toBe(2);
    expect(life.status().phase).toBe("Failed");
    running.stop();
  });

  it("is followed when the user changes it, and its copy goes with it", async () => {
    const life = await adopted(scaled(3, { behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } }));
    await life.pass(lingers);
    await life.kube.mergePatch(kinds.horizontalPodAutoscaler, web, { spec: { maxReplicas: 40, behavior: null } });
    await life.pass(1_000);
    expect(hpa(life, "web-primary")?.spec).toMatchObject({ minReplicas: 2, maxReplicas: 40 });
    expect(hpa(life, "web-primary")?.spec).not.toHaveProperty("behavior");
    const ref = { namespace: NAMESPACE, name: "web-primary" };
    await life.kube.mergePatch(kinds.horizontalPodAutoscaler, ref, { spec: { maxReplicas: 4 } });
    await life.pass(1_000);
    expect(hpa(life, "web-primary")?.spec.maxReplicas).toBe(40);
    await life.kube.delete(kinds.horizontalPodAutoscaler, web);
    await life.pass(1_000);
    expect(hpa(life, "web-primary")).toBeUndefined();
    expect(life.status()).not.toHaveProperty("autoscaler");
    await life.kube.create(kinds.horizontalPodAutoscaler, anAutoscaler({ maxReplicas: 7 }));
    await life.pass(1_000);
    expect(hpa(life, "web-primary")?.spec).toMatchObject({ minReplicas: 2, maxReplicas: 7 });
  });
});

describe("a canary with an autoscaler", () => {
  const slow = { START_DELAY_MS: "20000" };

  it("is never scaled down by Aviary, and its weight moves only as far as ready pods carry", async () => {
    const steps = withSteps([
      { weight: 25, hold: "20s" },
      { weight: 60, hold: "20s" },
    ]);
    const life = await adopted({ ...scaled(10, { minReplicas: 1 }), spec: steps });
    const running = byTraffic(life, 10);
    const seen: string[] = [];
    await life.release("2", slow);
    let weight = 0;
    await life.until("promotion", ({ phase }) => {
      const now = life.weights()["web-canary"] ?? 0;
      if (now > weight && readyOf(life.server, "web") * 10 < now)
        seen.push(`${now} with ${readyOf(life.server, "web")}`);
      weight = now;
      return phase === "Succeeded";
    });
    expect(seen).toEqual([]);
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    running.stop();
  });

  it("keeps more pods than its share when the autoscaler says so, also at the next step", async () => {
    const life = await adopted(scaled(4));
    const running = runAutoscalers(life, (name) => (name === "web" ? 7 : 4));
    await life.release("2");
    await life.until("seven", () => life.deployment("web")?.spec.replicas === 7);
    const sizes = new Set<number | undefined>();
    await life.until("100 %", () => {
      sizes.add(life.deployment("web")?.spec.replicas);
      return life.weights()["web-canary"] === 100;
    });
    expect([...sizes]).toEqual([7]);
    running.stop();
  });

  it("is held, and not taken back, where the autoscaler gives it too few pods; and goes on when that is mended", async () => {
    const life = await adopted({ ...scaled(10, { minReplicas: 1 }), spec: { progressDeadlineSeconds: 60 } });
    const running = runAutoscalers(life, (name) => (name === "web" ? 1 : 10));
    await life.release("2", slow);
    await life.until("the sentence", () => conditionOf(life, "Reconciling")?.reason === "AwaitingCapacity");
    expect(life.weights()["web-canary"]).toBe(10);
    expect(life.status().why?.message).toMatch(
      /^step 2\/2: weight 10, not yet weight 50, for 1 of 5 pods are ready; HorizontalPodAutoscaler web has the say over their number: raise/,
    );
    running.stop();
    const generous = runAutoscalers(life, () => 10);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    generous.stop();
  });

  it("of a blue/green gets everybody at once, when all of its pods are ready", async () => {
    const strategy = { canary: null, blueGreen: { preview: { hold: "40s" }, hold: "20s" } };
    const life = await adopted({ ...scaled(6), spec: { strategy } });
    const running = byTraffic(life, 6);
    const weights = new Set<number>();
    await life.release("2");
    await life.until("the switch", () => {
      weights.add(life.weights()["web-canary"] ?? 0);
      return life.weights()["web-canary"] === 100;
    });
    expect([...weights]).toEqual([0, 100]);
    expect(readyOf(life.server, "web")).toBe(6);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    running.stop();
  });

  it("may fall below its share when the weight is in effect: its load is what it is measured by", async () => {
    const life = await underWay(scaled(10), 50);
    const running = runAutoscalers(life, (name) => (name === "web" ? 3 : 10));
    await life.until("three", () => readyOf(life.server, "web") === 3);
    await life.pass(2_000);
    expect(life.deployment("web")?.spec.replicas).toBe(3);
    expect(life.weights()["web-canary"]).toBe(50);
    running.stop();
  });
});

describe("handing back", () => {
  it("gives the target the primary's size and lets its autoscaler go on", async () => {
    const life = await adopted(scaled(3));
    await life.pass(lingers);
    const running = runAutoscalers(life, () => 7);
    await life.until("seven", () => readyOf(life.server, "web-primary") === 7);
    running.demand = (name) => (name === "web" ? (life.deployment("web")?.spec.replicas ?? 0) : 7);
    await life.kube.delete(kinds.canary, web);
    await life.until("the end", () => !life.exists(), 300_000);
    expect(life.deployment("web")?.spec.replicas).toBe(7);
    expect(hpa(life, "web-primary")).toBeUndefined();
    expect(hpa(life, "web")?.spec).toMatchObject({ minReplicas: 2, maxReplicas: 10 });
    running.stop();
  });

  it("leaves the primary its autoscaler where the primary is kept", async () => {
    const life = await adopted({ ...scaled(3), spec: { onDelete: "Keep" } });
    await life.kube.delete(kinds.canary, web);
    await life.until("the end", () => !life.exists(), 300_000);
    expect(hpa(life, "web-primary")?.spec.scaleTargetRef.name).toBe("web-primary");
  });
});

describe("a controller that crashes after any of its writes", () => {
  const options = scaled(4);

  it("adopts, rolls out and releases the floor all the same", { timeout: 120_000 }, async () => {
    const different = await livesWithCrashes(
      {
        options,
        async happens(life) {
          await life.until("adoption", ({ phase }) => phase === "Idle");
          await life.release("2");
          await life.until("promotion", ({ phase }) => phase === "Succeeded");
          await life.pass(lingers);
        },
        ends: (life) => hpa(life, "web-primary")?.spec.minReplicas === 2,
      },
      ["after"],
    );
    expect(different).toEqual([]);
  });

  it("hands back all the same", { timeout: 120_000 }, async () => {
    const different = await livesWithCrashes(
      {
        options,
        before: async (life) => life.until("adoption", ({ phase }) => phase === "Idle"),
        happens: async (life) => life.kube.delete(kinds.canary, web),
        ends: (life) => !life.exists(),
      },
      ["after"],
    );
    expect(different).toEqual([]);
  });
});

describe("an autoscaler that cannot be used", () => {
  it.each([
    {
      why: "is named and not there",
      spec: { autoscalerRef: { kind: "HorizontalPodAutoscaler", name: "gone" } },
      more: [],
      says: "AutoscalerNotFound: HorizontalPodAutoscaler gone, which spec.autoscalerRef names, does not exist. create",
    },
    {
      why: "is of a kind that the cluster does not have",
      spec: { autoscalerRef: { kind: "ScaledObject", name: "web" } },
      more: [],
      without: "scaledobjects",
      says: "AutoscalerNotFound: ScaledObject web, which",
    },
    {
      why: "scales something else",
      spec: { autoscalerRef: { kind: "HorizontalPodAutoscaler", name: "api" } },
      more: [anAutoscaler({ scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "api" } }, "api")],
      says: "AutoscalerConflict: HorizontalPodAutoscaler api scales Deployment api, not Deployment web. name",
    },
    {
      why: "is one of two",
      spec: {},
      more: [anAutoscaler(), anAutoscaler({}, "web-too")],
      says: "AutoscalerConflict: HorizontalPodAutoscaler web and HorizontalPodAutoscaler web-too all scale Deployment web",
    },
    {
      why: "goes down to 0 by itself",
      spec: {},
      more: [anAutoscaler({ minReplicas: 0 })],
      says: "AutoscalerConflict: HorizontalPodAutoscaler web has minReplicas 0",
    },
    {
      why: "cannot have a copy, since the name is somebody's",
      spec: {},
      more: [anAutoscaler(), anAutoscaler({ scaleTargetRef: { kind: "Deployment", name: "x" } }, "web-primary")],
      says: "NameTaken: HorizontalPodAutoscaler web-primary exists already and was not made by Aviary",
    },
  ])("is told when it $why, and nothing is touched", async ({ spec, more, says, without }) => {
    const life = await born({
      spec,
      workload: workloadWith(3, ...more),
      ...(without === undefined ? {} : { without }),
    });
    await life.until("the sentence", () => conditionOf(life, "Stalled")?.status === "True");
    const { reason, message } = conditionOf(life, "Stalled") ?? { reason: "", message: "" };
    expect(`${reason}: ${message}`).toContain(says);
    await life.pass(30_000);
    expect(life.deployment("web-primary")).toBeUndefined();
    expect(life.deployment("web")?.spec.replicas).toBe(3);
  });
});

describe("idleReplicas", () => {
  it("keeps pods of the promoted version at rest, which follow a release before it gets traffic", async () => {
    const life = await adopted({ spec: { idleReplicas: 2 } });
    expect(life.deployment("web")?.spec.replicas).toBe(2);
    await life.pass(60_000);
    expect(life.deployment("web")?.spec.replicas).toBe(2);
    expect(life.weights()["web-canary"]).toBe(0);
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(life.deployment("web")?.spec).toMatchObject({ replicas: 2 });
    expect(life.deployment("web")?.spec.paused).toBeUndefined();
    await life.patchCanary({ idleReplicas: 0 });
    await life.pass(1_000);
    expect(life.deployment("web")?.spec.replicas).toBe(0);
  });

  it("keeps none of a version that was rolled back, and the rest when the target is put back", async () => {
    const life = await underWay({ spec: { idleReplicas: 1 }, ask: () => ({ kind: "value", value: 0.5 }) });
    await life.until("roll back", ({ phase }) => phase === "Failed");
    await life.pass(5_000);
    expect(life.deployment("web")?.spec.replicas).toBe(0);
    await life.release("1");
    await life.until("rest", ({ phase }) => phase === "Idle");
    await life.pass(1_000);
    expect(life.deployment("web")?.spec.replicas).toBe(1);
  });

  it("leaves them to an autoscaler that cannot be paused", async () => {
    const life = await adopted({ ...scaled(3), spec: { idleReplicas: 1 } });
    const running = runAutoscalers(life, () => 2);
    await life.pass(300_000);
    expect(life.deployment("web")?.spec.replicas).toBe(2);
    expect(rulesOf(life).filter((rule) => rule === "keepAtRest").length).toBeLessThan(2);
    running.stop();
  });
});
