import { describe, expect, it } from "vitest";
import type { Deployment } from "../../src/kube/objects.ts";
import { boundsOf, currentSize, scaleProportionally, shrinkOld } from "../../src/sandbox/controllers/rollout.ts";
import type { ReplicaSet } from "../../src/sandbox/kinds.ts";
import { aDeployment } from "./world.ts";

type Limit = number | string;

const wanting = (replicas: number, maxSurge: Limit = 1, maxUnavailable: Limit = 0): Deployment =>
  aDeployment({ replicas, spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } } } });

/** A ReplicaSet of so many pods, of which so many are available. */
const aSet = (name: string, replicas: number, availableReplicas = replicas): ReplicaSet => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: { name },
  spec: { replicas, selector: {}, template: { spec: { containers: [] } } },
  status: { replicas, availableReplicas },
});

const sizes = (resizes: readonly { set: ReplicaSet; replicas: number }[]): Record<string, number> =>
  Object.fromEntries(resizes.map(({ set, replicas }) => [set.metadata.name, replicas]));

describe("a rolling update", () => {
  it.each([
    { replicas: 10, surge: "25%", unavailable: "25%", bounds: { maxSurge: 3, maxUnavailable: 2 } },
    { replicas: 3, surge: 0, unavailable: "10%", bounds: { maxSurge: 0, maxUnavailable: 1 } },
    { replicas: 3, surge: 2, unavailable: 0, bounds: { maxSurge: 2, maxUnavailable: 0 } },
  ])("of $replicas pods with $surge and $unavailable is bound by $bounds", (row) => {
    expect(boundsOf(wanting(row.replicas, row.surge, row.unavailable))).toEqual(row.bounds);
  });

  it.each([
    { what: "the surge leaves room", old: aSet("old", 4), current: undefined, size: 1 },
    { what: "there is no room", old: aSet("old", 5), current: undefined, size: 0 },
    { what: "it is too large", old: aSet("old", 0), current: aSet("new", 9), size: 4 },
    { what: "old pods have gone", old: aSet("old", 2), current: aSet("new", 1), size: 3 },
  ])("makes the current set $size large when $what", ({ old, current, size }) => {
    expect(currentSize(wanting(4), { current, old: [old] })).toBe(size);
  });

  it.each([
    { what: "the new pods are not available yet", old: aSet("old", 4), current: aSet("new", 1, 0), left: {} },
    { what: "a new pod is available", old: aSet("old", 4), current: aSet("new", 1), left: { old: 3 } },
    { what: "the status still counts pods that will go", old: aSet("old", 3, 4), current: aSet("new", 1), left: {} },
    { what: "old pods are broken", old: aSet("old", 5, 4), current: undefined, left: { old: 4 } },
  ])("leaves of 4 old pods $left when $what", ({ old, current, left }) => {
    expect(sizes(shrinkOld(wanting(4), { current, old: [old] }))).toEqual(left);
  });

  it("takes no more broken pods away than new ones can still replace", () => {
    const sets = { current: aSet("new", 1, 0), old: [aSet("old", 4, 2)] };
    expect(sizes(shrinkOld(wanting(4, 1, 1), sets))).toEqual({ old: 3 });
  });

  it("takes from the oldest set first", () => {
    const sets = { current: aSet("new", 2), old: [aSet("oldest", 1), aSet("older", 2)] };
    expect(sizes(shrinkOld(wanting(4), sets))).toEqual({ oldest: 0 });
  });
});

describe("scaling in the middle of a rollout", () => {
  const remembered = (most: number) => () => most;

  it.each([
    { from: [5, 5], to: 20, most: 11, sizes: { old: 10, new: 11 } },
    { from: [8, 2], to: 5, most: 11, sizes: { old: 4 } },
    { from: [9, 1], to: 0, most: 11, sizes: { old: 0, new: 0 } },
    { from: [9, 1], to: 10, most: 11, sizes: { old: 10 } },
  ])("from $from pods to $to resizes $sizes", ({ from: [old = 0, current = 0], to, most, sizes: wanted }) => {
    const sets = { current: aSet("new", current), old: [aSet("old", old)] };
    expect(sizes(scaleProportionally(wanting(to), sets, remembered(most)))).toEqual(wanted);
  });

  it("gives everything to the only set that has pods", () => {
    const sets = { current: aSet("new", 0), old: [aSet("old", 3)] };
    expect(sizes(scaleProportionally(wanting(7), sets, remembered(4)))).toEqual({ old: 7 });
  });

  it("empties the old sets once the current one is whole", () => {
    const sets = { current: aSet("new", 3), old: [aSet("old", 1)] };
    expect(sizes(scaleProportionally(wanting(3), sets, remembered(4)))).toEqual({ old: 0 });
  });
});
