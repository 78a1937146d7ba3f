import type { FreshReads } from "../kube/fresh.ts";
import type { Kube, KubeObject, ObjectRef, PatchOperation, ResourceKind } from "../kube/port.ts";
import { isOurs, LEFT_ALONE } from "../lib/names.ts";
import { assertForeignPatch } from "./foreignFields.ts";
import { InvariantError } from "./invariants.ts";

/**
 * The one way by which `act` writes. It knows whose object is whose, and it remembers every write until the watch has
 * caught up, so that the next look does not see the world before its own last change.
 */
export interface Writer {
  /** The whole of an object, of which the caches hold metadata alone; undefined when it is not there. */
  read<T extends KubeObject>(kind: ResourceKind, ref: ObjectRef): Promise<T | undefined>;
  /** Server-side apply of an object that is ours, or that does not exist yet. */
  apply(kind: ResourceKind, object: KubeObject): Promise<void>;
  /** JSON Patch; of a foreign object only the fields of the closed list. */
  patch(
    kind: ResourceKind,
    object: KubeObject,
    operations: readonly PatchOperation[],
    options?: { readonly strict?: boolean },
  ): Promise<void>;
  /** Deletes an object that is ours. */
  remove(kind: ResourceKind, object: KubeObject): Promise<void>;
}

export interface WriterOptions {
  readonly kube: Kube;
  readonly reads: FreshReads;
  readonly signal: AbortSignal;
}

export function createWriter({ kube, reads, signal }: WriterOptions): Writer {
  return {
    read: (kind, ref) => kube.get(kind, ref, { signal }),
    async apply(kind, object) {
      const existing = reads.get(kind, refOf(object));
      if (existing !== undefined && !isOurs(existing)) throw foreign("apply", kind, existing);
      const marked = leftAlone(object);
      reads.noteWrite(kind, await kube.apply(kind, marked, { force: existing !== undefined, signal }));
    },
    async patch(kind, object, operations, { strict = false } = {}) {
      if (operations.length === 0) return;
      if (!isOurs(object)) assertForeignPatch(kind, operations);
      reads.noteWrite(kind, await kube.jsonPatch(kind, refOf(object), operations, { signal, strict }));
    },
    async remove(kind, object) {
      if (!isOurs(object)) throw foreign("delete", kind, object);
      const { uid } = object.metadata;
      await kube.delete(kind, refOf(object), {
        ...(uid === undefined ? {} : { uid }),
        propagation: "Background",
        signal,
      });
      reads.noteDelete(kind, object);
    },
  };
}

/**
 * Lets a patch fail that would add a map or a list which was not there when it was looked at: RFC 6902 has no test for
 * absence, and what somebody else has begun since would be wiped out.
 */
export function asLookedAt({ metadata }: KubeObject): PatchOperation {
  return { op: "test", path: "/metadata/resourceVersion", value: metadata.resourceVersion };
}

/** What is ours is nobody else's to apply, prune or compare. */
function leftAlone<T extends KubeObject>(object: T): T {
  const annotations = { ...object.metadata.annotations, ...LEFT_ALONE };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

function refOf(object: KubeObject): ObjectRef {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? { name } : { namespace, name };
}

function foreign(verb: string, kind: ResourceKind, object: KubeObject): InvariantError {
  const what = `${kind.kind} ${object.metadata.namespace ?? ""}/${object.metadata.name}`;
  return new InvariantError("objects that Aviary did not make are only patched", `${verb} of ${what}`);
}
