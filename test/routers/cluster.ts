import { applyPatch, type Operation } from "rfc6902";
import type { KubeObject } from "../../src/kube/port.ts";
import { routeKey, type RouteWrite } from "../../src/routers/router.ts";

export type Objects = Map<string, KubeObject>;

interface Stored extends KubeObject {
  readonly spec?: Record<string, unknown>;
}

/** Objects by the key that routers look them up with. */
export function objectsOf(objects: readonly KubeObject[]): Objects {
  return new Map(
    objects.map((object) => [`${object.kind}/${object.metadata.namespace ?? ""}/${object.metadata.name}`, object]),
  );
}

/** Does to objects what an API server would; throws when a patch is refused. */
export function applyWrites(objects: Objects, writes: readonly RouteWrite[]): Objects {
  const next = new Map(objects);
  for (const write of writes) {
    const key = routeKey(write.ref);
    const before = next.get(key) as Stored | undefined;
    if (write.type === "delete") {
      if (before?.metadata.uid !== write.uid) throw new Error(`${key} has another uid`);
      next.delete(key);
    } else {
      const changed = write.type === "apply" ? applied(write.object, before) : patched(before, write.operations, key);
      next.set(key, stored(changed, before));
    }
  }
  return next;
}

function patched(before: Stored | undefined, operations: readonly unknown[], key: string): Stored {
  if (before === undefined) throw new Error(`${key} is not there`);
  const after = structuredClone(before);
  const failure = applyPatch(after, operations as Operation[]).find((error) => error !== null);
  if (failure !== undefined) throw failure;
  return after;
}

/** Server-side apply by the owner of everything in `spec` and of all annotations. */
function applied(object: Stored, before: Stored | undefined): Stored {
  const metadata = {
    ...before?.metadata,
    ...object.metadata,
    labels: { ...before?.metadata.labels, ...object.metadata.labels },
    annotations: { ...object.metadata.annotations },
  };
  return withDefaults({ ...before, ...structuredClone(object), metadata });
}

/** Fills in what the API server does, so that a router that compares too strictly is found out. */
function withDefaults(object: Stored): Stored {
  if (object.kind !== "HTTPRoute") return object;
  const rules = (object.spec?.["rules"] ?? []) as Record<string, unknown>[];
  const matches = [{ path: { type: "PathPrefix", value: "/" } }];
  return { ...object, spec: { ...object.spec, rules: rules.map((rule) => ({ matches, ...rule })) } };
}

function stored(after: Stored, before: Stored | undefined): Stored {
  const { annotations, ...metadata } = after.metadata;
  const changedSpec = JSON.stringify(after.spec) !== JSON.stringify(before?.spec);
  return {
    ...after,
    metadata: {
      ...metadata,
      ...(annotations === undefined || Object.keys(annotations).length === 0 ? {} : { annotations }),
      uid: before?.metadata.uid ?? `uid-of-${after.metadata.name}`,
      resourceVersion: String(Number(before?.metadata.resourceVersion ?? 0) + 1),
      generation: (before?.metadata.generation ?? 0) + (changedSpec ? 1 : 0),
    },
  };
}

/** An object as JSON without what every write changes. */
export function contentOf(object: KubeObject | undefined): string {
  if (object === undefined) return "absent";
  const { resourceVersion: _version, generation: _generation, annotations, ...metadata } = object.metadata;
  return JSON.stringify({ ...object, metadata: { ...metadata, annotations } });
}
