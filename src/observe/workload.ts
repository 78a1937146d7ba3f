import type { Version } from "../api/status.ts";
import type { Workload } from "../decide/types.ts";
import type { WorkloadObject } from "../kube/objects.ts";
import { annotations } from "../lib/names.ts";
import { clip } from "../lib/text.ts";
import type { WorkloadKind } from "../workloads/workload.ts";
import { beforeOf } from "../kube/before.ts";
import type { ConfigurationView } from "./configuration.ts";
import { revisionOf } from "./revision.ts";

interface SeenTarget {
  readonly configuration: ConfigurationView | undefined;
  /** What its pods say when they do not get ready. */
  readonly trouble: string | undefined;
}

/** The target as rules see it. */
export function targetOf(kind: WorkloadKind, target: WorkloadObject, { configuration, trouble }: SeenTarget): Workload {
  const release = target.metadata.annotations?.[annotations.release];
  const revision = configuration?.revision ?? revisionOf(target.spec.template);
  return {
    ...workloadOf(kind, target, versionOf(target, revision, release), trouble),
    ...(configuration === undefined ? {} : configuredWith(configuration)),
  };
}

function configuredWith({ copies, changed, sameTemplate, missing, unreadable }: ConfigurationView): Partial<Workload> {
  return {
    ...(Object.keys(copies).length === 0 ? {} : { configured: true }),
    ...(missing.length + unreadable.length === 0 ? {} : { incomplete: true }),
    ...(sameTemplate ? { sameTemplate } : {}),
    ...(changed.length === 0 ? {} : { changed }),
  };
}

/** The primary as rules see it; its revision is the one that it was copied from, not a fingerprint of its own. */
export function primaryOf(kind: WorkloadKind, primary: WorkloadObject, trouble: string | undefined): Workload {
  const marks = primary.metadata.annotations ?? {};
  const revision = marks[annotations.revision] ?? revisionOf(primary.spec.template);
  const before = beforeOf(primary)?.revision;
  return {
    ...workloadOf(kind, primary, versionOf(primary, revision, marks[annotations.primaryRelease]), trouble),
    ...(before === undefined ? {} : { before }),
  };
}

/** Kept within the bounds of the status: a name that is too long for it must not keep a rollout from being told. */
function versionOf(object: WorkloadObject, revision: string, release: string | undefined): Version {
  const images = object.spec.template.spec.containers
    .flatMap(({ image }) => (image === undefined ? [] : [clip(image, 512)]))
    .slice(0, 40);
  return {
    revision,
    ...(images.length === 0 ? {} : { images }),
    ...(release === undefined ? {} : { release: clip(release, 256) }),
  };
}

function workloadOf(
  kind: WorkloadKind,
  object: WorkloadObject,
  version: Version,
  podTrouble: string | undefined,
): Workload {
  const { metadata, spec } = object;
  const { trouble: ownTrouble, ...standing } = kind.standing(object);
  const restartedAt = spec.template.metadata?.annotations?.[annotations.restartedAt];
  const trouble = podTrouble ?? ownTrouble;
  return {
    ...standing,
    uid: metadata.uid ?? "",
    generation: metadata.generation ?? 0,
    version,
    ...(restartedAt === undefined ? {} : { restartedAt }),
    ...(trouble === undefined ? {} : { trouble }),
  };
}
