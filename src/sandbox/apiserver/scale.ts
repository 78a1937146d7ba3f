import { selectorText } from "./defaults.ts";
import { at, metaOf, nameOf, namespaceOf, numberOf, objectOf, stringOf, withValue } from "./json.ts";
import type { JsonObject } from "./json.ts";
import type { Resource, ScalePaths } from "./resources.ts";

/** The Scale of an object, as its `scale` subresource is served. */
export function scaleOf(resource: Resource, paths: ScalePaths, object: JsonObject): JsonObject {
  const meta = metaOf(object);
  const selector =
    paths.selector === undefined
      ? selectorText(objectOf(at(object, "spec", "selector")))
      : stringOf(at(object, ...paths.selector));
  const replicas = numberOf(at(object, ...paths.spec)) ?? 0;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: {
      name: nameOf(object),
      ...(resource.namespaced ? { namespace: namespaceOf(object) } : {}),
      uid: meta["uid"],
      resourceVersion: meta["resourceVersion"],
      creationTimestamp: meta["creationTimestamp"],
    },
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: numberOf(at(object, ...paths.status)) ?? 0, ...(selector === "" ? {} : { selector }) },
  };
}

/** The object with the replicas, and the resourceVersion to be checked, of a Scale. */
export function withScale(paths: ScalePaths, object: JsonObject, scale: JsonObject): JsonObject {
  const scaled = withValue(object, paths.spec, numberOf(at(scale, "spec", "replicas")) ?? 0);
  const version = metaOf(scale)["resourceVersion"];
  return version === undefined ? scaled : withValue(scaled, ["metadata", "resourceVersion"], version);
}
