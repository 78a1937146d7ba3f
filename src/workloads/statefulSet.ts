import { kinds } from "../kube/kinds.ts";
import type { StatefulSet } from "../kube/objects.ts";
import { templateField } from "./workload.ts";
import type { Refusal, RefusalInput, Standing, WorkloadKind } from "./workload.ts";

/** Above every ordinal: pods below the partition keep their revision, also when they are made anew. */
const FROZEN_PARTITION = 1_000_000;

const PARTITION_PATH = "/spec/updateStrategy/rollingUpdate/partition";

/**
 * Frozen by `partition`. The primary is a StatefulSet of its own: its pods have names, and claims, of their own. What
 * lives by the names or the claims of the target's pods is refused.
 */
export const statefulSet: WorkloadKind<StatefulSet> = {
  kind: kinds.statefulSet,

  foreignFields: [
    { path: /^\/spec\/replicas$/, why: "the target's size" },
    { path: /^\/spec\/updateStrategy\/rollingUpdate\/partition$/, why: "the freeze of the target's pods" },
    templateField,
  ],

  refuse: (input) => refuseClaimsThatGo(input) ?? refuseHeld(input) ?? refuseClaims(input) ?? refuseNames(input),

  namingService: ({ spec }) => spec.serviceName,

  standing({ metadata, spec, status }): Standing {
    const replicas = spec.replicas ?? 1;
    const total = status?.replicas ?? 0;
    const updated = status?.updatedReplicas ?? 0;
    const available = updated === total ? (status?.availableReplicas ?? 0) : 0;
    const seen = (status?.observedGeneration ?? -1) >= (metadata.generation ?? 0);
    return {
      replicas,
      frozen: partitionOf(spec) > 0,
      available,
      // With the two revisions the same, whoever is made anew below the partition has this one.
      settled:
        seen &&
        status?.currentRevision === status?.updateRevision &&
        updated === replicas &&
        total === replicas &&
        available === replicas,
      ...(isStuck(spec, status) ? { stuck: true } : {}),
      inPlace: true,
    };
  },

  resize: ({ spec }, replicas) =>
    spec.replicas === replicas ? [] : [{ op: "add", path: "/spec/replicas", value: replicas }],

  freeze: () => [{ op: "add", path: PARTITION_PATH, value: FROZEN_PARTITION }],

  thaw: ({ spec }) => (partitionOf(spec) > 0 ? [{ op: "add", path: PARTITION_PATH, value: 0 }] : []),

  template: ({ spec }) => spec.template,

  primarySpec({ spec }, { name, replicas }) {
    const { selector: _selector, template: _template, ...rest } = spec;
    return {
      ...rest,
      replicas,
      serviceName: name,
      // In order, a template that never gets ready would keep every later one from its pods.
      podManagementPolicy: "Parallel",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
    };
  },
};

function partitionOf({ updateStrategy }: StatefulSet["spec"]): number {
  return updateStrategy?.rollingUpdate?.partition ?? 0;
}

/**
 * In order, pods of an older template that do not get ready keep the newer one from being tried
 * (Kubernetes documentation, "StatefulSets: forced rollback").
 */
function isStuck(spec: StatefulSet["spec"], status: StatefulSet["status"]): boolean {
  if (spec.podManagementPolicy === "Parallel" || partitionOf(spec) > 0) return false;
  const total = status?.replicas ?? 0;
  return total > 0 && (status?.updatedReplicas ?? 0) === 0 && (status?.readyReplicas ?? 0) < total;
}

type Input = RefusalInput<StatefulSet>;

function refuseClaimsThatGo({ target: { spec } }: Input): Refusal | undefined {
  const { volumeClaimTemplates = [], persistentVolumeClaimRetentionPolicy: policy } = spec;
  if (volumeClaimTemplates.length === 0 || policy?.whenScaled !== "Delete") return undefined;
  return {
    severity: "Unsupported",
    what: "its volume claims are deleted when it is scaled down, and Aviary scales it to 0",
    hint: "set spec.persistentVolumeClaimRetentionPolicy.whenScaled to Retain",
  };
}

function refuseHeld({ target: { spec }, adopted }: Input): Refusal | undefined {
  if (adopted) return undefined;
  const { type } = spec.updateStrategy ?? {};
  if (type === "OnDelete") {
    return {
      severity: "Unsupported",
      what: "its updateStrategy is OnDelete, so its pods cannot be held at a revision",
      hint: "set spec.updateStrategy.type to RollingUpdate",
    };
  }
  if (partitionOf(spec) === 0) return undefined;
  return {
    severity: "Unsupported",
    what: `its updateStrategy holds pods back by partition ${partitionOf(spec)}, which Aviary could not tell from its own freeze`,
    hint: "set spec.updateStrategy.rollingUpdate.partition to 0",
  };
}

function refuseClaims({ target: { spec } }: Input): Refusal | undefined {
  const [claim] = spec.volumeClaimTemplates ?? [];
  if (claim === undefined) return undefined;
  return {
    severity: "Unsafe",
    what: `the claim of volumeClaimTemplates ${claim.metadata.name} would be a new, empty one for every pod of the primary`,
    hint: "keep the data elsewhere",
  };
}

function refuseNames({ target: { spec }, service }: Input): Refusal | undefined {
  const governing = spec.serviceName === undefined || spec.serviceName === "" ? undefined : service(spec.serviceName);
  if (governing?.spec.clusterIP !== "None") return undefined;
  const pods = spec.template.metadata?.labels ?? {};
  const selector = Object.entries(governing.spec.selector ?? {});
  if (selector.length === 0 || !selector.every(([key, value]) => pods[key] === value)) return undefined;
  return {
    severity: "Unsafe",
    what: `headless Service ${governing.metadata.name} gives its pods names in DNS, and those would lead to the new version alone`,
    hint: "let clients and peers use a Service with an address",
  };
}
