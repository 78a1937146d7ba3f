import { arrayOf, isObject, objectOf, stringOf } from "./json.ts";
import type { Json, JsonObject, MutableObject } from "./json.ts";

/** `object` with the given fields where it has none. */
export function fill(object: JsonObject, defaults: JsonObject): JsonObject {
  const missing = Object.entries(defaults).filter(([key]) => object[key] === undefined);
  return missing.length === 0 ? object : { ...object, ...Object.fromEntries(missing) };
}

/** `object` with `key`, when present, replaced by what `change` makes of it. */
export function change(object: JsonObject, key: string, by: (value: JsonObject) => JsonObject): JsonObject {
  const value = object[key];
  return isObject(value) ? { ...object, [key]: by(value) } : object;
}

/** `object` with each item of the list at `key` replaced. */
export function changeItems(object: JsonObject, key: string, by: (item: JsonObject) => JsonObject): JsonObject {
  if (object[key] === undefined) return object;
  return { ...object, [key]: arrayOf(object[key]).map((item): Json => (isObject(item) ? by(item) : item)) };
}

const probe = (value: JsonObject): JsonObject =>
  change(
    fill(value, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 }),
    "httpGet",
    (get) => fill(get, { path: "/", scheme: "HTTP" }),
  );

/** As the real server: `latest` and no tag are always pulled. */
function pullPolicy(image: string): string {
  const tag = /:([^/:@]+)$/.exec(image)?.[1];
  return image.includes("@") || (tag !== undefined && tag !== "latest") ? "IfNotPresent" : "Always";
}

const CPU_MILLI = /^0*(\d+)000m$/;

function canonicalQuantities(resources: JsonObject): JsonObject {
  const canonicalize = (list: JsonObject): JsonObject =>
    Object.fromEntries(
      Object.entries(list).map(([key, value]) => [key, String(value as string).replace(CPU_MILLI, "$1")]),
    );
  return change(change(resources, "limits", canonicalize), "requests", canonicalize);
}

function container(value: JsonObject): JsonObject {
  const filled = fill(value, {
    imagePullPolicy: pullPolicy(stringOf(value["image"])),
    resources: {},
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
  });
  const withPorts = changeItems(filled, "ports", (port) => fill(port, { protocol: "TCP" }));
  const withEnv = changeItems(withPorts, "env", (env) =>
    change(env, "valueFrom", (source) => change(source, "fieldRef", (ref) => fill(ref, { apiVersion: "v1" }))),
  );
  const probed = ["livenessProbe", "readinessProbe", "startupProbe"].reduce(
    (result, key) => change(result, key, probe),
    withEnv,
  );
  return change(probed, "resources", canonicalQuantities);
}

function requestsFromLimits(resources: JsonObject): JsonObject {
  if (!isObject(resources["limits"])) return resources;
  return { ...resources, requests: fill(objectOf(resources["requests"]), resources["limits"]) };
}

const VOLUME_MODES = ["configMap", "secret", "projected", "downwardAPI"];

function volume(value: JsonObject): JsonObject {
  const out: MutableObject = { ...value };
  for (const kind of VOLUME_MODES) {
    if (isObject(out[kind])) out[kind] = fill(out[kind], { defaultMode: 420 });
  }
  return out;
}

/** The defaults of a pod's spec, as the API server fills them in. */
export function podSpec(spec: JsonObject): JsonObject {
  const filled = fill(spec, {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
    ...(stringOf(spec["serviceAccountName"]) === "" ? {} : { serviceAccount: stringOf(spec["serviceAccountName"]) }),
  });
  const containers = changeItems(changeItems(filled, "containers", container), "initContainers", container);
  return changeItems(containers, "volumes", volume);
}

/** In a pod, though not in a template, a limit without a request is the request. */
export function pod(spec: JsonObject): JsonObject {
  const withRequests = (item: JsonObject) => change(item, "resources", requestsFromLimits);
  return changeItems(changeItems(podSpec(spec), "containers", withRequests), "initContainers", withRequests);
}

/** A pod template, as it stands in workloads. */
export function podTemplate(template: JsonObject): JsonObject {
  return change(template, "spec", podSpec);
}
