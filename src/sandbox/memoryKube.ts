import { createApiServer } from "./apiserver/apiServer.ts";
import type { ApiServer, ApiServerOptions } from "./apiserver/apiServer.ts";
import type { Json, JsonObject } from "./apiserver/json.ts";
import type { Resource } from "./apiserver/resources.ts";
import { ApiError } from "./apiserver/status.ts";
import type { WatchEvent as ServerEvent } from "./apiserver/watch.ts";
import { KubeError, reasonOf } from "../kube/errors.ts";
import { FIELD_MANAGER } from "../kube/port.ts";
import type {
  Kube,
  KubeObject,
  ObjectRef,
  PatchOptions,
  ResourceKind,
  WatchEvent,
  WatchOptions,
} from "../kube/port.ts";

/** One call of the port, as the fault hook sees it before the call takes effect. */
export interface KubeCall {
  readonly verb:
    "get" | "list" | "watch" | "create" | "apply" | "jsonPatch" | "mergePatch" | "replace" | "delete" | "serves";
  readonly kind: ResourceKind;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** The object or patch of a write. */
  readonly body?: unknown;
}

export interface MemoryKubeOptions extends ApiServerOptions {
  /** Share an existing API, for instance with the HTTP server; a new one when left out. */
  readonly server?: ApiServer;
  /** Called before every call; what it throws is what the caller gets, and nothing is written. */
  readonly before?: (call: KubeCall) => void;
  /** Called after every write took effect; throwing stands for a crash, or an answer that was lost. */
  readonly after?: (call: KubeCall) => void;
}

export interface MemoryKube extends Kube {
  /** The API behind the port, for tests to arrange and look at things. */
  readonly server: ApiServer;
}

/**
 * The port on the in-memory API, in this process. Answers are deeply frozen. Calls settle in a later microtask, in
 * the order in which they were made.
 */
export function createMemoryKube(options: MemoryKubeOptions = {}): MemoryKube {
  const server = options.server ?? createApiServer(options);
  const perform = async <T>(
    call: KubeCall,
    signal: AbortSignal | undefined,
    action: (resource: Resource) => T,
  ): Promise<T> => {
    await Promise.resolve();
    signal?.throwIfAborted();
    options.before?.(call);
    const result = translating(() => action(server.resource(call.kind.group, call.kind.version, call.kind.plural)));
    if (WRITES.has(call.verb)) options.after?.(call);
    return result;
  };
  return { server, ...reads(server, perform, options), ...writes(server, perform) };
}

type Perform = <T>(call: KubeCall, signal: AbortSignal | undefined, action: (resource: Resource) => T) => Promise<T>;

const WRITES = new Set<KubeCall["verb"]>(["create", "apply", "jsonPatch", "mergePatch", "replace", "delete"]);

function translating<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw kubeError(error);
  }
}

function kubeError(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const { code, reason, message } = error.init;
  return new KubeError({ reason: reasonOf(code, reason), message, status: code, cause: error });
}

const typed = <T extends KubeObject>(object: JsonObject): T => object as unknown as T;
const json = (value: unknown): Json => value as Json;

function callOf(verb: KubeCall["verb"], kind: ResourceKind, ref?: Partial<ObjectRef>, body?: unknown): KubeCall {
  return { verb, kind, namespace: ref?.namespace, name: ref?.name, ...(body === undefined ? {} : { body }) };
}

const absentIsUndefined = (error: unknown): undefined => {
  if (error instanceof KubeError && error.reason === "NotFound") return undefined;
  throw error;
};

function reads(
  server: ApiServer,
  perform: Perform,
  options: MemoryKubeOptions,
): Pick<Kube, "get" | "list" | "watch" | "serves"> {
  return {
    get: <T extends KubeObject>(kind: ResourceKind, ref: ObjectRef, { signal }: { signal?: AbortSignal } = {}) =>
      perform(callOf("get", kind, ref), signal, (resource) => server.find(resource, ref) as T | undefined).catch(
        absentIsUndefined,
      ),
    list: <T extends KubeObject>(kind: ResourceKind, query: Parameters<Kube["list"]>[1] = {}) =>
      perform(callOf("list", kind, query), query.signal, (resource) => {
        const { items, resourceVersion } = server.list(resource, query);
        return { items: items.map((item) => typed<T>(seenBy(kind, item))), resourceVersion };
      }),
    watch: <T extends KubeObject>(kind: ResourceKind, query: WatchOptions) => {
      const start = () => {
        options.before?.(callOf("watch", kind, query));
        return translating(() => server.resource(kind.group, kind.version, kind.plural));
      };
      return watchEvents<T>(server, start, { ...query, kind });
    },
    async serves(kind, { signal } = {}) {
      await Promise.resolve();
      signal?.throwIfAborted();
      options.before?.(callOf("serves", kind));
      return server.registry.find(kind.group, kind.version, kind.plural) !== undefined;
    },
  };
}

