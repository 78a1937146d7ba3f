import type { JsonObject } from "./json.ts";
import type { ApiRequest } from "./request.ts";
import type { Answer } from "./resourceHandler.ts";
import type { Registry, Resource } from "./resources.ts";
import { apiVersionOf, kindOf } from "./resources.ts";
import { noSuchResource } from "./status.ts";

const AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const SUBRESOURCE_VERBS = ["get", "patch", "update"];

export interface Discovery {
  /** Answers /api, /apis and the lists of groups and resources below them; undefined for other paths. */
  answer(request: ApiRequest): Answer | undefined;
}

/** Discovery in both forms: aggregated (two requests tell everything), and the older lists. */
export function createDiscovery(registry: Registry): Discovery {
  return {
    answer(request) {
      const parts = request.path.split("/").filter((part) => part !== "");
      const isRoot = (parts[0] === "api" && parts.length <= 2) || (parts[0] === "apis" && parts.length <= 3);
      if (request.method !== "GET" || !isRoot) return undefined;
      const isCore = parts[0] === "api";
      const resources = registry.all().filter((resource) => (resource.group === "") === isCore);
      if (parts.length === 1 && /as=APIGroupDiscoveryList/.test(request.accept)) return aggregated(resources);
      if (isCore) return parts.length === 1 ? coreVersions() : resourceList(resources, "", parts[1] ?? "");
      if (parts.length === 1) return groupList(resources);
      const [, group = "", version] = parts;
      return version === undefined ? oneGroup(resources, group) : resourceList(resources, group, version);
    },
  };
}

const unique = (values: readonly string[]): string[] => [...new Set(values)];

function aggregated(resources: readonly Resource[]): Answer {
  const items = unique(resources.map(({ group }) => group)).map((group) => {
    const inGroup = resources.filter((resource) => resource.group === group);
    const versions = sortedVersions(inGroup).map((version) => ({
      version,
      freshness: "Current",
      resources: inGroup.filter((resource) => resource.version === version).map((resource) => discovered(resource)),
    }));
    return { metadata: { name: group, creationTimestamp: null }, versions };
  });
  const body = { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", metadata: {}, items };
  return { code: 200, body, contentType: AGGREGATED };
}

/** GA versions first, then beta and alpha, newest first. */
function sortedVersions(resources: readonly Resource[]): string[] {
  const rank = (version: string) => {
    const [, major = "0", stage = "", minor = "0"] = /^v(\d+)(alpha|beta)?(\d+)?$/.exec(version) ?? [];
    const maturity = stage === "" ? 2 : stage === "beta" ? 1 : 0;
    return maturity * 1e6 + Number(major) * 1e3 + Number(minor);
  };
  return unique(resources.map(({ version }) => version)).toSorted((a, b) => rank(b) - rank(a));
}

function discovered(resource: Resource): JsonObject {
  const own = kindOf(resource);
  const sub = (name: string, responseKind: JsonObject, verbs = SUBRESOURCE_VERBS): JsonObject => ({
    subresource: name,
    responseKind,
    verbs,
  });
  const subresources = [
    ...(resource.scale === undefined ? [] : [sub("scale", SCALE)]),
    ...(resource.status ? [sub("status", own)] : []),
    ...(isPod(resource) ? [sub("log", own, ["get"])] : []),
  ];
  return {
    resource: resource.plural,
    responseKind: own,
    scope: resource.namespaced ? "Namespaced" : "Cluster",
    singularResource: resource.singular,
    verbs: VERBS,
    ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    ...(subresources.length === 0 ? {} : { subresources }),
  };
}

const SCALE: JsonObject = { group: "autoscaling", version: "v1", kind: "Scale" };
const isPod = (resource: Resource): boolean => resource.group === "" && resource.kind === "Pod";

function coreVersions(): Answer {
  const addresses = [{ clientCIDR: "0.0.0.0/0", serverAddress: "127.0.0.1" }];
  return { code: 200, body: { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: addresses } };
}

function groupOf(resources: readonly Resource[], group: string): JsonObject {
  const versions = sortedVersions(resources.filter((resource) => resource.group === group)).map((version) => ({
    groupVersion: `${group}/${version}`,
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function groupList(resources: readonly Resource[]): Answer {
  const groups = unique(resources.map(({ group }) => group)).map((group) => groupOf(resources, group));
  return { code: 200, body: { kind: "APIGroupList", apiVersion: "v1", groups } };
}

function oneGroup(resources: readonly Resource[], group: string): Answer {
  if (!resources.some((resource) => resource.group === group)) throw noSuchResource();
  return { code: 200, body: { kind: "APIGroup", apiVersion: "v1", ...groupOf(resources, group) } };
}

function resourceList(resources: readonly Resource[], group: string, version: string): Answer {
  const found = resources.filter((resource) => resource.group === group && resource.version === version);
  const [first] = found;
  if (first === undefined) throw noSuchResource();
  const body = {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: apiVersionOf(first),
    resources: found.flatMap((resource) => listed(resource)),
  };
  return { code: 200, body };
}

function listed(resource: Resource): JsonObject[] {
  const { plural, singular, namespaced, kind } = resource;
  const sub = (name: string, extra: JsonObject, verbs = SUBRESOURCE_VERBS): JsonObject => ({
    name: `${plural}/${name}`,
    singularName: "",
    namespaced,
    kind,
    verbs,
    ...extra,
  });
  return [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs: VERBS,
      ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
      ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    },
    ...(resource.scale === undefined ? [] : [sub("scale", SCALE)]),
    ...(resource.status ? [sub("status", {})] : []),
    ...(isPod(resource) ? [sub("log", {}, ["get"])] : []),
  ];
}
