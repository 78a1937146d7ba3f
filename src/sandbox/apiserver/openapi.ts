import { builtinDefinitions } from "./builtinSchemas.ts";
import { isArray, isObject } from "./json.ts";
import type { Json, JsonObject, MutableObject } from "./json.ts";
import type { ApiRequest } from "./request.ts";
import type { Answer } from "./resourceHandler.ts";
import { kindOf } from "./resources.ts";
import type { Registry, Resource } from "./resources.ts";
import { noSuchResource } from "./status.ts";

export interface OpenApi {
  /** Answers /openapi/v3 and the documents of the groups; undefined for other paths. */
  answer(request: ApiRequest): Answer | undefined;
}

const PREFIX = "/openapi/v3";
const COMPONENTS = "#/components/schemas/";

/**
 * OpenAPI v3 as far as kubectl needs it: schemas with their kinds for `explain` and `apply`, and PATCH operations that
 * name fieldValidation and dryRun, by which kubectl knows that it may leave validation to the server. There is no v2.
 */
export function createOpenApi(registry: Registry): OpenApi {
  return {
    answer(request) {
      if (request.method !== "GET" || !request.path.startsWith("/openapi/")) return undefined;
      if (request.path === PREFIX) return { code: 200, body: index(registry) };
      const path = request.path.slice(PREFIX.length + 1);
      const resources = registry.all().filter((resource) => pathOf(resource) === path);
      if (!request.path.startsWith(`${PREFIX}/`) || resources.length === 0) throw noSuchResource();
      return { code: 200, body: documentOf(resources) };
    },
  };
}

function pathOf(resource: Resource): string {
  return resource.group === "" ? `api/${resource.version}` : `apis/${resource.group}/${resource.version}`;
}

function index(registry: Registry): JsonObject {
  const paths = [...new Set(registry.all().map((resource) => pathOf(resource)))].toSorted();
  return { paths: Object.fromEntries(paths.map((path) => [path, { serverRelativeURL: `${PREFIX}/${path}` }])) };
}

function documentOf(resources: readonly Resource[]): JsonObject {
  const schemas: MutableObject = {};
  const paths: MutableObject = {};
  for (const resource of resources) {
    const { name, namespace } = collectionPath(resource);
    const own = openApiSchema(resource.schema as unknown as Json, schemas) as JsonObject;
    schemas[componentName(resource)] = { ...own, "x-kubernetes-group-version-kind": [kindOf(resource)] };
    paths[namespace] = { post: operation(resource, "post", CREATE) };
    paths[name] = { get: operation(resource, "get", []), patch: operation(resource, "patch", PATCH) };
  }
  return { openapi: "3.0.0", info: { title: "Aviary sandbox", version: "v1" }, paths, components: { schemas } };
}

function componentName(resource: Resource): string {
  const group = resource.group === "" ? "core" : resource.group;
  return `${group.split(".").toReversed().join(".")}.${resource.version}.${resource.kind}`;
}

function collectionPath(resource: Resource): { namespace: string; name: string } {
  const scope = resource.namespaced ? "/namespaces/{namespace}" : "";
  const namespace = `/${pathOf(resource)}${scope}/${resource.plural}`;
  return { namespace, name: `${namespace}/{name}` };
}

const parameter = (name: string): JsonObject => ({ name, in: "query", schema: { type: "string" } });
const CREATE = ["dryRun", "fieldManager", "fieldValidation"].map(parameter);
const PATCH = [...CREATE, parameter("force")];

function operation(resource: Resource, verb: string, parameters: readonly JsonObject[]): JsonObject {
  const schema = { $ref: COMPONENTS + componentName(resource) };
  // Strategic merge is left out here on purpose: kubectl then computes patches of built-in kinds from its own types.
  const types = ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"];
  const content = Object.fromEntries(types.map((type) => [type, { schema: { type: "object" } }]));
  return {
    operationId: `${verb}${resource.kind}`,
    parameters,
    ...(verb === "patch" ? { requestBody: { content } } : {}),
    responses: { "200": { description: "OK", content: { "application/json": { schema } } } },
    "x-kubernetes-action": verb,
    "x-kubernetes-group-version-kind": kindOf(resource),
  };
}

/** A schema with `$ref`s in the notation of OpenAPI; what they name is added to the components. */
function openApiSchema(value: Json, components: MutableObject): Json {
  if (isArray(value)) return value.map((item) => openApiSchema(item, components));
  if (!isObject(value)) return value;
  const { $ref, ...rest } = value;
  const out: MutableObject = {};
  for (const [key, child] of Object.entries(rest)) if (child !== undefined) out[key] = openApiSchema(child, components);
  if (typeof $ref !== "string") return out;
  if (components[$ref] === undefined) {
    components[$ref] = {};
    const definition = builtinDefinitions()[$ref] ?? { type: "object" };
    components[$ref] = openApiSchema(definition as unknown as Json, components);
  }
  return { ...out, allOf: [{ $ref: COMPONENTS + $ref }] };
}
