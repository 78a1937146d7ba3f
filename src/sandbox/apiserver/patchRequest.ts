import { current, create, placed, update, writerOf } from "./write.ts";
import type { Context, Ref, WriteOptions, Written } from "./context.ts";
import { canonical } from "../../lib/json.ts";
import { at, isObject, metaOf, nameOf, namespaceOf, stringOf, withValue } from "./json.ts";
import type { Json, JsonObject, MutableObject } from "./json.ts";
import { EMPTY, fieldsOf } from "./fieldSet.ts";
import type { FieldSet } from "./fieldSet.ts";
import { jsonPatch, mergePatch } from "./patch.ts";
import { apiVersionOf } from "./resources.ts";
import type { Resource } from "./resources.ts";
import { propertySchema } from "./builtinSchemas.ts";
import type { Schema } from "./schemaTypes.ts";
import { serverSideApply } from "./serverSideApply.ts";
import { badRequest, invalid, notFound, unknownError, unsupportedMediaType } from "./status.ts";
import { strategicMerge } from "./strategicMerge.ts";
import { typedErrors } from "./typedErrors.ts";

export type PatchType = "json" | "merge" | "strategic" | "apply";

export const PATCH_TYPES: Readonly<Record<string, PatchType>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

export interface PatchRequest {
  readonly type: PatchType;
  readonly body: Json;
  /** Server-side apply: take over fields of other managers. */
  readonly force?: boolean;
}

export function patch(
  context: Context,
  resource: Resource,
  ref: Ref,
  request: PatchRequest,
  options: WriteOptions,
): Written {
  if (request.type === "apply") return apply(context, resource, ref, request, options);
  const old = current(context, resource, ref);
  const next = patched(resource, old, request);
  return update(context, resource, { ref, old, next, patched: true }, options);
}

function patched(resource: Resource, old: JsonObject, request: PatchRequest): JsonObject {
  switch (request.type) {
    case "json":
      return jsonPatch(old, request.body);
    case "merge":
      return objectPatch(request.body, (body) => mergePatch(old, body) as JsonObject);
    case "strategic":
      // Custom resources have no merge keys on the real server either.
      if (!resource.builtin) throw unsupportedMediaType("strategic", patchTypesOf(resource));
      return objectPatch(request.body, (body) => strategicMerge(old, body, resource.schema));
    case "apply":
      throw badRequest("server-side apply is not a patch of the stored object");
  }
}

/** The media types of patches that a resource takes. */
export function patchTypesOf(resource: Resource): string[] {
  return Object.keys(PATCH_TYPES).filter((type) => resource.builtin || !type.includes("strategic"));
}

function objectPatch(body: Json, by: (body: JsonObject) => JsonObject): JsonObject {
  if (!isObject(body))
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${Array.isArray(body) ? "array" : typeof body} into Go value of type map[string]interface {}`,
    );
  return by(body);
}

const PATCH_OPTIONS = { group: "meta.k8s.io", plural: "patchoptions", kind: "PatchOptions" };

function apply(context: Context, resource: Resource, ref: Ref, request: PatchRequest, options: WriteOptions): Written {
  if ((options.fieldManager ?? "") === "") {
    const detail = "is required for apply patch";
    throw invalid(PATCH_OPTIONS, "", [{ type: "FieldValueRequired", field: "fieldManager", detail }]);
  }
  const stored = context.store.get(resource.storage, resource.namespaced ? (ref.namespace ?? "") : "", ref.name);
  if (stored === undefined && options.subresource !== undefined) throw notFound(resource, ref.name);
  const live = stored === undefined ? undefined : current(context, resource, ref);
  const config = configOf(resource, ref, request.body, options);
  const merged = serverSideApply({
    live,
    config,
    schema: resource.schema,
    writer: writerOf(context, resource, options),
    force: request.force === true,
    tolerated: appliedClientSide(resource, live, options),
  });
  if (live === undefined) {
    const creation = { namespace: ref.namespace, body: merged, owned: true };
    return create(context, resource, creation, { ...options, fieldValidation: "Ignore" });
  }
  const next = withLastApplied(merged, live, config, options);
  const change = { ref, old: live, next, owned: true };
  return update(context, resource, change, { ...options, fieldValidation: "Ignore" });
}

const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

function lastApplied(object: JsonObject | undefined, options: WriteOptions): string {
  // As on the real server only kubectl itself moves from client-side to server-side apply.
  return options.fieldManager === "kubectl" ? stringOf(at(object, "metadata", "annotations", LAST_APPLIED)) : "";
}

/** The fields that kubectl applied client-side before: it may take them over without force. */
function appliedClientSide(resource: Resource, live: JsonObject | undefined, options: WriteOptions): FieldSet {
  const text = lastApplied(live, options);
  if (text === "") return EMPTY;
  try {
    return fieldsOf(JSON.parse(text) as Json, resource.schema);
  } catch {
    return EMPTY;
  }
}

/** Keeps the annotation of client-side apply current, so that one can go back to it. */
function withLastApplied(merged: JsonObject, live: JsonObject, config: JsonObject, options: WriteOptions): JsonObject {
  if (lastApplied(live, options) === "") return merged;
  const bare = withValue(config, ["metadata", "annotations", LAST_APPLIED], undefined);
  return withValue(merged, ["metadata", "annotations", LAST_APPLIED], `${canonical(bare)}\n`);
}

/** The applied configuration, checked, without what this endpoint does not take. */
function configOf(resource: Resource, ref: Ref, body: Json, options: WriteOptions): JsonObject {
  if (isObject(body) && stringOf(body["apiVersion"]) === "")
    throw badRequest("error decoding YAML: apiVersion must be set");
  const object = placed(resource, ref.namespace, body);
  if (metaOf(object)["managedFields"] !== undefined) throw badRequest("metadata.managedFields must be nil");
  if (nameOf(object) !== "" && nameOf(object) !== ref.name) {
    throw badRequest(`the name of the object (${nameOf(object)}) does not match the name on the URL (${ref.name})`);
  }
  refuseUntyped(resource, body as JsonObject, object);
  const named = withValue(object, ["metadata", "name"], ref.name);
  const clean = withoutNulls(named, resource.schema) as JsonObject;
  if (options.subresource === "status") return onlyStatus(clean);
  return resource.status ? withValue(clean, ["status"], undefined) : clean;
}

function onlyStatus(config: JsonObject): JsonObject {
  const { apiVersion, kind, status } = config;
  const { name, namespace, resourceVersion } = metaOf(config);
  return { apiVersion, kind, metadata: { name, namespace, resourceVersion }, status };
}

function refuseUntyped(resource: Resource, body: JsonObject, object: JsonObject): void {
  const errors = typedErrors(object, resource.schema);
  if (errors.length === 0) return;
  const place = `${namespaceOf(body)}/${nameOf(body)}; ${apiVersionOf(resource)}, Kind=${resource.kind}`;
  const what = errors.length === 1 ? (errors[0] ?? "") : `errors:\n  ${errors.join("\n  ")}`;
  throw unknownError(`failed to create typed patch object (${place}): ${what}`);
}

function withoutNulls(value: Json, schema: Schema | undefined): Json {
  if (!isObject(value)) return value;
  const out: MutableObject = {};
  for (const [key, child] of Object.entries(value)) {
    const below = schema === undefined ? undefined : propertySchema(schema, key);
    if (child === undefined || (child === null && below?.nullable !== true)) continue;
    out[key] = withoutNulls(child, below);
  }
  return out;
}
