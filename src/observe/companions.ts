import type { FreshReads } from "../kube/fresh.ts";
import { apiVersionOf, kinds } from "../kube/kinds.ts";
import type { KubeObject, ResourceKind } from "../kube/port.ts";
import { fingerprint } from "../lib/fingerprint.ts";
import { covers } from "../lib/json.ts";
import { cut } from "../lib/labels.ts";
import { annotations, COPY_FOR, isOurs, MANAGED_BY } from "../lib/names.ts";
import type { Names } from "../lib/names.ts";

/** An object that Aviary made after one of the user's. */
export interface Companion {
  readonly kind: ResourceKind;
  readonly object: KubeObject;
}

/** The user's objects of some kinds as they are to hold for the primary, and what of it is not so yet. */
export interface Companions {
  /** Missing, or not as they should be. */
  readonly wanted: readonly Companion[];
  /** Ours, of something that is there no longer. */
  readonly stale: readonly Companion[];
  /** All that exist. */
  readonly existing: readonly Companion[];
  /** Objects of somebody else's that have the name of a copy. */
  readonly taken: readonly KubeObject[];
}

/** A copy of `source` for the primary, before it has a name of its own. */
export interface CompanionPlan {
  readonly kind: ResourceKind;
  readonly source: KubeObject;
  readonly name: string;
  readonly spec: object;
}

const MAX_NAME = 253;

/** `<name>-primary` where the name alone says whose; objects may have one name and guard the pods of several targets. */
export function companionName(source: string, target: string): string {
  return cut(source === target ? `${source}-primary` : `${source}-${target}-primary`, MAX_NAME);
}

/** Compares what there is with what is planned, over all `kinds`. */
export function compareCompanions(
  reads: FreshReads,
  names: Names,
  { kinds: among, plans }: { readonly kinds: readonly ResourceKind[]; readonly plans: readonly CompanionPlan[] },
): Companions {
  const existing = among.flatMap((kind) => companionsFor(reads, kind, names).map((object) => ({ kind, object })));
  const inPlan = ({ kind, object }: Companion): boolean =>
    plans.some((plan) => plan.kind === kind && plan.name === object.metadata.name);
  const named = plans.map((plan) => ({
    plan,
    found: reads.get<KubeObject>(plan.kind, { namespace: names.namespace, name: plan.name }),
  }));
  return {
    wanted: named
      .filter(({ plan, found }) => found === undefined || (isOurs(found) && !isCurrent(found, plan)))
      .map(({ plan }) => ({ kind: plan.kind, object: copyFrom(plan, names) })),
    stale: existing.filter((copy) => !inPlan(copy)),
    existing,
    taken: named.flatMap(({ found }) => (found === undefined || isOurs(found) ? [] : [found])),
  };
}

/** What has an owner is its owner's: KEDA puts our labels on the autoscaler that it makes of a copy. */
function companionsFor(reads: FreshReads, kind: ResourceKind, { namespace, target }: Names): readonly KubeObject[] {
  return reads
    .related<KubeObject>(kind, { namespace, name: target })
    .filter(
      (object) =>
        isOurs(object) &&
        object.metadata.labels?.[COPY_FOR] === target &&
        object.metadata.ownerReferences === undefined,
    );
}

/** No label and no annotation of the source's: they may be what its owner tracks, or pauses, it by. */
function copyFrom({ kind, source, name, spec }: CompanionPlan, names: Names): KubeObject {
  const marks = {
    [annotations.copyOf]: source.metadata.name,
    [annotations.copied]: fingerprint(JSON.stringify(spec)),
  };
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: {
      name,
      namespace: names.namespace,
      labels: { ...MANAGED_BY, [COPY_FOR]: names.target },
      annotations: marks,
    },
    spec,
  } as KubeObject;
}

/** Fields that somebody else added are theirs: a webhook that fills them in must not keep us writing. */
function isCurrent(found: KubeObject, { spec }: CompanionPlan): boolean {
  const copied = found.metadata.annotations?.[annotations.copied];
  return copied === fingerprint(JSON.stringify(spec)) && covers((found as { spec?: unknown }).spec, spec);
}

/** Kinds that guard pods by selecting them. */
export const guardKinds = [kinds.podDisruptionBudget, kinds.networkPolicy] as const;
