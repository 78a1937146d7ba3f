/**
 * The narrow port through which Aviary speaks to a Kubernetes API.
 *
 * Two implementations pass one contract suite: the real client (`client.ts`) and the in-memory API of the sandbox.
 * Everything above this file (reflector, caches, observe, act, report) is written against these types alone.
 */

/** Names a kind of object by how the API server addresses it. */
export interface ResourceKind {
  /** API group; empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower-case plural as it stands in URLs, such as `httproutes`. */
  readonly plural: string;
  readonly namespaced: boolean;
  /**
   * Lists and watches bring metadata alone, so that values lie neither on the wire nor in a cache; `get` brings the
   * whole object.
   */
  readonly metadataOnly?: true;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly generateName?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly unknown[];
}

/** Any Kubernetes object. Callers narrow it with the types in `objects.ts` or with a schema. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** Which object of a kind. `namespace` is left out for cluster-scoped kinds. */
export interface ObjectRef {
  readonly namespace?: string;
  readonly name: string;
}

/** RFC 6902. `test` operations make a patch safe against what was not seen. */
export type PatchOperation =
  | { readonly op: "test" | "add" | "replace"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string };

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface ListOptions extends CallOptions {
  /** All namespaces when left out. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Objects a page; the port follows `continue` itself. Default 500. */
  readonly pageSize?: number;
}

export interface ObjectList<T> {
  readonly items: readonly T[];
  /** Where a watch that misses nothing starts. */
  readonly resourceVersion: string;
}

export interface WatchOptions extends CallOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion: string;
  /** Seconds after which the server ends the watch cleanly. */
  readonly timeoutSeconds?: number;
}

export type WatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

export interface PatchOptions extends CallOptions {
  readonly subresource?: "status" | "scale";
  /** Refuses the patch as Invalid when it brings a field that the API does not know; otherwise that is dropped. */
  readonly strict?: boolean;
}

export interface ApplyOptions extends CallOptions {
  /** Take over fields that another manager owns. Only for objects that Aviary made. */
  readonly force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** Delete only this incarnation of the object. */
  readonly uid?: string;
  readonly propagation?: "Background" | "Foreground" | "Orphan";
}

/**
 * The port. Every method rejects with a `KubeError` (see `errors.ts`) and nothing else, except for `AbortError` when
 * the signal is aborted. `get` answers `undefined` for 404; `delete` of an absent object succeeds.
 */
export interface Kube {
  get<T extends KubeObject>(kind: ResourceKind, ref: ObjectRef, options?: CallOptions): Promise<T | undefined>;
  list<T extends KubeObject>(kind: ResourceKind, options?: ListOptions): Promise<ObjectList<T>>;
  /** Ends (returns) when the server ends the stream; throws `KubeError` with code 410 when the version is too old. */
  watch<T extends KubeObject>(kind: ResourceKind, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(kind: ResourceKind, object: T, options?: CallOptions): Promise<T>;
  /**
   * Server-side apply with the field manager `aviary`, of exactly the fields that are to be ours: an object that was read
   * (it has managedFields) is refused as Invalid.
   */
  apply<T extends KubeObject>(kind: ResourceKind, object: T, options?: ApplyOptions): Promise<T>;
  jsonPatch<T extends KubeObject>(
    kind: ResourceKind,
    ref: ObjectRef,
    operations: readonly PatchOperation[],
    options?: PatchOptions,
  ): Promise<T>;
  mergePatch<T extends KubeObject>(
    kind: ResourceKind,
    ref: ObjectRef,
    patch: Readonly<Record<string, unknown>>,
    options?: PatchOptions,
  ): Promise<T>;
  /** Full replacement, guarded by the object's resourceVersion. Used by leader election. */
  replace<T extends KubeObject>(kind: ResourceKind, object: T, options?: CallOptions): Promise<T>;
  delete(kind: ResourceKind, ref: ObjectRef, options?: DeleteOptions): Promise<void>;
  /** Whether the API server serves this kind now. Not cached. */
  serves(kind: ResourceKind, options?: CallOptions): Promise<boolean>;
}

/** The field manager under which Aviary writes. */
export const FIELD_MANAGER = "aviary";
