import { arrayOf, at, metaOf, nameOf, namespaceOf, numberOf, objectOf, stringOf, withValue } from "./json.ts";
import type { JsonObject } from "./json.ts";
import type { Context } from "./context.ts";
import type { Location } from "./owners.ts";

export interface DeletionOptions {
  readonly propagation?: "Background" | "Foreground" | "Orphan" | undefined;
  /** Seconds; 0 removes a pod at once. */
  readonly gracePeriodSeconds?: number | undefined;
}

export interface Deletion {
  readonly object: JsonObject;
  /** False while finalizers, or a pod's kubelet, hold the object back. */
  readonly gone: boolean;
}

const PODS = "/pods";
const NAMESPACES = "/namespaces";
const DEFINITIONS = "apiextensions.k8s.io/customresourcedefinitions";

/**
 * Deletes what is stored: at once, or, with finalizers, by marking it. A pod on a node is only marked, too, as on a
 * real cluster: whoever plays the kubelet ends it with a second delete of grace period 0.
 */
export function deleteStored(
  context: Context,
  storage: string,
  object: JsonObject,
  options: DeletionOptions,
): Deletion {
  if (options.propagation === "Orphan") orphanDependents(context, object);
  if (options.propagation === "Foreground") deleteDependents(context, object);
  const grace = graceOf(storage, object, options);
  const held = arrayOf(metaOf(object)["finalizers"]).length > 0 || grace > 0 || holdsContent(context, storage, object);
  if (!held) return { object: remove(context, storage, object), gone: true };
  const marked = isMarked(object, grace) ? object : mark(context, storage, object, grace);
  if (storage === NAMESPACES) emptyNamespace(context, nameOf(object));
  if (storage === DEFINITIONS) emptyDefinition(context, marked);
  const left = context.store.get(storage, namespaceOf(object), nameOf(object));
  return { object: left ?? marked, gone: left === undefined };
}

/** Whether the object is already being deleted, with no more time than asked for now. */
function isMarked(object: JsonObject, grace: number): boolean {
  const meta = metaOf(object);
  if (meta["deletionTimestamp"] === undefined) return false;
  return (numberOf(meta["deletionGracePeriodSeconds"]) ?? 0) <= grace;
}

function graceOf(storage: string, pod: JsonObject, options: DeletionOptions): number {
  if (storage !== PODS || options.gracePeriodSeconds === 0 || stringOf(at(pod, "spec", "nodeName")) === "") return 0;
  const phase = at(pod, "status", "phase");
  if (phase === "Succeeded" || phase === "Failed") return 0;
  return options.gracePeriodSeconds ?? numberOf(at(pod, "spec", "terminationGracePeriodSeconds")) ?? 30;
}

function holdsContent(context: Context, storage: string, object: JsonObject): boolean {
  if (storage === NAMESPACES) return contentOf(context, nameOf(object)).length > 0;
  return storage === DEFINITIONS && context.store.list(storageOfDefinition(object)).length > 0;
}

function mark(context: Context, storage: string, object: JsonObject, grace: number): JsonObject {
  const meta = metaOf(object);
  const generation = numberOf(meta["generation"]);
  const deletion = new Date(context.now() + grace * 1000).toISOString();
  const metadata = {
    ...meta,
    deletionTimestamp: `${deletion.slice(0, 19)}Z`,
    deletionGracePeriodSeconds: grace,
    ...(generation === undefined ? {} : { generation: generation + 1 }),
  };
  const terminating = storage === NAMESPACES ? { status: { ...objectOf(object["status"]), phase: "Terminating" } } : {};
  return context.store.put(storage, { ...object, ...terminating, metadata });
}

/** Removes an object whose last finalizer went, unless something else still holds it. */
export function finishIfFinalized(context: Context, storage: string, object: JsonObject): JsonObject {
  const waitsForKubelet = storage === PODS && (numberOf(metaOf(object)["deletionGracePeriodSeconds"]) ?? 0) > 0;
  if (waitsForKubelet || holdsContent(context, storage, object)) return object;
  return remove(context, storage, object);
}

function remove(context: Context, storage: string, object: JsonObject): JsonObject {
  const removed = context.store.remove(storage, object);
  context.owners.delete(storage, object);
  if (storage === DEFINITIONS) context.registry.setCustom(nameOf(object), []);
  collectDependents(context, object);
  finishContainers(context, storage, object);
  return removed;
}

/** A namespace or definition that was waiting for its content ends with the last of it. */
function finishContainers(context: Context, storage: string, object: JsonObject): void {
  const namespace = context.store.get(NAMESPACES, "", namespaceOf(object));
  if (namespace !== undefined) finishWaiting(context, NAMESPACES, namespace);
  for (const definition of context.store.list(DEFINITIONS)) {
    if (storageOfDefinition(definition) === storage) finishWaiting(context, DEFINITIONS, definition);
  }
}

function finishWaiting(context: Context, storage: string, object: JsonObject): void {
  const meta = metaOf(object);
  if (meta["deletionTimestamp"] === undefined || arrayOf(meta["finalizers"]).length > 0) return;
  finishIfFinalized(context, storage, object);
}

function storageOfDefinition(definition: JsonObject): string {
  return `${stringOf(at(definition, "spec", "group"))}/${stringOf(at(definition, "spec", "names", "plural"))}`;
}

function contentOf(context: Context, namespace: string): readonly Location[] {
  return context.store
    .storages()
    .flatMap((storage) =>
      context.store.list(storage, namespace).map((object) => ({ storage, namespace, name: nameOf(object) })),
    );
}

function emptyNamespace(context: Context, namespace: string): void {
  for (const location of contentOf(context, namespace)) deleteAt(context, location);
}

function emptyDefinition(context: Context, definition: JsonObject): void {
  const storage = storageOfDefinition(definition);
  for (const object of context.store.list(storage)) {
    deleteAt(context, { storage, namespace: namespaceOf(object), name: nameOf(object) });
  }
}

function deleteAt(context: Context, location: Location): void {
  const object = context.store.get(location.storage, location.namespace, location.name);
  if (object !== undefined) deleteStored(context, location.storage, object, {});
}

const uidOf = (object: JsonObject): string => stringOf(metaOf(object)["uid"]);

function deleteDependents(context: Context, owner: JsonObject): void {
  for (const location of context.owners.dependentsOf(uidOf(owner))) deleteAt(context, location);
}

/** Background garbage collection: a dependent goes with its last owner; with others left it only loses the reference. */
function collectDependents(context: Context, owner: JsonObject): void {
  for (const location of context.owners.dependentsOf(uidOf(owner))) {
    const dependent = context.store.get(location.storage, location.namespace, location.name);
    if (dependent === undefined) continue;
    if (arrayOf(metaOf(dependent)["ownerReferences"]).length <= 1) deleteAt(context, location);
    else dropReference(context, location, dependent, uidOf(owner));
  }
}

function orphanDependents(context: Context, owner: JsonObject): void {
  for (const location of context.owners.dependentsOf(uidOf(owner))) {
    const dependent = context.store.get(location.storage, location.namespace, location.name);
    if (dependent !== undefined) dropReference(context, location, dependent, uidOf(owner));
  }
}

function dropReference(context: Context, location: Location, object: JsonObject, uid: string): void {
  const left = arrayOf(metaOf(object)["ownerReferences"]).filter((reference) => objectOf(reference)["uid"] !== uid);
  const path = ["metadata", "ownerReferences"];
  const next = withValue(object, path, left.length === 0 ? undefined : left);
  context.owners.set(location.storage, context.store.put(location.storage, next));
}
