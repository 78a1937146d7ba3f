import type { KubeObject, ResourceKind } from "./port.ts";

/** Key of an object in a cache: `namespace/name`, or `name` for cluster-scoped kinds. */
export type ObjectKey = string;

export function keyOf(object: { metadata: { namespace?: string; name: string } }): ObjectKey {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** A read-only view on what the API server holds of one kind, kept current by a watch. */
export interface Cache<T extends KubeObject> {
  readonly kind: ResourceKind;
  /** `synced` once the first list is in; `absent` while the API server does not serve the kind. */
  readonly state: "starting" | "synced" | "absent";
  /** Why it has never been filled, while it has not: the last answer to its list, and for how long it has failed. */
  failure(): CacheFailure | undefined;
  get(key: ObjectKey): T | undefined;
  /** All objects, or those of one namespace (indexed, so cheap). */
  list(namespace?: string): readonly T[];
  /** Milliseconds since the server was last heard of on this watch, for readiness and metrics. */
  lastContactAgeMs(): number;
}

export interface CacheFailure {
  readonly message: string;
  /** The API server answered that this controller may not. */
  readonly forbidden: boolean;
  readonly forMs: number;
}

/** What changed in a cache. `before` is absent for a new object, `after` for a deleted one. */
export interface CacheChange<T extends KubeObject> {
  readonly before: T | undefined;
  readonly after: T | undefined;
}

/** Starts and shares one cache for each kind; a second request for the same kind gets the same cache. */
export interface Informers {
  /**
   * The cache of a kind; the watch begins with the first request for it.
   * `keep` reduces an object to what is used, before it is stored (drop managedFields and the like).
   */
  cache<T extends KubeObject>(kind: ResourceKind, options?: { readonly keep?: (object: T) => T }): Cache<T>;
  /** Called after a change is visible in the cache. A listener that throws is logged and cannot hurt the stream. */
  onChange<T extends KubeObject>(kind: ResourceKind, listener: (change: CacheChange<T>) => void): void;
  /** Resolves when every cache that was asked for is synced, absent or refused. */
  ready(signal?: AbortSignal): Promise<void>;
  /** Ends all watches. No listener is called afterwards. */
  stop(): Promise<void>;
}
