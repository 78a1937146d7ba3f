import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { Pod, StatefulSet } from "../../src/kube/objects.ts";
import { createInstantRuntime } from "../../src/sandbox/runtime/instantRuntime.ts";
import { createVirtualClock, type VirtualClock } from "../virtualClock.ts";
import { podSpec, podsOf, startWorld, type World } from "./world.ts";

let clock: VirtualClock;
let world: World;

beforeEach(async () => {
  clock = createVirtualClock();
  world = await startWorld(clock, createInstantRuntime());
});

afterEach(async () => {
  await world.stop();
  expect(world.logs).toEqual([]);
});

const ref = { namespace: "default", name: "web" };

async function deploy(spec: object = {}): Promise<void> {
  const template = { metadata: { labels: { app: "web" } }, spec: podSpec({}) };
  const set = { replicas: 3, selector: { matchLabels: { app: "web" } }, serviceName: "web", template, ...spec };
  await world.kube.create(kinds.statefulSet, {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: ref,
    spec: set,
  });
  await clock.advance(10_000);
}

async function change(spec: object): Promise<void> {
  await world.kube.mergePatch(kinds.statefulSet, ref, { spec });
  await clock.advance(30_000);
}

const release = (version: string, env: Readonly<Record<string, string>> = {}): Promise<void> =>
  change({ template: { spec: podSpec({ version, env }) } });

const partition = (value: number): object => ({ updateStrategy: { rollingUpdate: { partition: value } } });

/** `web-0 1`: name and version of every pod. */
async function pods(): Promise<string[]> {
  const versionOf = ({ spec }: Pod): string => spec.containers[0]?.env?.[0]?.value ?? "";
  return (await podsOf(world.kube)).map((pod) => `${pod.metadata.name} ${versionOf(pod)}`).toSorted();
}

async function status(): Promise<NonNullable<StatefulSet["status"]>> {
  return (await world.kube.get<StatefulSet>(kinds.statefulSet, ref))?.status ?? {};
}

describe("a StatefulSet", () => {
  it("numbers its pods, scales from the end, and says so", async () => {
    await deploy();
    expect(await pods()).toEqual(["web-0 1", "web-1 1", "web-2 1"]);
    expect(await status()).toMatchObject({ replicas: 3, readyReplicas: 3, availableReplicas: 3, updatedReplicas: 3 });
    await change({ replicas: 1 });
    expect(await pods()).toEqual(["web-0 1"]);
  });

  it("rolls one pod after the other, the last first", async () => {
    await deploy();
    let least = 3;
    world.informers.onChange<StatefulSet>(kinds.statefulSet, ({ after }) => {
      least = Math.min(least, after?.status?.readyReplicas ?? 0);
    });
    await release("2");
    expect(await pods()).toEqual(["web-0 2", "web-1 2", "web-2 2"]);
    expect(least).toBe(2);
    const { currentRevision, updateRevision } = await status();
    expect(currentRevision).toBe(updateRevision);
  });

  it("keeps pods below the partition, also those that are made anew or added", async () => {
    await deploy();
    await change(partition(1_000));
    await release("2");
    await world.kube.delete(kinds.pod, { namespace: "default", name: "web-1" });
    await change({ replicas: 4 });
    expect(await pods()).toEqual(["web-0 1", "web-1 1", "web-2 1", "web-3 1"]);
    await change(partition(2));
    expect(await pods()).toEqual(["web-0 1", "web-1 1", "web-2 2", "web-3 2"]);
    await change(partition(0));
    expect(await pods()).toEqual(["web-0 2", "web-1 2", "web-2 2", "web-3 2"]);
  });

  it("is stuck in order behind a pod that does not get ready, and in parallel is not", async () => {
    await deploy();
    await release("2", { READY: "false" });
    await release("3");
    expect(await pods()).toEqual(["web-0 1", "web-1 1", "web-2 2"]);
    await world.kube.delete(kinds.statefulSet, ref, { propagation: "Background" });
    await clock.advance(30_000);
    await deploy({ podManagementPolicy: "Parallel" });
    await release("2", { READY: "false" });
    await release("3");
    expect(await pods()).toEqual(["web-0 3", "web-1 3", "web-2 3"]);
  });

  it("changes nothing by itself with OnDelete", async () => {
    await deploy({ updateStrategy: { type: "OnDelete" } });
    await release("2");
    await world.kube.delete(kinds.pod, { namespace: "default", name: "web-1" });
    await clock.advance(10_000);
    expect(await pods()).toEqual(["web-0 1", "web-1 2", "web-2 1"]);
  });
});
