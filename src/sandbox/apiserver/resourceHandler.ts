import type { ApiServer, DeleteRequest } from "./apiServer.ts";
import { at, numberOf, objectOf, stringOf } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { listMeta, listObject } from "./list.ts";
import type { ListRequest } from "./list.ts";
import { PATCH_TYPES, patchTypesOf } from "./patchRequest.ts";
import { flag, whole, writeOptionsOf } from "./request.ts";
import type { Address, ApiRequest } from "./request.ts";
import type { Resource } from "./resources.ts";
import { methodNotAllowed, noSuchResource, unsupportedMediaType } from "./status.ts";
import { partialMetadata, tableOf } from "./tables.ts";

export interface Answer {
  readonly code: number;
  /** JSON, or plain text when a string. */
  readonly body: Json;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly warnings?: readonly string[];
}

/** The text of a container's log, newest last. */
export type PodLogs = (namespace: string, pod: string, container: string | undefined) => string | undefined;

export interface ResourceRequest {
  readonly core: ApiServer;
  readonly request: ApiRequest;
  readonly address: Address;
  readonly podLogs?: PodLogs | undefined;
}

/** Answers a request for a resource, except for watches. Throws `ApiError`. */
export function handleResource(call: ResourceRequest): Answer {
  const { core, address } = call;
  const resource = core.resource(address.group, address.version, address.plural);
  if (address.subresource === "log") return logs(call);
  if (resource.namespaced && address.namespace === undefined && address.name !== undefined) throw noSuchResource();
  switch (call.request.method) {
    case "GET":
      return address.name === undefined ? list(call, resource) : get(call, resource);
    case "POST":
      return post(call, resource);
    case "PUT":
      return put(call, resource);
    case "PATCH":
      return patch(call, resource);
    case "DELETE":
      return address.name === undefined ? removeAll(call, resource) : remove(call, resource);
    default:
      throw methodNotAllowed();
  }
}

/** The form that the client would rather have. */
export function formOf(accept: string): "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList" | "Object" {
  for (const option of accept.split(",")) {
    const as = /;\s*as=(\w+)/.exec(option)?.[1];
    if (as === "Table" || as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") return as;
    if (as === undefined && /json|\*\/\*/.test(option)) return "Object";
  }
  return "Object";
}

function refOf(address: Address): { namespace: string | undefined; name: string } {
  if (address.name === undefined) throw methodNotAllowed();
  return { namespace: address.namespace, name: address.name };
}

export function listRequestOf({ request, address }: Pick<ResourceRequest, "request" | "address">): ListRequest {
  const { query } = request;
  return {
    namespace: address.namespace,
    labelSelector: query.get("labelSelector") ?? undefined,
    fieldSelector: query.get("fieldSelector") ?? undefined,
    limit: whole(query, "limit"),
    continue: query.get("continue") ?? undefined,
  };
}

function list(call: ResourceRequest, resource: Resource): Answer {
  const answer = call.core.list(resource, listRequestOf(call));
  const form = formOf(call.request.accept);
  if (form === "Table") return { code: 200, body: table(call, resource, answer.items, listMeta(answer)) };
  if (form === "Object") return { code: 200, body: listObject(resource, answer) };
  const body = {
    kind: "PartialObjectMetadataList",
    apiVersion: "meta.k8s.io/v1",
    metadata: listMeta(answer),
    items: answer.items.map((item) => partialMetadata(item)),
  };
  return { code: 200, body };
}

function get(call: ResourceRequest, resource: Resource): Answer {
  const object = call.core.get(resource, refOf(call.address), knownSubresource(call, resource));
  const form = call.address.subresource === undefined ? formOf(call.request.accept) : "Object";
  if (form === "Table") {
    const meta = { resourceVersion: stringOf(at(object, "metadata", "resourceVersion")) };
    return { code: 200, body: table(call, resource, [object], meta) };
  }
  return { code: 200, body: form === "Object" ? object : partialMetadata(object) };
}

function table(call: ResourceRequest, resource: Resource, items: readonly JsonObject[], meta: JsonObject): JsonObject {
  const include = call.request.query.get("includeObject") ?? "Metadata";
  return tableOf({ resource, items, metadata: meta, now: call.core.now(), include });
}

function knownSubresource({ address }: ResourceRequest, resource: Resource): string | undefined {
  const { subresource } = address;
  const known = subresource === undefined || (subresource === "status" && resource.status) || subresource === "scale";
  if (!known) throw noSuchResource();
  return subresource;
}

function post(call: ResourceRequest, resource: Resource): Answer {
  const { core, request, address } = call;
  if (address.subresource === "eviction") {
    core.delete(resource, refOf(address));
    return { code: 201, body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 } };
  }
  if (address.name !== undefined) throw methodNotAllowed();
  const written = core.create(resource, address.namespace, request.body, writeOptionsOf(request, undefined));
  return { code: 201, body: written.object, warnings: written.warnings };
}

