import { isTerminating } from "../../kube/objects.ts";
import { keyOf, type CacheChange, type Informers, type ObjectKey } from "../../kube/informer.ts";
import type { Kube, KubeObject, ResourceKind } from "../../kube/port.ts";
import type { Clock } from "../../lib/time.ts";
import { kubeTime } from "../kinds.ts";

/**
 * A cache that shows its owner's writes at once, before the watch brings them back. Without that, a controller that
 * looks again quickly would create a second pod for the one that its cache does not hold yet.
 */
export interface View<T extends KubeObject> {
  get(key: ObjectKey): T | undefined;
  list(namespace?: string): readonly T[];
  /** Also called, as for a new object, for each one that is there already. */
  onChange(listener: (change: CacheChange<T>) => void): void;
  create(object: T): Promise<T>;
  /** JSON merge patch of an object, or of its status subresource. */
  patch(object: T, patch: Readonly<Record<string, unknown>>, subresource?: "status"): Promise<T>;
  /** Deletes this incarnation of the object; absent objects are fine. */
  remove(object: T): Promise<void>;
}

export interface ViewOptions {
  readonly kube: Kube;
  readonly informers: Informers;
  readonly clock: Clock;
}

interface OwnWrite<T> {
  readonly object: T;
  readonly deleted: boolean;
  readonly atMs: number;
}

/** A write whose echo never comes (the object was deleted in between) is forgotten after this time. */
const FORGET_AFTER_MS = 10_000;

const versionOf = (object: KubeObject): number => Number(object.metadata.resourceVersion ?? 0);

export function createView<T extends KubeObject>(kind: ResourceKind, options: ViewOptions): View<T> {
  const { kube, informers, clock } = options;
  const cache = informers.cache<T>(kind);
  const writes = new Map<ObjectKey, OwnWrite<T>>();

  informers.onChange<T>(kind, ({ before, after }) => {
    const object = after ?? before;
    if (object === undefined) return;
    const key = keyOf(object);
    const write = writes.get(key);
    if (write !== undefined && isEcho(write, before, after)) writes.delete(key);
  });

  const remember = (object: T, deleted: boolean): void => {
    const key = keyOf(object);
    const cached = cache.get(key);
    const seen = deleted
      ? cached === undefined || cached.metadata.uid !== object.metadata.uid || isTerminating(cached)
      : cached !== undefined && versionOf(cached) >= versionOf(object);
    if (seen) writes.delete(key);
    else writes.set(key, { object, deleted, atMs: clock.now() });
  };

  const written = (key: ObjectKey): T | undefined => {
    const write = writes.get(key);
    if (write === undefined) return undefined;
    if (clock.now() - write.atMs < FORGET_AFTER_MS) return write.object;
    writes.delete(key);
    return undefined;
  };

  return {
    get: (key) => written(key) ?? cache.get(key),
    list(namespace) {
      const cached = cache.list(namespace);
      if (writes.size === 0) return cached;
      const shown = new Map(cached.map((object) => [keyOf(object), object]));
      for (const key of [...writes.keys()]) {
        const object = written(key);
        if (object === undefined || (namespace !== undefined && object.metadata.namespace !== namespace)) continue;
        shown.set(key, object);
      }
      return [...shown.values()];
    },
    onChange(listener) {
      informers.onChange<T>(kind, listener);
      for (const after of cache.list()) listener({ before: undefined, after });
    },
    async create(object) {
      const created = await kube.create(kind, object);
      remember(created, false);
      return created;
    },
    async patch(object, patch, subresource) {
      const ref = refOf(object);
      const patched = await kube.mergePatch<T>(kind, ref, patch, subresource === undefined ? {} : { subresource });
      if (!isTerminating(patched)) remember(patched, false);
      return patched;
    },
    async remove(object) {
      const { uid } = object.metadata;
      await kube.delete(kind, refOf(object), { ...(uid === undefined ? {} : { uid }), propagation: "Background" });
      const deletionTimestamp = object.metadata.deletionTimestamp ?? kubeTime(clock.now());
      remember({ ...object, metadata: { ...object.metadata, deletionTimestamp } }, true);
    },
  };
}

function refOf(object: KubeObject): { name: string; namespace?: string } {
  const { name, namespace } = object.metadata;
  return namespace === undefined ? { name } : { name, namespace };
}

function isEcho<T extends KubeObject>(write: OwnWrite<T>, before: T | undefined, after: T | undefined): boolean {
  const { uid } = write.object.metadata;
  if (after === undefined) return before?.metadata.uid === uid;
  if (after.metadata.uid !== uid) return versionOf(after) > versionOf(write.object);
  return write.deleted ? isTerminating(after) : versionOf(after) >= versionOf(write.object);
}
