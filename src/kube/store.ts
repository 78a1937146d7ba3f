import { keyOf } from "./informer.ts";
import type { CacheChange, ObjectKey } from "./informer.ts";
import type { KubeObject } from "./port.ts";

/** The objects of one kind, by key and by namespace. Every method answers what changed. */
export interface Store<T extends KubeObject> {
  get(key: ObjectKey): T | undefined;
  list(namespace?: string): readonly T[];
  /** Answers `undefined` when this version is already held. */
  put(object: T): CacheChange<T> | undefined;
  remove(key: ObjectKey): CacheChange<T> | undefined;
  /** Takes over a whole list, change by change, each visible before it is told; what is not listed was deleted. */
  replace(objects: readonly T[]): Generator<CacheChange<T>>;
}

export function createStore<T extends KubeObject>(keep: (object: T) => T): Store<T> {
  const objects = new Map<ObjectKey, T>();
  const byNamespace = new Map<string, Map<ObjectKey, T>>();

  const put = (object: T): CacheChange<T> | undefined => {
    const key = keyOf(object);
    const before = objects.get(key);
    if (before !== undefined && sameVersion(before, object)) return undefined;
    const after = keep(object);
    objects.set(key, after);
    const { namespace } = object.metadata;
    if (namespace !== undefined) indexOf(byNamespace, namespace).set(key, after);
    return { before, after };
  };

  const remove = (key: ObjectKey): CacheChange<T> | undefined => {
    const before = objects.get(key);
    if (before === undefined) return undefined;
    objects.delete(key);
    const { namespace } = before.metadata;
    const index = namespace === undefined ? undefined : byNamespace.get(namespace);
    index?.delete(key);
    if (namespace !== undefined && index?.size === 0) byNamespace.delete(namespace);
    return { before, after: undefined };
  };

  return {
    get: (key) => objects.get(key),
    list: (namespace) => [...(namespace === undefined ? objects : (byNamespace.get(namespace) ?? EMPTY)).values()],
    put,
    remove,
    *replace(listed) {
      const keys = new Set(listed.map(keyOf));
      for (const key of [...objects.keys()]) {
        const change = keys.has(key) ? undefined : remove(key);
        if (change !== undefined) yield change;
      }
      for (const object of listed) {
        const change = put(object);
        if (change !== undefined) yield change;
      }
    },
  };
}

const EMPTY: ReadonlyMap<string, never> = new Map<string, never>();

function indexOf<V>(index: Map<string, Map<ObjectKey, V>>, namespace: string): Map<ObjectKey, V> {
  const held = index.get(namespace);
  if (held !== undefined) return held;
  const made = new Map<ObjectKey, V>();
  index.set(namespace, made);
  return made;
}

/** The uid tells an object from its successor of the same name. */
function sameVersion(a: KubeObject, b: KubeObject): boolean {
  const { resourceVersion, uid } = a.metadata;
  return resourceVersion !== undefined && resourceVersion === b.metadata.resourceVersion && uid === b.metadata.uid;
}

/** Default of `keep`: everything but managedFields, which are a third of an object and used nowhere. */
export function dropManagedFields<T extends KubeObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
