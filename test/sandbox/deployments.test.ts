import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import { conditionOf, isTerminating, type Deployment, type Pod } from "../../src/kube/objects.ts";
import { sandboxKinds, type ReplicaSet } from "../../src/sandbox/kinds.ts";
import { createInstantRuntime } from "../../src/sandbox/runtime/instantRuntime.ts";
import { createVirtualClock, type VirtualClock } from "../virtualClock.ts";
import { aDeployment, podsOf, release, startWorld, type World } from "./world.ts";

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

const deployment = (): Deployment => {
  const found = world.informers.cache<Deployment>(kinds.deployment).get("default/web");
  if (found === undefined) throw new Error("the Deployment is gone");
  return found;
};

const sets = (): readonly ReplicaSet[] => world.informers.cache<ReplicaSet>(sandboxKinds.replicaSet).list("default");

const alive = (): readonly Pod[] =>
  world.informers
    .cache<Pod>(kinds.pod)
    .list("default")
    .filter((pod) => !isTerminating(pod));

const isReady = (pod: Pod): boolean => conditionOf(pod.status?.conditions, "Ready")?.status === "True";

const versionOf = (pod: Pod): string | undefined => pod.spec.containers[0]?.env?.[0]?.value;

const isComplete = (): boolean => {
  const { metadata, status, spec } = deployment();
  return (
    status?.observedGeneration === metadata.generation &&
    status?.updatedReplicas === spec.replicas &&
    status?.availableReplicas === spec.replicas &&
    (status?.replicas ?? 0) === spec.replicas
  );
};

async function deploy(wish: Parameters<typeof aDeployment>[0]): Promise<void> {
  await world.kube.create(kinds.deployment, aDeployment(wish));
  await clock.advanceUntil(isComplete);
}

