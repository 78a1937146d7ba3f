import { kinds } from "../kube/kinds.ts";
import { conditionOf } from "../kube/objects.ts";
import type { Deployment } from "../kube/objects.ts";
import { templateField } from "./workload.ts";
import type { WorkloadKind } from "./workload.ts";

/** Frozen by `spec.paused`: a paused Deployment still scales. */
export const deployment: WorkloadKind<Deployment> = {
  kind: kinds.deployment,

  foreignFields: [
    { path: /^\/spec\/replicas$/, why: "the target's size" },
    { path: /^\/spec\/paused$/, why: "the freeze of the target's pods" },
    templateField,
  ],

  refuse({ target }) {
    if (target.spec.strategy?.type !== "Recreate") return undefined;
    return { severity: "Unsafe", what: "its strategy is Recreate" };
  },

  standing({ metadata, spec, status }) {
    const replicas = spec.replicas ?? 1;
    const total = status?.replicas ?? 0;
    const updated = status?.updatedReplicas ?? 0;
    const available = updated === total ? (status?.availableReplicas ?? 0) : 0;
    const seen = (status?.observedGeneration ?? -1) >= (metadata.generation ?? 0);
    // Such as a quota that refuses pods.
    const failure = conditionOf(status?.conditions, "ReplicaFailure");
    const trouble =
      failure?.status === "True" ? `${failure.reason ?? "ReplicaFailure"}: ${failure.message ?? ""}` : undefined;
    return {
      replicas,
      frozen: spec.paused === true,
      available,
      settled: seen && updated === replicas && total === replicas && available === replicas,
      ...(trouble === undefined ? {} : { trouble }),
    };
  },

  resize: ({ spec }, replicas) =>
    spec.replicas === replicas ? [] : [{ op: "add", path: "/spec/replicas", value: replicas }],

  freeze: () => [{ op: "add", path: "/spec/paused", value: true }],

  thaw: ({ spec }) => (spec.paused === true ? [{ op: "remove", path: "/spec/paused" }] : []),

  template: ({ spec }) => spec.template,

  primarySpec({ spec }, { replicas }) {
    const { selector: _selector, template: _template, paused: _paused, strategy, ...rest } = spec;
    // Whatever the target says: the primary serves everyone, so it never goes below its size.
    return {
      ...rest,
      replicas,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: surgeOf(strategy) } },
    };
  },
};

function surgeOf(strategy: Deployment["spec"]["strategy"]): number | string {
  const surge = strategy?.rollingUpdate?.maxSurge;
  return surge === undefined || surge === 0 || surge === "0%" ? "25%" : surge;
}
