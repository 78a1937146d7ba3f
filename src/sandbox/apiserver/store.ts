import { frozen, nameOf, namespaceOf, withValue } from "./json.ts";
import type { JsonObject } from "./json.ts";

/** One change in the history of a kind. `object` is the last state for DELETED. */
export interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly resourceVersion: number;
  readonly object: JsonObject;
  readonly previous: JsonObject | undefined;
}

export interface StoreOptions {
  /** Changes remembered for each kind; a watch that starts earlier is answered 410. Default 10 000. */
  readonly historySize?: number;
}

/**
 * All objects in memory, with one resourceVersion that counts up over all kinds, and a bounded history for watches.
 * Stored objects are deeply frozen, so that readers get them without a copy.
 */
export interface Store {
  get(storage: string, namespace: string, name: string): JsonObject | undefined;
  /** Objects of a kind in the order of namespace and name. */
  list(storage: string, namespace?: string): readonly JsonObject[];
  /** Stores the object under a new resourceVersion and tells the watchers. Answers what was stored. */
  put(storage: string, object: JsonObject): JsonObject;
  remove(storage: string, object: JsonObject): JsonObject;
  /** The newest resourceVersion. */
  version(): number;
  /** Changes after `since`, or the oldest version from which one could start when `since` is too old. */
  since(storage: string, since: number): { readonly changes: readonly Change[] } | { readonly oldest: number };
  /** Forgets all history, so that every watch from an earlier version is answered 410. For tests. */
  compact(): void;
  subscribe(storage: string, listener: (change: Change) => void): () => void;
  storages(): readonly string[];
}

interface Kept {
  readonly objects: Map<string, JsonObject>;
  /** The objects in the order of their keys, by namespace ("" for all); empty after a change. */
  readonly lists: Map<string, readonly JsonObject[]>;
  readonly listeners: Set<(change: Change) => void>;
  history: Change[];
  /** The newest version that was forgotten. */
  forgotten: number;
}

const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;

export function createStore(options: StoreOptions = {}): Store {
  const historySize = options.historySize ?? 10_000;
  const kinds = new Map<string, Kept>();
  let counter = 1;

  const deliver = createQueue();
  const kept = (storage: string): Kept => {
    let found = kinds.get(storage);
    if (found === undefined) {
      found = { objects: new Map(), lists: new Map(), listeners: new Set(), history: [], forgotten: 0 };
      kinds.set(storage, found);
    }
    return found;
  };
  const record = (storage: string, type: Change["type"], object: JsonObject): JsonObject => {
    counter += 1;
    const stored = frozen(withValue(object, ["metadata", "resourceVersion"], String(counter)));
    const kind = kept(storage);
    const key = keyOf(namespaceOf(stored), nameOf(stored));
    const change: Change = { type, resourceVersion: counter, object: stored, previous: kind.objects.get(key) };
    if (type === "DELETED") kind.objects.delete(key);
    else kind.objects.set(key, stored);
    kind.lists.clear();
    remember(kind, change, historySize);
    deliver(() => {
      for (const listener of [...kind.listeners]) listener(change);
    });
    return stored;
  };

  return {
    get: (storage, namespace, name) => kinds.get(storage)?.objects.get(keyOf(namespace, name)),
    list: (storage, namespace) => sorted(kinds.get(storage), namespace),
    put(storage, object) {
      const known = kept(storage).objects.has(keyOf(namespaceOf(object), nameOf(object)));
      return record(storage, known ? "MODIFIED" : "ADDED", object);
    },
    remove: (storage, object) => record(storage, "DELETED", object),
    version: () => counter,
    since: (storage, since) => changesSince(kept(storage), since),
    compact: () => {
      for (const kind of kinds.values()) forget(kind, counter);
    },
    subscribe(storage, listener) {
      const { listeners } = kept(storage);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    storages: () => [...kinds.keys()],
  };
}

/** Runs actions one after another: one that is added by another waits until that is done. */
function createQueue(): (action: () => void) => void {
  // A listener may write; its change waits until every watcher has seen the one that came before.
  const pending: (() => void)[] = [];
  let draining = false;
  return (action) => {
    pending.push(action);
    if (draining) return;
    draining = true;
    try {
      for (let next = pending.shift(); next !== undefined; next = pending.shift()) next();
    } finally {
      draining = false;
    }
  };
}

function forget(kind: Kept, version: number): void {
  kind.history = [];
  kind.forgotten = version;
}

function remember(kind: Kept, change: Change, historySize: number): void {
  kind.history.push(change);
  // Trimmed in bulk, since shifting an array of this size for every write is slow.
  if (kind.history.length <= historySize * 1.25) return;
  const dropped = kind.history.splice(0, kind.history.length - historySize);
  kind.forgotten = dropped.at(-1)?.resourceVersion ?? kind.forgotten;
}

function changesSince(kind: Kept, since: number): { changes: readonly Change[] } | { oldest: number } {
  if (since < kind.forgotten) return { oldest: kind.forgotten };
  const { history } = kind;
  let low = 0;
  let high = history.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((history[middle]?.resourceVersion ?? 0) <= since) low = middle + 1;
    else high = middle;
  }
  return { changes: history.slice(low) };
}

function sorted(kind: Kept | undefined, namespace: string | undefined): readonly JsonObject[] {
  if (kind === undefined) return [];
  const prefix = namespace === undefined ? "" : `${namespace}/`;
  const known = kind.lists.get(prefix);
  if (known !== undefined) return known;
  const list = [...kind.objects.entries()]
    .filter(([key]) => key.startsWith(prefix))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, object]) => object);
  kind.lists.set(prefix, list);
  return list;
}