describe("a Deployment", () => {
  it("gets as many ready pods as it asks for and says so in its status", async () => {
    await deploy({ replicas: 3 });
    expect(alive().filter(isReady)).toHaveLength(3);
    expect(deployment().status).toMatchObject({
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      unavailableReplicas: 0,
    });
    expect(conditionOf(deployment().status?.conditions, "Progressing")).toMatchObject({
      status: "True",
      reason: "NewReplicaSetAvailable",
    });
    expect(conditionOf(deployment().status?.conditions, "Available")?.status).toBe("True");
  });

  it.each([
    { replicas: 4, maxSurge: 1, maxUnavailable: 0 },
    { replicas: 4, maxSurge: 0, maxUnavailable: 1 },
    { replicas: 10, maxSurge: "25%", maxUnavailable: "25%" },
    { replicas: 10, maxSurge: 5, maxUnavailable: 0 },
    { replicas: 3, maxSurge: 0, maxUnavailable: "10%" },
  ])("rolls $replicas pods within maxSurge $maxSurge and maxUnavailable $maxUnavailable", async (row) => {
    const { replicas, maxSurge, maxUnavailable } = row;
    const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } } as const;
    await deploy({ replicas, spec: { strategy } });
    const percent = (value: number | string, round: (n: number) => number): number =>
      typeof value === "number" ? value : round((Number.parseInt(value, 10) * replicas) / 100);
    const surge = percent(maxSurge, Math.ceil);
    const unavailable = Math.max(percent(maxUnavailable, Math.floor), surge === 0 ? 1 : 0);
    let least = replicas;
    let most = 0;
    world.informers.onChange(kinds.pod, () => {
      least = Math.min(least, alive().filter(isReady).length);
      most = Math.max(most, alive().length);
    });
    await release(world.kube, { version: "2" });
    await clock.advanceUntil(isComplete);
    expect(new Set(alive().map(versionOf))).toEqual(new Set(["2"]));
    expect(least).toBeGreaterThanOrEqual(replicas - unavailable);
    expect(most).toBeLessThanOrEqual(replicas + surge);
  });

  it("rolls nothing while it is paused, and everything afterwards", async () => {
    await deploy({ replicas: 2 });
    await world.kube.mergePatch(kinds.deployment, ref, { spec: { paused: true } });
    await release(world.kube, { version: "2" });
    await clock.advance(60_000);
    expect(alive().map(versionOf)).toEqual(["1", "1"]);
    expect(deployment().status?.observedGeneration).toBe(deployment().metadata.generation);
    await world.kube.mergePatch(kinds.deployment, ref, { spec: { paused: false } });
    await clock.advanceUntil(isComplete);
    expect(alive().map(versionOf)).toEqual(["2", "2"]);
  });

  it.each([
    { from: 2, to: 6 },
    { from: 6, to: 1 },
    { from: 2, to: 0 },
    { from: 0, to: 3 },
  ])("scales from $from to $to pods of the old template while it is paused", async ({ from, to }) => {
    await deploy({ replicas: from });
    await world.kube.mergePatch(kinds.deployment, ref, { spec: { paused: true } });
    await release(world.kube, { version: "2" });
    await world.kube.mergePatch(kinds.deployment, ref, { spec: { replicas: to } });
    await clock.advance(30_000);
    expect(alive().map(versionOf)).toEqual(Array.from({ length: to }, () => "1"));
  });

  it("keeps the shares of both versions when it is scaled in the middle of a paused rollout", async () => {
    await deploy({ replicas: 10, spec: { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 5 } } } });
    await release(world.kube, { version: "2", env: { READY: "false" } });
    await clock.advance(30_000);
    expect(alive().filter((pod) => versionOf(pod) === "2")).toHaveLength(5);
    await world.kube.mergePatch(kinds.deployment, ref, { spec: { paused: true, replicas: 20 } });
    await clock.advance(30_000);
    expect(alive().filter((pod) => versionOf(pod) === "1")).toHaveLength(10);
    expect(alive().filter((pod) => versionOf(pod) === "2")).toHaveLength(10);
  });

  it("has no pod of either version running at once with the strategy Recreate", async () => {
    await deploy({ replicas: 2, spec: { strategy: { type: "Recreate" } } });
    let mixed = false;
    world.informers.onChange(kinds.pod, () => {
      mixed ||= new Set(alive().map(versionOf)).size > 1;
    });
    await release(world.kube, { version: "2" });
    await clock.advanceUntil(isComplete);
    expect(alive().map(versionOf)).toEqual(["2", "2"]);
    expect(mixed).toBe(false);
  });

  it("counts a pod as available only once it has been ready for minReadySeconds", async () => {
    await world.kube.create(kinds.deployment, aDeployment({ replicas: 1, spec: { minReadySeconds: 10 } }));
    await clock.advance(5_000);
    expect(deployment().status).toMatchObject({ readyReplicas: 1, availableReplicas: 0 });
    await clock.advance(6_000);
    expect(deployment().status).toMatchObject({ readyReplicas: 1, availableReplicas: 1 });
  });

  it.each([
    { fate: "an image that does not exist", wish: { image: "example/missing:2" }, reason: "ImagePullBackOff" },
    { fate: "a program that crashes", wish: { env: { CRASH: "true" } }, reason: "CrashLoopBackOff" },
  ])("keeps its old pods and misses its deadline with $fate", async ({ wish, reason }) => {
    await deploy({ replicas: 2, spec: { progressDeadlineSeconds: 60 } });
    await release(world.kube, { version: "2", ...wish });
    await clock.advance(59_000);
    expect(conditionOf(deployment().status?.conditions, "Progressing")?.status).toBe("True");
    await clock.advance(3_000);
    expect(conditionOf(deployment().status?.conditions, "Progressing")).toMatchObject({
      status: "False",
      reason: "ProgressDeadlineExceeded",
    });
    const broken = alive().find((pod) => versionOf(pod) === "2");
    expect(broken?.status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe(reason);
    expect(alive().filter((pod) => versionOf(pod) === "1" && isReady(pod))).toHaveLength(2);
  });

  it("goes back to a ReplicaSet that it still has, and keeps no more of them than revisionHistoryLimit", async () => {
    await deploy({ replicas: 1, spec: { revisionHistoryLimit: 1 } });
    for (const version of ["2", "3", "2"]) {
      await release(world.kube, { version });
      await clock.advanceUntil(isComplete);
    }
    await clock.advance(5_000);
    expect(sets()).toHaveLength(2);
    expect(deployment().metadata.annotations?.["deployment.kubernetes.io/revision"]).toBe("4");
    expect(alive().map(versionOf)).toEqual(["2"]);
  });

  it("takes its ReplicaSets and pods along when it is deleted", async () => {
    await deploy({ replicas: 2 });
    await world.kube.delete(kinds.deployment, ref);
    await clock.advance(60_000);
    expect(sets()).toEqual([]);
    expect(await podsOf(world.kube)).toEqual([]);
  });

  it("writes nothing when nothing is under way", async () => {
    await deploy({ replicas: 2 });
    await clock.advance(120_000);
    const { resourceVersion } = await world.kube.list(kinds.pod);
    await clock.advance(600_000);
    expect((await world.kube.list(kinds.pod)).resourceVersion).toBe(resourceVersion);
  });
});
