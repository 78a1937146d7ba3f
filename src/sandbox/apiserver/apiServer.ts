import { createContext } from "./context.ts";
import type { ApiServerOptions, Context, Ref, WriteOptions, Written } from "./context.ts";
import { served } from "./conversion.ts";
import { deleteStored } from "./deletion.ts";
import type { Deletion, DeletionOptions } from "./deletion.ts";
import { metaOf, nameOf, namespaceOf, stringOf } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { listObjects } from "./list.ts";
import type { ListAnswer, ListRequest } from "./list.ts";
import { jsonPatch, mergePatch } from "./patch.ts";
import { patch } from "./patchRequest.ts";
import type { PatchRequest } from "./patchRequest.ts";
import type { Registry, Resource, ScalePaths } from "./resources.ts";
import { scaleOf, withScale } from "./scale.ts";
import { predicateOf } from "./selectors.ts";
import type { Selectors } from "./selectors.ts";
import { badRequest, conflict, invalid, noSuchResource } from "./status.ts";
import type { Store } from "./store.ts";
import { watchStore } from "./watch.ts";
import type { WatchEvent, WatchHandle } from "./watch.ts";
import { create, current, find, update } from "./write.ts";

export type { ApiServerOptions, Ref, WriteOptions, Written } from "./context.ts";

export interface WatchQuery extends Selectors {
  readonly namespace?: string | undefined;
  /** Empty or "0": the present state as ADDED events first. */
  readonly resourceVersion?: string | undefined;
  readonly sendInitialEvents?: boolean | undefined;
}

export interface DeleteRequest extends DeletionOptions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

/**
 * A Kubernetes API in memory, without transport: for trying, testing and simulating, not for production.
 * Every operation is synchronous and throws `ApiError`. Objects that come out are deeply frozen.
 */
export interface ApiServer {
  readonly registry: Registry;
  readonly store: Store;
  readonly now: () => number;
  /** Finds a served resource; throws 404. */
  resource(group: string, version: string, plural: string): Resource;
  get(resource: Resource, ref: Ref, subresource?: string): JsonObject;
  /** As `get`, for who expects that it may be absent: an exception and its stack cost more than the look-up. */
  find(resource: Resource, ref: Ref): JsonObject | undefined;
  list(resource: Resource, request?: ListRequest): ListAnswer;
  /** Past events are sent before this returns, later ones as the writes happen. */
  watch(resource: Resource, query: WatchQuery, send: (event: WatchEvent) => void): WatchHandle;
  create(resource: Resource, namespace: string | undefined, body: Json, options?: WriteOptions): Written;
  update(resource: Resource, ref: Ref, body: Json, options?: WriteOptions): Written;
  patch(resource: Resource, ref: Ref, request: PatchRequest, options?: WriteOptions): Written;
  delete(resource: Resource, ref: Ref, request?: DeleteRequest): Deletion;
  /** Deletes what a list with these selectors would answer. */
  deleteCollection(resource: Resource, request: ListRequest, options?: DeleteRequest): readonly JsonObject[];
}

export function createApiServer(options: ApiServerOptions = {}): ApiServer {
  const context = createContext(options);
  const server: ApiServer = {
    registry: context.registry,
    store: context.store,
    now: context.now,
    resource(group, version, plural) {
      const found = context.registry.find(group, version, plural);
      if (found === undefined) throw noSuchResource();
      return found;
    },
    get(resource, ref, subresource) {
      const object = current(context, resource, ref);
      return subresource === "scale" ? scaleOf(resource, scalePaths(resource), object) : object;
    },
    find: (resource, ref) => find(context, resource, ref),
    list: (resource, request = {}) => listObjects(context, resource, request),
    watch: (resource, query, send) => watchServed(context, resource, query, send),
    create: (resource, namespace, body, writeOptions = {}) =>
      create(context, resource, { namespace, body }, writeOptions),
    update: (resource, ref, body, writeOptions = {}) => updateAny(context, resource, ref, body, writeOptions),
    patch(resource, ref, request, writeOptions = {}) {
      if (writeOptions.subresource !== "scale") {
        checkSubresource(resource, writeOptions.subresource);
        return patch(context, resource, ref, request, writeOptions);
      }
      return patchScale(context, resource, ref, request, writeOptions);
    },
    delete: (resource, ref, request = {}) => deleteOne(context, resource, ref, request),
    deleteCollection: (resource, request, deleteOptions = {}) =>
      listObjects(context, resource, { ...request, limit: undefined }).items.map((item) => {
        const ref = { namespace: namespaceOf(item), name: nameOf(item) };
        return deleteOne(context, resource, ref, deleteOptions).object;
      }),
  };
  bootstrap(server, options);
  return server;
}

