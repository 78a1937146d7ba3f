import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import { isTerminating, type DaemonSet, type Pod } from "../../src/kube/objects.ts";
import { sandboxKinds } from "../../src/sandbox/kinds.ts";
import { createInstantRuntime } from "../../src/sandbox/runtime/instantRuntime.ts";
import { createVirtualClock, type VirtualClock } from "../virtualClock.ts";
import { podSpec, podsOf, startWorld, type World } from "./world.ts";

let clock: VirtualClock;
let world: World;

beforeEach(async () => {
  clock = createVirtualClock();
  world = await startWorld(clock, createInstantRuntime());
  for (const name of ["a", "b", "c"]) await addNode(name, { pool: name === "c" ? "gpu" : "web" });
});

afterEach(async () => {
  await world.stop();
  expect(world.logs).toEqual([]);
});

const ref = { namespace: "default", name: "web" };

async function addNode(name: string, labels: object): Promise<void> {
  const node = { apiVersion: "v1", kind: "Node", metadata: { name, labels: { ...labels } } };
  await world.kube.create(sandboxKinds.node, node);
}

async function deploy(spec: object = {}): Promise<void> {
  const template = { metadata: { labels: { app: "web" } }, spec: podSpec({}) };
  const set = { selector: { matchLabels: { app: "web" } }, template, ...spec };
  const object = { apiVersion: "apps/v1", kind: "DaemonSet", metadata: ref, spec: set };
  await world.kube.create(kinds.daemonSet, object);
  await clock.advance(10_000);
}

async function change(spec: object): Promise<void> {
  await world.kube.mergePatch(kinds.daemonSet, ref, { spec });
  await clock.advance(60_000);
}

const release = (version: string): Promise<void> => change({ template: { spec: podSpec({ version }) } });

/** `a 1`: node and version of every pod. */
async function pods(): Promise<string[]> {
  const versionOf = ({ spec }: Pod): string => spec.containers[0]?.env?.[0]?.value ?? "";
  return (await podsOf(world.kube)).map((pod) => `${pod.spec.nodeName ?? ""} ${versionOf(pod)}`).toSorted();
}

async function status(): Promise<DaemonSet["status"]> {
  return (await world.kube.get<DaemonSet>(kinds.daemonSet, ref))?.status;
}

describe("a DaemonSet", () => {
  it("has a pod on every node that its selector takes, and on those that come", async () => {
    await deploy();
    expect(await pods()).toEqual(["a 1", "b 1", "c 1"]);
    await addNode("d", {});
    await clock.advance(10_000);
    expect(await status()).toMatchObject({ desiredNumberScheduled: 4, updatedNumberScheduled: 4, numberAvailable: 4 });
    await change({ template: { spec: { nodeSelector: { pool: "web" } } } });
    expect(await pods()).toEqual(["a 1", "b 1"]);
    await change({ template: { spec: { nodeSelector: { idle: "true" } } } });
    expect(await pods()).toEqual([]);
    expect(await status()).toMatchObject({ desiredNumberScheduled: 0, numberMisscheduled: 0, numberAvailable: 0 });
  });

  it.each([
    { rollingUpdate: { maxUnavailable: 1, maxSurge: 0 }, least: 2, most: 3 },
    { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }, least: 3, most: 4 },
  ])("rolls within $rollingUpdate", async ({ rollingUpdate, least, most }) => {
    await deploy({ updateStrategy: { type: "RollingUpdate", rollingUpdate } });
    const seen = { least: 3, most: 3 };
    world.informers.onChange(kinds.pod, () => {
      const alive = world.informers
        .cache<Pod>(kinds.pod)
        .list("default")
        .filter((pod) => !isTerminating(pod));
      const ready = alive.filter(({ status: { conditions = [] } = {} }) =>
        conditions.some(({ type, status: holds }) => type === "Ready" && holds === "True"),
      );
      seen.least = Math.min(seen.least, ready.length);
      seen.most = Math.max(seen.most, alive.length);
    });
    await release("2");
    expect(await pods()).toEqual(["a 2", "b 2", "c 2"]);
    expect(seen).toEqual({ least, most });
  });

  it("replaces nothing by itself with OnDelete, until a pod is gone", async () => {
    await deploy({ updateStrategy: { type: "OnDelete" } });
    await release("2");
    expect(await pods()).toEqual(["a 1", "b 1", "c 1"]);
    const [first] = (await podsOf(world.kube)).filter(({ spec }) => spec.nodeName === "b");
    await world.kube.delete(kinds.pod, { namespace: "default", name: first?.metadata.name ?? "" });
    await clock.advance(10_000);
    expect(await pods()).toEqual(["a 1", "b 2", "c 1"]);
    expect(await status()).toMatchObject({ desiredNumberScheduled: 3, updatedNumberScheduled: 1 });
  });
});
