import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { HorizontalPodAutoscaler, Service } from "../../src/kube/objects.ts";
import type { Kube } from "../../src/kube/port.ts";
import { anAutoscaler, aScaledObject, runAutoscalers, workloadWith } from "./autoscalers.ts";
import type { Autoscalers } from "./autoscalers.ts";
import { applyConfigured, greet, greetingOf } from "./configured.ts";
import { NAMESPACE } from "./life.ts";
import type { Life, LifeOptions } from "./life.ts";
import { adopted, born, outcomes, watchLives } from "./lives.ts";
import { apexService, aRoute, aStatefulSet } from "./manifests.ts";
import { find, findWorkload, readyOf } from "./watchman.ts";

watchLives();

const lingers = 125_000;
const named = { autoscalerRef: { kind: "ScaledObject", name: "web" } };
const keeps = { keepPreviousFor: "30m" };
const succeeded = (life: Life, times = 1) =>
  life.until("promotion", ({ phase, history = [] }) => phase === "Succeeded" && history.length === times);

function sizeOf(life: Life, name = "web-primary"): number {
  return (findWorkload(life.server, name)?.spec as { replicas?: number } | undefined)?.replicas ?? 0;
}

function floorOf(life: Life): number | undefined {
  const copy = find(life.server, kinds.horizontalPodAutoscaler, "web-primary");
  return (copy as HorizontalPodAutoscaler | undefined)?.spec.minReplicas;
}

/** Autoscalers that see the primary's load: all of it, but for what the route or its Service leads elsewhere. */
function byLoad(life: Life, full: () => number): Autoscalers {
  return runAutoscalers(life, (name) => {
    const weight = life.weights()["web-canary"] ?? 0;
    if (name === "web") return Math.ceil((full() * weight) / 100);
    const selector = (find(life.server, kinds.service, "web-primary") as Service | undefined)?.spec.selector;
    return selector?.["app"] === "web-primary" ? Math.ceil((full() * (100 - weight)) / 100) : 0;
  });
}

/** The sizes that a primary has until a condition holds. */
async function sizesUntil(life: Life, what: string, holds: Parameters<Life["until"]>[1]): Promise<number[]> {
  const sizes = new Set<number>();
  await life.until(what, (status) => {
    sizes.add(sizeOf(life));
    return holds(status);
  });
  return [...sizes];
}

describe("a Rollback with an autoscaler", () => {
  it("keeps the primary's size while the kept pods have its load, and releases it afterwards", async () => {
    const life = await adopted({ workload: workloadWith(6, anAutoscaler()), spec: keeps });
    const running = byLoad(life, () => 6);
    await life.release("2");
    await succeeded(life);
    await life.pass(lingers);
    expect(floorOf(life)).toBe(2);
    expect(await life.act("Rollback")).toMatch(/^Applied/);
    expect(await sizesUntil(life, "the end", ({ phase }) => phase === "Failed")).toEqual([6]);
    expect(floorOf(life)).toBe(6);
    await life.pass(lingers);
    expect(floorOf(life)).toBe(2);
    expect(life.errors).toEqual([]);
    running.stop();
  });

  it("wakes a primary that KEDA had put to sleep, with as many pods as serve in its place", async () => {
    let work = 3;
    const life = await born({
      workload: workloadWith(3, aScaledObject({ minReplicaCount: 0 })),
      spec: { ...named, ...keeps },
    });
    const keda = byLoad(life, () => work);
    await life.until("adoption", ({ phase }) => phase === "Idle");
    await life.release("2");
    await succeeded(life);
    await life.pass(lingers);
    work = 0;
    await life.until("sleep", () => sizeOf(life) === 0, 300_000);
    await life.pass(60_000);
    expect(sizeOf(life)).toBe(0);
    expect(await life.act("Rollback")).toMatch(/^Applied/);
    await life.until("the end", ({ phase }) => phase === "Failed");
    expect(sizeOf(life)).toBe(3);
    expect(outcomes(life)).toEqual(["example/web:2 Failed", "example/web:2 Succeeded"]);
    expect(life.errors).toEqual([]);
    keda.stop();
    // Nobody was there to serve while there was no work, which is what its owner wants.
    life.outages.length = 0;
  });
});

describe("a primary that KEDA has at 0 on purpose", () => {
  it("is left there while its ScaledObject cannot be told from another one", async () => {
    const life = await born({ workload: workloadWith(0, aScaledObject({ minReplicaCount: 0 })), spec: named });
    const keda = byLoad(life, () => 0);
    await life.until("sleep", ({ phase }) => phase === "Idle" && sizeOf(life) === 0, 300_000);
    await life.patchCanary({ autoscalerRef: { kind: "ScaledObject", name: "wep" } });
    await life.pass(60_000);
    expect(life.status().why?.message).toMatch(/ScaledObject wep, which spec.autoscalerRef names, does not exist/);
    expect(sizeOf(life)).toBe(0);
    keda.stop();
    life.outages.length = 0;
  });
});

function statefulSet(replicas: number): LifeOptions {
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "StatefulSet", name: "web" };
  const workload = async (kube: Kube): Promise<void> => {
    await kube.create(kinds.statefulSet, aStatefulSet(replicas));
    await kube.create(kinds.service, apexService);
    await kube.create(kinds.httpRoute, aRoute());
    await kube.create(kinds.horizontalPodAutoscaler, anAutoscaler({ scaleTargetRef }));
  };
  return { kind: kinds.statefulSet, workload, spec: { targetRef: { ...scaleTargetRef } } };
}

const abTest = { canary: null, abTest: { match: [{ headers: [{ name: "x", value: "y" }] }], hold: "60s" } };

describe("an autoscaler", () => {
  it.each<readonly [string, LifeOptions]>([
    ["of a StatefulSet", statefulSet(5)],
    ["in an A/B test", { workload: workloadWith(5, anAutoscaler()), spec: { strategy: abTest } }],
  ])("%s cannot shrink the primary in a rollout, and has the say again after it", async (_what, options) => {
    const life = await adopted(options);
    await life.pass(lingers);
    const running = byLoad(life, () => 5);
    await life.release("2");
    await life.until("the rollout", ({ rollout }) => rollout !== undefined);
    expect(await sizesUntil(life, "promotion", ({ phase }) => phase === "Succeeded")).toEqual([5]);
    expect(sizeOf(life, "web")).toBe(0);
    await life.pass(lingers);
    running.demand = () => 8;
    await life.until("eight", () => readyOf(life.server, "web-primary") === 8, 60_000);
    expect(life.errors).toEqual([]);
    running.stop();
  });

  it("goes on with pods that are renewed for another configuration", async () => {
    const workload = async (kube: Kube): Promise<void> => {
      await applyConfigured(kube);
      await kube.create(kinds.horizontalPodAutoscaler, anAutoscaler());
    };
    const life = await adopted({ workload, spec: { idleReplicas: 1 } });
    const running = byLoad(life, () => 4);
    await life.pass(60_000);
    expect(readyOf(life.server, "web")).toBe(2);
    await greet(life, "goodbye");
    await succeeded(life);
    expect(greetingOf(life)).toBe("goodbye");
    await life.pass(60_000);
    expect(readyOf(life.server, "web")).toBe(2);
    expect(life.errors).toEqual([]);
    running.stop();
    expect(find(life.server, kinds.horizontalPodAutoscaler, "web")?.metadata.namespace).toBe(NAMESPACE);
  });
});
