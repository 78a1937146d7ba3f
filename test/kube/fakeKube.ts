import { abortError, onAbort } from "../../src/kube/abort.ts";
import { KubeError } from "../../src/kube/errors.ts";
import type { CallOptions, Kube, KubeObject, ObjectRef, ResourceKind } from "../../src/kube/port.ts";

/**
 * Get, create, replace and merge patch of a handful of objects with real conflict rules, and switches to make it fail.
 * For tests of what needs nothing more; the in-memory API of the sandbox is the whole thing.
 */
export interface FakeKube {
  readonly kube: Kube;
  readonly objects: ReadonlyMap<string, KubeObject>;
  /** Every write that was handled: verb and object. */
  readonly writes: readonly { readonly verb: string; readonly object: KubeObject }[];
  /** `fail` answers with an error, `hang` not at all, `lose` handles the call and loses the answer. */
  mode: "work" | "fail" | "hang" | "lose";
}

export function createFakeKube(): FakeKube {
  const objects = new Map<string, KubeObject>();
  const writes: { verb: string; object: KubeObject }[] = [];
  let version = 0;
  const idOf = (kind: ResourceKind, { namespace, name }: ObjectRef): string =>
    `${kind.kind} ${namespace ?? ""}/${name}`;
  const refused = (reason: "NotFound" | "Conflict" | "AlreadyExists" | "Unavailable", status: number): KubeError =>
    new KubeError({ reason, status, message: reason });

  const store = (verb: string, id: string, object: KubeObject): KubeObject => {
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++version) } };
    objects.set(id, stored);
    writes.push({ verb, object: stored });
    return stored;
  };
  const perform = async <T>(options: CallOptions | undefined, work: () => T): Promise<T> => {
    await Promise.resolve();
    if (options?.signal?.aborted === true) throw abortError(options.signal);
    if (fake.mode === "fail") throw refused("Unavailable", 503);
    if (fake.mode === "hang") {
      await new Promise((_, reject) => onAbort(options?.signal, () => reject(abortError(options?.signal))));
    }
    const result = work();
    if (fake.mode === "lose") throw refused("Unavailable", 0);
    return result;
  };

  const kube = {
    get: (kind: ResourceKind, ref: ObjectRef, options?: CallOptions) =>
      perform(options, () => objects.get(idOf(kind, ref))),
    create: (kind: ResourceKind, object: KubeObject, options?: CallOptions) =>
      perform(options, () => {
        const id = idOf(kind, object.metadata);
        if (objects.has(id)) throw refused("AlreadyExists", 409);
        return store("create", id, object);
      }),
    replace: (kind: ResourceKind, object: KubeObject, options?: CallOptions) =>
      perform(options, () => {
        const id = idOf(kind, object.metadata);
        const held = objects.get(id);
        if (held === undefined) throw refused("NotFound", 404);
        if (held.metadata.resourceVersion !== object.metadata.resourceVersion) throw refused("Conflict", 409);
        return store("replace", id, object);
      }),
    mergePatch: (kind: ResourceKind, ref: ObjectRef, patch: Record<string, unknown>, options?: CallOptions) =>
      perform(options, () => {
        const held = objects.get(idOf(kind, ref));
        if (held === undefined) throw refused("NotFound", 404);
        return store("patch", idOf(kind, ref), { ...held, ...patch });
      }),
    /** Not of the port: what a garbage collector does. */
    forget: () => objects.clear(),
  };
  const fake: FakeKube & { mode: FakeKube["mode"] } = { kube: kube as unknown as Kube, objects, writes, mode: "work" };
  return fake;
}
