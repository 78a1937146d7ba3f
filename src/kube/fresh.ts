import type { Clock } from "../lib/time.ts";
import { keyOf } from "./informer.ts";
import type { Cache, CacheFailure, Informers } from "./informer.ts";
import { kindId } from "./kinds.ts";
import { resourceVersionOf } from "./objects.ts";
import type { KubeObject, ObjectRef, ResourceKind } from "./port.ts";
import { createRelations } from "./relations.ts";
import type { Relations } from "./relations.ts";

/**
 * Reads from the caches that never show less than what Aviary has written itself. A watch tells of a write some
 * milliseconds after it was made; a decision in between would see the world before its own last decision.
 */
export interface FreshReads {
  get<T extends KubeObject>(kind: ResourceKind, ref: ObjectRef): T | undefined;
  list<T extends KubeObject>(kind: ResourceKind, namespace: string): readonly T[];
  /** Objects that belong to another one: the slices of a Service, the CanaryActions of a Canary. */
  related<T extends KubeObject>(kind: ResourceKind, of: ObjectRef): readonly T[];
  state(kind: ResourceKind): Cache<KubeObject>["state"];
  /** Why nothing can be said about a kind, while its state is `starting`. */
  failure(kind: ResourceKind): CacheFailure | undefined;
  /** Remembers what a write answered until the watch has caught up with it. */
  noteWrite(kind: ResourceKind, object: KubeObject): void;
  /** Remembers that an object was deleted until the watch says so as well. */
  noteDelete(kind: ResourceKind, object: KubeObject): void;
}

interface Written {
  readonly object: KubeObject;
  readonly deleted: boolean;
  readonly atMs: number;
}

/** A watch that is silent for longer than this is broken, and what it says after a relist counts. */
const FORGET_AFTER_MS = 30_000;

export function createFreshReads(informers: Informers, clock: Clock): FreshReads {
  const written = new Map<string, Map<string, Written>>();
  const relations = new Map<ResourceKind, Relations>();
  const relationsOf = (kind: ResourceKind): Relations => {
    const held = relations.get(kind);
    if (held !== undefined) return held;
    const made = createRelations(informers, kind);
    relations.set(kind, made);
    return made;
  };
  /** A write may be answered after the watch has told that its object is gone; a uid never comes back. */
  const gone = new Map<string, number>();
  const bury = (uid: string): void => {
    gone.set(uid, clock.now());
    for (const [buried, atMs] of gone) {
      if (clock.now() - atMs <= FORGET_AFTER_MS) break;
      gone.delete(buried);
    }
  };
  const writtenOf = (kind: ResourceKind): Map<string, Written> => {
    const id = kindId(kind);
    const held = written.get(id);
    if (held !== undefined) return held;
    const made = new Map<string, Written>();
    written.set(id, made);
    informers.onChange(kind, ({ before, after }) => {
      if (after !== undefined || before === undefined) return;
      made.delete(keyOf(before));
      bury(before.metadata.uid ?? "");
    });
    return made;
  };

  /** The newer of what the cache holds and what we wrote; forgets the latter once the cache has it. */
  const newest = (kind: ResourceKind, key: string, cached: KubeObject | undefined): KubeObject | undefined => {
    const ours = writtenOf(kind).get(key);
    if (ours === undefined) return cached;
    const overtaken = ours.deleted ? cached?.metadata.uid !== ours.object.metadata.uid : caughtUp(cached, ours.object);
    if (overtaken || clock.now() - ours.atMs > FORGET_AFTER_MS) {
      writtenOf(kind).delete(key);
      return cached;
    }
    return ours.deleted ? undefined : ours.object;
  };

  return {
    get: <T extends KubeObject>(kind: ResourceKind, ref: ObjectRef) => {
      const key = keyOf({ metadata: ref });
      return newest(kind, key, informers.cache(kind).get(key)) as T | undefined;
    },
    list: <T extends KubeObject>(kind: ResourceKind, namespace: string) => {
      const cached = informers.cache(kind).list(namespace);
      const ours = [...writtenOf(kind)].filter(([, { object }]) => object.metadata.namespace === namespace);
      if (ours.length === 0) return cached as unknown as readonly T[];
      const found = new Map(cached.map((object) => [keyOf(object), object]));
      for (const [key] of ours) {
        const fresh = newest(kind, key, found.get(key));
        if (fresh === undefined) found.delete(key);
        else found.set(key, fresh);
      }
      return [...found.values()] as unknown as readonly T[];
    },
    related: <T extends KubeObject>(kind: ResourceKind, of: ObjectRef) =>
      relationsOf(kind)
        .keys(of)
        .flatMap((key) => newest(kind, key, informers.cache(kind).get(key)) ?? []) as unknown as readonly T[],
    state: (kind) => informers.cache(kind).state,
    failure: (kind) => informers.cache(kind).failure(),
    noteWrite(kind, answered) {
      const object = kind.metadataOnly === true ? metadataOf(answered) : answered;
      const key = keyOf(object);
      const { uid = "", deletionTimestamp, finalizers = [] } = object.metadata;
      if (gone.has(uid)) return;
      if (deletionTimestamp !== undefined && finalizers.length === 0) {
        // With its last finalizer the object itself went away.
        writtenOf(kind).set(key, { object, deleted: true, atMs: clock.now() });
        return;
      }
      relations.get(kind)?.note(object);
      if (!caughtUp(informers.cache(kind).get(key), object)) {
        writtenOf(kind).set(key, { object, deleted: false, atMs: clock.now() });
      }
    },
    noteDelete(kind, object) {
      writtenOf(kind).set(keyOf(object), { object, deleted: true, atMs: clock.now() });
    },
  };
}

/** As the cache holds it: values are not kept. */
function metadataOf({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  return { apiVersion, kind, metadata };
}

/** Whether the cache is at or past a write. */
function caughtUp(cached: KubeObject | undefined, ours: KubeObject): boolean {
  if (cached === undefined) return false;
  return resourceVersionOf(cached) >= resourceVersionOf(ours);
}
