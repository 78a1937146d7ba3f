import { isTerminating } from "../../kube/objects.ts";
import { keyOf, type Cache, type CacheChange, type Informers, type ObjectKey } from "../../kube/informer.ts";
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
  const own = createOwnWrites(cache, clock);
  informers.onChange<T>(kind, (change) => {
    own.settle(change);
  });
  return {
    get: (key) => own.get(key) ?? cache.get(key),
    list: (namespace) => own.overlay(cache.list(namespace), namespace),
    onChange(listener) {
      informers.onChange<T>(kind, listener);
      for (const after of cache.list()) listener({ before: undefined, after });
    },
    async create(object) {
      const created = await kube.create(kind, object);
      own.wrote(created);
      return created;
    },
    async patch(object, patch, subresource) {
      const patched = await kube.mergePatch<T>(
        kind,
        refOf(object),
        patch,
        subresource === undefined ? {} : { subresource },
      );
      if (!isTerminating(patched)) own.wrote(patched);
      return patched;
    },
    async remove(object) {
      const { uid } = object.metadata;
      await kube.delete(kind, refOf(object), { ...(uid === undefined ? {} : { uid }), propagation: "Background" });
      own.deleted(object);
    },
  };
}

/** Writes whose echo has not come back yet. */
interface OwnWrites<T extends KubeObject> {
  get(key: ObjectKey): T | undefined;
  /** What the cache holds, with the writes laid over it. */
  overlay(cached: readonly T[], namespace: string | undefined): readonly T[];
  wrote(object: T): void;
  deleted(object: T): void;
  settle(change: CacheChange<T>): void;
}

function createOwnWrites<T extends KubeObject>(cache: Cache<T>, clock: Clock): OwnWrites<T> {
  const writes = new Map<ObjectKey, OwnWrite<T>>();
  const get = (key: ObjectKey): T | undefined => {
    const write = writes.get(key);
    if (write === undefined) return undefined;
    if (clock.now() - write.atMs < FORGET_AFTER_MS) return write.object;
    writes.delete(key);
    return undefined;
  };
  const remember = (object: T, deleted: boolean): void => {
    const key = keyOf(object);
    if (isKnown(cache.get(key), object, deleted)) writes.delete(key);
    else writes.set(key, { object, deleted, atMs: clock.now() });
  };
  return {
    get,
    overlay(cached, namespace) {
      if (writes.size === 0) return cached;
      const shown = new Map(cached.map((object) => [keyOf(object), object]));
      for (const key of [...writes.keys()]) {
        const object = get(key);
        if (object === undefined || (namespace !== undefined && object.metadata.namespace !== namespace)) continue;
        shown.set(key, object);
      }
      return [...shown.values()];
    },
    wrote(object) {
      remember(object, false);
    },
    deleted(object) {
      const deletionTimestamp = object.metadata.deletionTimestamp ?? kubeTime(clock.now());
      remember({ ...object, metadata: { ...object.metadata, deletionTimestamp } }, true);
    },
    settle({ before, after }) {
      const object = after ?? before;
      const write = object === undefined ? undefined : writes.get(keyOf(object));
      if (write !== undefined && isEcho(write, before, after)) writes.delete(keyOf(write.object));
    },
  };
}

/** Whether the cache has heard of a write already; in one process the echo can come before the answer. */
function isKnown(cached: KubeObject | undefined, written: KubeObject, deleted: boolean): boolean {
  if (cached === undefined) return deleted;
  if (deleted) return cached.metadata.uid !== written.metadata.uid || isTerminating(cached);
  return versionOf(cached) >= versionOf(written);
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
