import { keyOf } from "./informer.ts";
import type { CacheChange, Informers } from "./informer.ts";
import { kinds } from "./kinds.ts";
import { SERVICE_NAME_LABEL } from "./objects.ts";
import type { KubeObject, ObjectRef, ResourceKind } from "./port.ts";
import { COPY_FOR } from "../lib/names.ts";

/** Name of the object that one of these belongs to, in the same namespace. */
const relatedName: ReadonlyMap<ResourceKind, (object: KubeObject) => string | undefined> = new Map([
  [kinds.endpointSlice, (object: KubeObject) => object.metadata.labels?.[SERVICE_NAME_LABEL]],
  [
    kinds.canaryAction,
    (object: KubeObject) => (object as { spec?: { canaryRef?: { name?: string } } }).spec?.canaryRef?.name,
  ],
  [kinds.configMap, copiedFor],
  [kinds.secret, copiedFor],
]);

/** The target whose primary a copy of the configuration is for. */
function copiedFor(object: KubeObject): string | undefined {
  return object.metadata.labels?.[COPY_FOR];
}

/** Keys of the objects of a kind by what they belong to, so that nobody has to look through a namespace. */
export interface Relations {
  keys(ref: ObjectRef): readonly string[];
  /** Takes up an object that the watch has not told of yet. */
  note(object: KubeObject): void;
}

/** Follows the cache of `kind`. @throws Error for a kind whose objects belong to nothing. */
export function createRelations(informers: Informers, kind: ResourceKind): Relations {
  const nameOf = relatedName.get(kind);
  if (nameOf === undefined) throw new Error(`${kind.kind} is related to nothing`);
  const byOwner = new Map<string, Set<string>>();
  const ownerOf = (object: KubeObject): string | undefined => {
    const name = nameOf(object);
    return name === undefined ? undefined : keyOf({ metadata: { ...object.metadata, name } });
  };
  const note = (object: KubeObject): void => {
    const owner = ownerOf(object);
    if (owner === undefined) return;
    const keys = byOwner.get(owner) ?? new Set<string>();
    byOwner.set(owner, keys.add(keyOf(object)));
  };
  const forget = (object: KubeObject): void => {
    const owner = ownerOf(object);
    const keys = owner === undefined ? undefined : byOwner.get(owner);
    keys?.delete(keyOf(object));
    if (owner !== undefined && keys?.size === 0) byOwner.delete(owner);
  };
  informers.onChange(kind, ({ before, after }: CacheChange<KubeObject>) => {
    if (before !== undefined) forget(before);
    if (after !== undefined) note(after);
  });
  for (const object of informers.cache(kind).list()) note(object);
  return { keys: (ref) => [...(byOwner.get(keyOf({ metadata: ref })) ?? [])], note };
}