function put(call: ResourceRequest, resource: Resource): Answer {
  const { core, request, address } = call;
  const options = writeOptionsOf(request, knownSubresource(call, resource));
  const written = core.update(resource, refOf(address), request.body, options);
  return { code: 200, body: written.object, warnings: written.warnings };
}

function patch(call: ResourceRequest, resource: Resource): Answer {
  const { core, request, address } = call;
  const type = PATCH_TYPES[request.contentType];
  const isRefused = type === "strategic" && !resource.builtin;
  if (type === undefined || isRefused) throw unsupportedMediaType(request.contentType, patchTypesOf(resource));
  const options = writeOptionsOf(request, knownSubresource(call, resource));
  const force = flag(request.query, "force");
  const written = core.patch(resource, refOf(address), { type, body: request.body, force }, options);
  const form = formOf(request.accept);
  const body = form === "PartialObjectMetadata" ? partialMetadata(written.object) : written.object;
  return { code: written.created ? 201 : 200, body, warnings: written.warnings };
}

function deleteRequestOf(request: ApiRequest): DeleteRequest {
  const body = objectOf(request.body);
  const propagation = stringOf(body["propagationPolicy"]) || (request.query.get("propagationPolicy") ?? "");
  const isKnown = propagation === "Background" || propagation === "Foreground" || propagation === "Orphan";
  const isDryRun = request.query.get("dryRun") === "All" || JSON.stringify(body["dryRun"]) === '["All"]';
  return {
    propagation: isKnown ? propagation : undefined,
    gracePeriodSeconds: numberOf(body["gracePeriodSeconds"]) ?? whole(request.query, "gracePeriodSeconds"),
    uid: stringOf(at(body, "preconditions", "uid")),
    resourceVersion: stringOf(at(body, "preconditions", "resourceVersion")),
    dryRun: isDryRun,
  };
}

function remove(call: ResourceRequest, resource: Resource): Answer {
  const { core, request, address } = call;
  const { object, gone } = core.delete(resource, refOf(address), deleteRequestOf(request));
  if (!gone) return { code: 200, body: object };
  const details = {
    name: address.name ?? "",
    ...(resource.group === "" ? {} : { group: resource.group }),
    kind: resource.plural,
    uid: stringOf(at(object, "metadata", "uid")),
  };
  return { code: 200, body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details } };
}

function removeAll(call: ResourceRequest, resource: Resource): Answer {
  const { core, request } = call;
  const items = core.deleteCollection(resource, listRequestOf(call), deleteRequestOf(request));
  const resourceVersion = String(core.store.version());
  return { code: 200, body: listObject(resource, { items, resourceVersion, continue: "", remaining: undefined }) };
}

function logs({ core, request, address, podLogs }: ResourceRequest): Answer {
  const { namespace, name } = refOf(address);
  core.get(core.resource("", "v1", "pods"), { namespace, name });
  const text = podLogs?.(namespace ?? "", name, request.query.get("container") ?? undefined);
  return { code: 200, body: text ?? "" };
}
