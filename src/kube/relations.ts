import { claimsOf } from "./claims.ts";
import { keyOf } from "./informer.ts";
import type { CacheChange, Informers } from "./informer.ts";
import { kinds } from "./kinds.ts";
import { valuesIn } from "./labelSelector.ts";
import { SERVICE_NAME_LABEL } from "./objects.ts";
import type { HorizontalPodAutoscaler, NetworkPolicy, PodDisruptionBudget, ScaledObject, Service } from "./objects.ts";
import type { KubeObject, ObjectRef, ResourceKind } from "./port.ts";
import { COPY_FOR, JOB_FOR } from "../lib/names.ts";

/** Names in the namespace of the object, or places in any. */
type Related = (object: KubeObject) => readonly (string | ObjectRef | undefined)[];

/** What an autoscaler scales, and for copies the target that they are made for. */
const scaled: Related = (object) => [
  (object as HorizontalPodAutoscaler | ScaledObject).spec.scaleTargetRef.name,
  copiedFor(object),
];

/**
 * The objects that one of these belongs to, or claims. What selects pods belongs to every label
 * value that it names: only pods with one of them are selected by it and not by their neighbours' side.
 */
const relations: ReadonlyMap<ResourceKind, Related> = new Map<ResourceKind, Related>([
  [kinds.canary, claimsOf],
  [kinds.service, (object) => Object.values((object as Service).spec.selector ?? {})],
  [kinds.endpointSlice, (object) => [object.metadata.labels?.[SERVICE_NAME_LABEL]]],
  [kinds.canaryAction, (object) => [(object as { spec?: { canaryRef?: { name?: string } } }).spec?.canaryRef?.name]],
  [kinds.job, (object) => [object.metadata.labels?.[JOB_FOR]]],
  [kinds.horizontalPodAutoscaler, scaled],
  [kinds.scaledObject, scaled],
  [
    kinds.podDisruptionBudget,
    (object) => [...valuesIn((object as PodDisruptionBudget).spec?.selector), copiedFor(object)],
  ],
  [kinds.networkPolicy, (object) => [...selectorsOf(object as NetworkPolicy).flatMap(valuesIn), copiedFor(object)]],
  [kinds.configMap, (object) => [copiedFor(object)]],
  [kinds.secret, (object) => [copiedFor(object)]],
]);

/** The target whose primary a copy is for. */
function copiedFor(object: KubeObject): string | undefined {
  return object.metadata.labels?.[COPY_FOR];
}

/** Every selector of pods in a NetworkPolicy: of those that it guards, and of their peers. */
function selectorsOf({ spec }: NetworkPolicy) {
  const peers = [
    ...(spec?.ingress ?? []).flatMap(({ from }) => from ?? []),
    ...(spec?.egress ?? []).flatMap(({ to }) => to ?? []),
  ];
  return [spec?.podSelector, ...peers.map(({ podSelector }) => podSelector)];
}

/** Keys of the objects of a kind by what they belong to, so that nobody has to look through a namespace. */
export interface Relations {
  keys(ref: ObjectRef): readonly string[];
  /** Takes up an object that the watch has not told of yet. */
  note(object: KubeObject): void;
}

/** Follows the cache of `kind`. @throws Error for a kind whose objects belong to nothing. */
export function createRelations(informers: Informers, kind: ResourceKind): Relations {
  const ownersIn = relations.get(kind);
  if (ownersIn === undefined) throw new Error(`${kind.kind} is related to nothing`);
  const byOwner = new Map<string, Set<string>>();
  const ownersOf = (object: KubeObject): readonly string[] =>
    ownersIn(object).flatMap((owner) => {
      if (owner === undefined) return [];
      return [keyOf({ metadata: typeof owner === "string" ? { ...object.metadata, name: owner } : owner })];
    });
  const note = (object: KubeObject): void => {
    for (const owner of ownersOf(object)) {
      const keys = byOwner.get(owner) ?? new Set<string>();
      byOwner.set(owner, keys.add(keyOf(object)));
    }
  };
  const forget = (object: KubeObject): void => {
    for (const owner of ownersOf(object)) {
      const keys = byOwner.get(owner);
      keys?.delete(keyOf(object));
      if (keys?.size === 0) byOwner.delete(owner);
    }
  };
  informers.onChange(kind, ({ before, after }: CacheChange<KubeObject>) => {
    if (before !== undefined) forget(before);
    if (after !== undefined) note(after);
  });
  for (const object of informers.cache(kind).list()) note(object);
  return { keys: (ref) => [...(byOwner.get(keyOf({ metadata: ref })) ?? [])], note };
}
