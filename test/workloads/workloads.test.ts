import { describe, expect, it } from "vitest";
import { primaryFrom } from "../../src/act/primary.ts";
import type { WorkloadObject } from "../../src/kube/objects.ts";
import type { PatchOperation } from "../../src/kube/port.ts";
import { workloads } from "../../src/workloads/index.ts";
import type { WorkloadKind } from "../../src/workloads/workload.ts";
import { daemonSet } from "../../src/workloads/daemonSet.ts";
import { statefulSet } from "../../src/workloads/statefulSet.ts";
import type { Json, JsonObject } from "../../src/sandbox/apiserver/json.ts";
import { jsonPatch } from "../../src/sandbox/apiserver/patch.ts";
import { aDaemonSet, aDeployment, aStatefulSet } from "../lives/manifests.ts";

const samples: Readonly<Record<string, WorkloadObject>> = {
  Deployment: aDeployment(3),
  DaemonSet: aDaemonSet({
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 2 } },
  }),
  StatefulSet: aStatefulSet(3, { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } } }),
};

function sampleOf({ kind }: WorkloadKind): WorkloadObject {
  const sample = samples[kind.kind];
  if (sample === undefined) throw new Error(`there is no sample of a ${kind.kind}`);
  return { ...sample, metadata: { ...sample.metadata, generation: 1 } };
}

function patched(object: WorkloadObject, operations: readonly PatchOperation[]): WorkloadObject {
  const result = jsonPatch(object as unknown as JsonObject, operations as unknown as Json);
  return result as unknown as WorkloadObject;
}

const label = { key: "app", value: "web-primary" };

describe.each(workloads.map((kind) => [kind.kind.kind, kind] as const))("a %s", (_name, kind) => {
  const target = sampleOf(kind);
  const idle = patched(target, kind.resize(target, 0));
  const frozen = patched(target, kind.freeze(target));

  it("is idle and comes back as it was, by fields of the closed list alone", () => {
    expect(kind.standing(idle).replicas).toBe(0);
    expect(kind.standing(target).replicas).toBeGreaterThan(0);
    expect(patched(idle, kind.resize(idle, 3))).toEqual(target);
    expect(kind.template(idle)).toEqual(kind.template(target));
  });

  it("is frozen and thawed again", () => {
    expect([kind.standing(target).frozen, kind.standing(frozen).frozen]).toEqual([false, true]);
    expect(patched(frozen, kind.thaw(frozen))).toEqual(target);
  });

  it("writes nothing that is so already", () => {
    expect([kind.thaw(target), kind.resize(idle, 0), kind.resize(target, 3)]).toEqual([[], [], []]);
  });

  it("moves only what it lists", () => {
    const operations = [
      ...kind.resize(target, 0),
      ...kind.resize(idle, 3),
      ...kind.freeze(target),
      ...kind.thaw(frozen),
    ].filter(({ op }) => op !== "test");
    const strange = operations.filter(({ path }) => !kind.foreignFields.some((field) => field.path.test(path)));
    expect(operations.length).toBeGreaterThan(3);
    expect(strange).toEqual([]);
  });

  it("has a primary that is neither idle nor frozen, also when the target is", () => {
    const resting = patched(idle, kind.freeze(idle));
    const primary = primaryFrom({
      workload: kind,
      target: resting,
      name: "web-primary",
      copies: {},
      label,
      replicas: 3,
      revision: "r",
    });
    expect(kind.standing(primary)).toMatchObject({ frozen: false });
    expect(kind.standing(primary).replicas).toBeGreaterThan(0);
    expect(primary.kind).toBe(kind.kind.kind);
    expect(primary.spec.template.spec).toEqual(target.spec.template.spec);
  });
});

describe("the primary of a DaemonSet", () => {
  it("brings the new pod first on every node", () => {
    expect(daemonSet.primarySpec(aDaemonSet(), { name: "web-primary", replicas: 3 })).toMatchObject({
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    });
  });

  it("takes the old pod first where both want a port of the host", () => {
    const set = aDaemonSet();
    const template = { ...set.spec.template, spec: { ...set.spec.template.spec, hostNetwork: true } };
    const target = { ...set, spec: { ...set.spec, template } };
    expect(daemonSet.primarySpec(target, { name: "web-primary", replicas: 3 })).toMatchObject({
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
    });
  });
});

describe("a StatefulSet's standing", () => {
  const counted = { replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3, observedGeneration: 1 };
  const having = (status: object) => ({ ...aStatefulSet(3), metadata: { name: "web", generation: 1 }, status });

  it("is settled only when the pods below a partition would be made anew as they are", () => {
    const standing = (currentRevision: string) =>
      statefulSet.standing(having({ ...counted, currentRevision, updateRevision: "b" }));
    expect([standing("a").settled, standing("b").settled]).toEqual([false, true]);
  });

  it("is stuck when pods of another revision are not ready, in order", () => {
    const status = { ...counted, updatedReplicas: 0, readyReplicas: 2 };
    const parallel = { ...aStatefulSet(3, { podManagementPolicy: "Parallel" }), status };
    expect([statefulSet.standing(having(status)).stuck, statefulSet.standing(parallel).stuck]).toEqual([
      true,
      undefined,
    ]);
  });
});
