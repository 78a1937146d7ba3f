import type { Version } from "../api/status.ts";
import type { Workload } from "../decide/types.ts";
import { conditionOf } from "../kube/objects.ts";
import type { Deployment } from "../kube/objects.ts";
import { annotations } from "../lib/names.ts";
import { rememberByObject } from "../lib/remember.ts";
import { clip } from "../lib/text.ts";
import { revisionOf as computeRevision } from "./revision.ts";

/** Normalising and hashing a template costs more than everything else about a workload. */
const revisionOf = rememberByObject(computeRevision);

/** The target as rules see it. `trouble` is what its pods say when they do not get ready. */
export function targetOf(deployment: Deployment, trouble: string | undefined): Workload {
  const release = deployment.metadata.annotations?.[annotations.release];
  return workloadOf(deployment, versionOf(deployment, revisionOf(deployment.spec.template), release), trouble);
}

/** The primary as rules see it; its revision is the one that it was copied from, not a fingerprint of its own. */
export function primaryOf(deployment: Deployment, trouble: string | undefined): Workload {
  const marks = deployment.metadata.annotations ?? {};
  const revision = marks[annotations.revision] ?? revisionOf(deployment.spec.template);
  return workloadOf(deployment, versionOf(deployment, revision, marks[annotations.primaryRelease]), trouble);
}

/** Kept within the bounds of the status: a name that is too long for it must not keep a rollout from being told. */
function versionOf(deployment: Deployment, revision: string, release: string | undefined): Version {
  const images = deployment.spec.template.spec.containers
    .flatMap(({ image }) => (image === undefined ? [] : [clip(image, 512)]))
    .slice(0, 40);
  return {
    revision,
    ...(images.length === 0 ? {} : { images }),
    ...(release === undefined ? {} : { release: clip(release, 256) }),
  };
}

function workloadOf(deployment: Deployment, version: Version, podTrouble: string | undefined): Workload {
  const { metadata, spec, status } = deployment;
  const replicas = spec.replicas ?? 1;
  const generation = metadata.generation ?? 0;
  const total = status?.replicas ?? 0;
  const updated = status?.updatedReplicas ?? 0;
  const available = updated === total ? (status?.availableReplicas ?? 0) : 0;
  const restartedAt = spec.template.metadata?.annotations?.[annotations.restartedAt];
  const trouble = podTrouble ?? deploymentTrouble(deployment);
  return {
    uid: metadata.uid ?? "",
    generation,
    version,
    replicas,
    paused: spec.paused === true,
    available,
    settled:
      (status?.observedGeneration ?? -1) >= generation &&
      updated === replicas &&
      total === replicas &&
      available === replicas,
    ...(restartedAt === undefined ? {} : { restartedAt }),
    ...(trouble === undefined ? {} : { trouble }),
  };
}

/** What the Deployment's controller says, such as a quota that refuses pods. */
function deploymentTrouble(deployment: Deployment): string | undefined {
  const failure = conditionOf(deployment.status?.conditions, "ReplicaFailure");
  return failure?.status === "True" ? `${failure.reason ?? "ReplicaFailure"}: ${failure.message ?? ""}` : undefined;
}