function watchServed(
  context: Context,
  resource: Resource,
  query: WatchQuery,
  send: (event: WatchEvent) => void,
): WatchHandle {
  const accepts = predicateOf(resource, query);
  const request = { ...query, accepts: (object: JsonObject) => accepts(served(resource, object)) };
  return watchStore(context.store, resource, request, (event) => {
    send(event.type === "BOOKMARK" ? event : { type: event.type, object: served(resource, event.object) });
  });
}

function bootstrap(server: ApiServer, options: ApiServerOptions): void {
  const namespaces = server.resource("", "v1", "namespaces");
  for (const name of new Set(["default", "kube-system", ...(options.namespaces ?? [])])) {
    server.create(namespaces, undefined, { metadata: { name } }, { fieldManager: "sandbox" });
  }
}

function checkSubresource(resource: Resource, subresource: string | undefined): void {
  if (subresource === undefined || (subresource === "status" && resource.status)) return;
  throw noSuchResource();
}

function scalePaths(resource: Resource): ScalePaths {
  if (resource.scale === undefined) throw noSuchResource();
  return resource.scale;
}

function updateAny(context: Context, resource: Resource, ref: Ref, body: Json, options: WriteOptions): Written {
  const old = current(context, resource, ref);
  if (options.subresource === "scale") return replaceScale(context, resource, { ref, old, scale: body }, options);
  checkSubresource(resource, options.subresource);
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw badRequest("the body is not an object");
  const next = body as JsonObject;
  if (!resource.builtin && stringOf(metaOf(next)["resourceVersion"]) === "") {
    // Custom resources cannot be replaced unseen.
    const detail = "must be specified for an update";
    const error = { type: "FieldValueInvalid", field: "metadata.resourceVersion", value: 0, detail } as const;
    throw invalid({ ...resource, kind: resource.plural }, ref.name, [error]);
  }
  return update(context, resource, { ref, old, next }, options);
}

interface Scaling {
  readonly ref: Ref;
  readonly old: JsonObject;
  readonly scale: Json;
}

function replaceScale(context: Context, resource: Resource, scaling: Scaling, options: WriteOptions): Written {
  const paths = scalePaths(resource);
  const { ref, old } = scaling;
  const next = withScale(paths, old, scaling.scale as JsonObject);
  const written = update(context, resource, { ref, old, next }, { ...options, subresource: undefined });
  return { ...written, object: scaleOf(resource, paths, written.object) };
}

function patchScale(
  context: Context,
  resource: Resource,
  ref: Ref,
  request: PatchRequest,
  options: WriteOptions,
): Written {
  const old = current(context, resource, ref);
  const scale = scaleOf(resource, scalePaths(resource), old);
  const next = request.type === "json" ? jsonPatch(scale, request.body) : mergePatch(scale, request.body);
  return replaceScale(context, resource, { ref, old, scale: next }, options);
}

function deleteOne(context: Context, resource: Resource, ref: Ref, request: DeleteRequest): Deletion {
  const object = current(context, resource, ref);
  const meta = metaOf(object);
  const differs = (key: "uid" | "resourceVersion") =>
    request[key] !== undefined && request[key] !== "" && request[key] !== stringOf(meta[key]);
  if (differs("uid")) {
    const [wanted, known] = [request.uid ?? "", stringOf(meta["uid"])];
    const why = `the UID in the precondition (${wanted}) does not match the UID in record (${known}). The object might have been deleted and then recreated`;
    throw conflict({ ...resource, plural: resource.kind }, ref.name, why);
  }
  if (differs("resourceVersion")) {
    const why = `Precondition failed: ResourceVersion in precondition: ${request.resourceVersion ?? ""}, ResourceVersion in object meta: ${stringOf(meta["resourceVersion"])}`;
    throw conflict(resource, ref.name, why);
  }
  if (request.dryRun === true) return { object, gone: true };
  const stored = context.store.get(resource.storage, resource.namespaced ? (ref.namespace ?? "") : "", ref.name);
  const { object: last, gone } = deleteStored(context, resource.storage, stored ?? object, request);
  return { object: served(resource, last), gone };
}