const by = { fieldManager: FIELD_MANAGER };

function patchingWith(server: ApiServer, perform: Perform) {
  return <T extends KubeObject>(
    call: KubeCall,
    type: "json" | "merge",
    { signal, subresource, strict = false }: PatchOptions = {},
  ) =>
    perform(call, signal, (resource) => {
      const ref = { namespace: call.namespace, name: call.name ?? "" };
      return typed<T>(
        server.patch(
          resource,
          ref,
          { type, body: json(call.body) },
          { ...by, subresource, ...(strict ? { fieldValidation: "Strict" } : {}) },
        ).object,
      );
    });
}

function writes(
  server: ApiServer,
  perform: Perform,
): Pick<Kube, "create" | "apply" | "jsonPatch" | "mergePatch" | "replace" | "delete"> {
  const patching = patchingWith(server, perform);
  return {
    create: <T extends KubeObject>(kind: ResourceKind, object: T, { signal }: { signal?: AbortSignal } = {}) =>
      perform(callOf("create", kind, object.metadata, object), signal, (resource) =>
        typed<T>(server.create(resource, object.metadata.namespace, json(object), by).object),
      ),
    apply: <T extends KubeObject>(
      kind: ResourceKind,
      object: T,
      { signal, force }: { signal?: AbortSignal; force?: boolean } = {},
    ) =>
      perform(callOf("apply", kind, object.metadata, object), signal, (resource) =>
        typed<T>(
          server.patch(resource, object.metadata, { type: "apply", body: json(object), force: force === true }, by)
            .object,
        ),
      ),
    jsonPatch: (kind, ref, operations, patchOptions) =>
      patching(callOf("jsonPatch", kind, ref, operations), "json", patchOptions),
    mergePatch: (kind, ref, body, patchOptions) =>
      patching(callOf("mergePatch", kind, ref, body), "merge", patchOptions),
    replace: <T extends KubeObject>(kind: ResourceKind, object: T, { signal }: { signal?: AbortSignal } = {}) =>
      perform(callOf("replace", kind, object.metadata, object), signal, (resource) =>
        typed<T>(server.update(resource, object.metadata, json(object), by).object),
      ),
    async delete(kind, ref, { signal, uid, propagation } = {}) {
      const call = callOf("delete", kind, ref);
      await perform(call, signal, (resource) => server.delete(resource, ref, { uid, propagation })).catch(
        absentIsUndefined,
      );
    },
  };
}

async function* watchEvents<T extends KubeObject>(
  server: ApiServer,
  start: () => Resource,
  query: WatchOptions & { readonly kind: ResourceKind },
): AsyncGenerator<WatchEvent<T>> {
  await Promise.resolve();
  query.signal?.throwIfAborted();
  const resource = start();
  const waiting: ServerEvent[] = [];
  let wake: () => void = () => undefined;
  let ended = false;
  const end = () => {
    ended = true;
    wake();
  };
  const handle = translating(() =>
    server.watch(resource, query, (event) => {
      waiting.push(event);
      wake();
    }),
  );
  const timer = query.timeoutSeconds === undefined ? undefined : setTimeout(end, query.timeoutSeconds * 1000);
  query.signal?.addEventListener("abort", end);
  try {
    while (!ended || waiting.length > 0) {
      query.signal?.throwIfAborted();
      const next = waiting.shift();
      if (next !== undefined) yield portEvent<T>(query.kind, next);
      else await new Promise<void>((resolve) => (wake = resolve));
    }
    query.signal?.throwIfAborted();
    if (timer !== undefined) yield portEvent<T>(query.kind, handle.bookmark());
  } finally {
    clearTimeout(timer);
    query.signal?.removeEventListener("abort", end);
    handle.stop();
  }
}

/** Lists and watches of some kinds bring metadata alone. */
function seenBy({ metadataOnly }: ResourceKind, object: JsonObject): JsonObject {
  if (metadataOnly !== true) return object;
  const { apiVersion = "", kind = "", metadata = {} } = object;
  return { apiVersion, kind, metadata };
}

function portEvent<T extends KubeObject>(kind: ResourceKind, event: ServerEvent): WatchEvent<T> {
  const object = typed<T>(event.type === "BOOKMARK" ? event.object : seenBy(kind, event.object));
  if (event.type !== "BOOKMARK") return { type: event.type, object };
  return { type: "BOOKMARK", resourceVersion: object.metadata.resourceVersion ?? "" };
}
