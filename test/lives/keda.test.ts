import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { ScaledObject } from "../../src/kube/objects.ts";
import { aScaledObject, runAutoscalers, workloadWith } from "./autoscalers.ts";
import type { Autoscalers, Demand } from "./autoscalers.ts";
import { NAMESPACE } from "./life.ts";
import type { Life } from "./life.ts";
import { born, outcomes, watchLives } from "./lives.ts";
import { find, readyOf } from "./watchman.ts";

watchLives();

const web = { namespace: NAMESPACE, name: "web" };
const PAUSED = "autoscaling.keda.sh/paused";
const lingers = 125_000;

function scaledObject(life: Life, name: string): ScaledObject | undefined {
  return find(life.server, kinds.scaledObject, name) as ScaledObject | undefined;
}

interface Kedas {
  readonly life: Life;
  readonly keda: Autoscalers;
}

/** A target of KEDA's, adopted while KEDA runs. */
async function adopted(
  replicas: number,
  { spec = {}, canary = {}, demand = () => 3 }: { spec?: object; canary?: object; demand?: Demand } = {},
): Promise<Kedas> {
  const life = await born({ workload: workloadWith(replicas, aScaledObject(spec)), spec: canary });
  const keda = runAutoscalers(life, demand);
  await life.until("adoption", ({ phase }) => phase === "Idle");
  return { life, keda };
}

const named = { autoscalerRef: { kind: "ScaledObject", name: "web" } };

describe("a ScaledObject of KEDA's", () => {
  it("is paused while its target is idle, goes on with a canary, and nothing else of it changes", async () => {
    const { life, keda } = await adopted(3, { canary: named });
    const spec = scaledObject(life, "web")?.spec;
    expect(scaledObject(life, "web")?.metadata.annotations).toEqual({ [PAUSED]: "true" });
    await life.pass(lingers);
    expect(life.deployment("web")?.spec.replicas).toBe(0);
    expect(readyOf(life.server, "web-primary")).toBe(3);
    await life.release("2");
    await life.until("weight 10", ({ rollout }) => rollout?.weight === 10);
    expect(scaledObject(life, "web")?.metadata.annotations ?? {}).toEqual({});
    await life.until("its minimum", () => readyOf(life.server, "web") >= 2);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(scaledObject(life, "web")?.metadata.annotations).toEqual({ [PAUSED]: "true" });
    await life.pass(60_000);
    expect(life.deployment("web")?.spec.replicas).toBe(0);
    expect(scaledObject(life, "web")?.spec).toEqual(spec);
    expect(life.errors).toEqual([]);
    keda.stop();
  });

  it("gives the primary one that is not paused, and whose own autoscaler has another name", async () => {
    const advanced = { horizontalPodAutoscalerConfig: { name: "web-hpa", behavior: {} } };
    const { life, keda } = await adopted(4, { spec: { advanced }, canary: named, demand: () => 4 });
    expect(scaledObject(life, "web-primary")).toMatchObject({
      metadata: { labels: { "app.kubernetes.io/managed-by": "aviary" } },
      spec: {
        scaleTargetRef: { name: "web-primary" },
        minReplicaCount: 4,
        maxReplicaCount: 10,
        triggers: [{ type: "kafka", metadata: { topic: "orders" } }],
        advanced: { horizontalPodAutoscalerConfig: { name: "web-hpa-primary" } },
      },
    });
    expect(scaledObject(life, "web-primary")?.metadata.annotations).not.toHaveProperty(PAUSED);
    await life.pass(lingers);
    expect(scaledObject(life, "web-primary")?.spec.minReplicaCount).toBe(2);
    await life.kube.mergePatch(kinds.scaledObject, web, { spec: { triggers: [{ type: "cpu" }] } });
    await life.pass(1_000);
    expect(scaledObject(life, "web-primary")?.spec.triggers).toEqual([{ type: "cpu" }]);
    keda.stop();
  });

  it("is found by the autoscaler that KEDA made for the target, and remembered while it is paused", async () => {
    const life = await born({ workload: workloadWith(3, aScaledObject()) });
    const keda = runAutoscalers(life, () => 3);
    await life.pass(20_000);
    await life.until("adoption", ({ phase }) => phase === "Idle");
    await life.until("the pause", () => scaledObject(life, "web")?.metadata.annotations?.[PAUSED] === "true");
    await life.pass(60_000);
    expect(life.status().autoscaler).toMatchObject({ kind: "ScaledObject", name: "web" });
    await life.restart();
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    keda.stop();
  });

  it("may hold its target at 0: it is adopted, rolled out with a primary that is woken, and sleeps again", async () => {
    let work = 0;
    const { life, keda } = await adopted(0, { spec: { minReplicaCount: 0 }, canary: named, demand: () => work });
    await life.until("sleep", () => life.deployment("web-primary")?.spec.replicas === 0, 300_000);
    const asleep = life.outages.length;
    await life.release("2");
    await life.until("weight 10", ({ rollout }) => rollout?.weight === 10);
    expect(readyOf(life.server, "web-primary")).toBe(1);
    // Nobody was there to serve until now, which is what its owner wants while there is no work.
    const known = life.outages.length;
    expect(life.outages.slice(asleep).every((outage) => /nobody is behind web/.test(outage))).toBe(true);
    expect(scaledObject(life, "web")?.metadata.annotations).toEqual({ [PAUSED]: "true" });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    expect(life.outages).toHaveLength(known);
    await life.until("sleep", () => life.deployment("web-primary")?.spec.replicas === 0, 300_000);
    work = 4;
    await life.until("work", () => readyOf(life.server, "web-primary") === 4, 60_000);
    keda.stop();
    life.outages.length = 0;
  });

  it("goes on with the target when that is handed back", async () => {
    const { life, keda } = await adopted(3, { canary: named });
    await life.kube.delete(kinds.canary, web);
    await life.until("the end", () => !life.exists(), 300_000);
    expect(scaledObject(life, "web")?.metadata.annotations ?? {}).toEqual({});
    expect(scaledObject(life, "web-primary")).toBeUndefined();
    expect(life.deployment("web")?.spec.replicas).toBe(3);
    keda.stop();
  });

  it("of a target that sleeps is handed back with a pod, and sleeps again", async () => {
    const { life, keda } = await adopted(0, { spec: { minReplicaCount: 0 }, canary: named, demand: () => 0 });
    await life.until("sleep", () => life.deployment("web-primary")?.spec.replicas === 0, 300_000);
    await life.kube.delete(kinds.canary, web);
    await life.until("the end", () => !life.exists(), 300_000);
    await life.until("sleep", () => life.deployment("web")?.spec.replicas === 0, 60_000);
    keda.stop();
    life.outages.length = 0;
  });

  it("leaves what a person paused by another annotation as it is", async () => {
    const { life, keda } = await adopted(3, { canary: named });
    const metadata = { annotations: { "autoscaling.keda.sh/paused-replicas": "3" } };
    await life.kube.mergePatch(kinds.scaledObject, web, { metadata });
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(scaledObject(life, "web")?.metadata.annotations).toMatchObject(metadata.annotations);
    expect(scaledObject(life, "web-primary")?.metadata.annotations).not.toHaveProperty(
      "autoscaling.keda.sh/paused-replicas",
    );
    keda.stop();
  });
});
