import { canonical } from "../../lib/json.ts";
import { arrayOf, at, isObject, objectOf, stringOf } from "./json.ts";
import type { JsonObject } from "./json.ts";
import { change, changeItems, fill, pod, podTemplate } from "./podDefaults.ts";
import type { Resource } from "./resources.ts";

/**
 * What the API server fills in for built-in kinds. Aviary must not take these for changes of the user's, so the
 * sandbox fills in the same.
 */
export function builtinDefaults(resource: Resource, object: JsonObject): JsonObject {
  const apply = DEFAULTS[`${resource.group}/${resource.kind}`];
  return apply === undefined ? object : apply(object);
}

/** Parameters of the rolling update belong to the type RollingUpdate alone. */
const updateStrategy = (parameters: JsonObject) => (value: JsonObject) => {
  const filled = fill(value, { type: "RollingUpdate" });
  if (filled["type"] !== "RollingUpdate") return filled;
  return { ...filled, rollingUpdate: fill(objectOf(filled["rollingUpdate"]), parameters) };
};

const inSpec = (by: (spec: JsonObject) => JsonObject) => (object: JsonObject) =>
  change({ ...object, spec: objectOf(object["spec"]) }, "spec", by);

const deployment = inSpec((spec) => {
  const filled = fill(spec, {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: {},
  });
  return change(
    change(filled, "strategy", updateStrategy({ maxUnavailable: "25%", maxSurge: "25%" })),
    "template",
    podTemplate,
  );
});

const replicaSet = inSpec((spec) => change(fill(spec, { replicas: 1 }), "template", podTemplate));

const daemonSet = inSpec((spec) => {
  const filled = fill(spec, { revisionHistoryLimit: 10, updateStrategy: {} });
  return change(
    change(filled, "updateStrategy", updateStrategy({ maxUnavailable: 1, maxSurge: 0 })),
    "template",
    podTemplate,
  );
});

const statefulSet = inSpec((spec) => {
  const filled = fill(spec, {
    replicas: 1,
    revisionHistoryLimit: 10,
    podManagementPolicy: "OrderedReady",
    updateStrategy: {},
    persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
  });
  return change(change(filled, "updateStrategy", updateStrategy({ partition: 0 })), "template", podTemplate);
});

const service = inSpec((spec) => {
  const headless = spec["clusterIP"] === "None";
  const filled = fill(spec, {
    type: "ClusterIP",
    sessionAffinity: "None",
    ...(spec["type"] === "ExternalName"
      ? {}
      : { ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack", internalTrafficPolicy: "Cluster" }),
    ...(headless ? { clusterIPs: ["None"] } : {}),
  });
  return changeItems(filled, "ports", (port) => fill(fill(port, { protocol: "TCP" }), { targetPort: port["port"] }));
});

const endpointSlice = (object: JsonObject): JsonObject =>
  changeItems(
    changeItems(object, "ports", (port) => fill(port, { name: "", protocol: "TCP" })),
    "endpoints",
    (endpoint) => fill(endpoint, { conditions: {} }),
  );

const ingress = inSpec((spec) =>
  changeItems(spec, "rules", (rule) =>
    change(rule, "http", (http) =>
      changeItems(http, "paths", (path) => fill(path, { pathType: "ImplementationSpecific" })),
    ),
  ),
);

const autoscaler = inSpec((spec) =>
  fill(spec, {
    minReplicas: 1,
    metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } }],
  }),
);

const networkPolicy = inSpec((spec) => {
  const types = isObject(spec["egress"]) || arrayOf(spec["egress"]).length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
  return fill(spec, { policyTypes: types });
});

/** Bytes of `stringData` move to `data`, as base64. */
function secret(object: JsonObject): JsonObject {
  const { stringData, ...rest } = object;
  const filled = fill(rest, { type: "Opaque" });
  if (!isObject(stringData)) return filled;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(stringOf(value)).toString("base64"),
  ]);
  return { ...filled, data: { ...objectOf(filled["data"]), ...(Object.fromEntries(encoded) as JsonObject) } };
}

const namespace = (object: JsonObject): JsonObject => ({
  ...object,
  metadata: change(fill(objectOf(object["metadata"]), { labels: {} }), "labels", (labels) =>
    fill(labels, { "kubernetes.io/metadata.name": stringOf(at(object, "metadata", "name")) }),
  ),
  spec: fill(objectOf(object["spec"]), { finalizers: ["kubernetes"] }),
  status: fill(objectOf(object["status"]), { phase: "Active" }),
});

const DEFAULTS: Readonly<Record<string, (object: JsonObject) => JsonObject>> = {
  "apps/Deployment": deployment,
  "apps/ReplicaSet": replicaSet,
  "apps/DaemonSet": daemonSet,
  "apps/StatefulSet": statefulSet,
  "/Pod": inSpec((spec) => fill(pod(spec), { enableServiceLinks: true, preemptionPolicy: "PreemptLowerPriority" })),
  "/Service": service,
  "/Secret": secret,
  "/Namespace": namespace,
  "discovery.k8s.io/EndpointSlice": endpointSlice,
  "networking.k8s.io/Ingress": ingress,
  "networking.k8s.io/NetworkPolicy": networkPolicy,
  "autoscaling/HorizontalPodAutoscaler": autoscaler,
};

/** A cluster address for a Service that has none; `index` counts the Services made so far. */
export function clusterIp(index: number): string {
  return `10.96.${Math.floor(index / 254) % 256}.${(index % 254) + 1}`;
}

/** Fills in a Service's cluster address: the one it had, or a new one. */
export function withClusterIp(object: JsonObject, old: JsonObject | undefined, allocate: () => string): JsonObject {
  const spec = objectOf(object["spec"]);
  const known = stringOf(spec["clusterIP"]);
  if (spec["type"] === "ExternalName" || known !== "") return known === "" ? object : withIps(object, known);
  const before = stringOf(at(old, "spec", "clusterIP"));
  return withIps(object, before === "" ? allocate() : before);
}

function withIps(object: JsonObject, address: string): JsonObject {
  return { ...object, spec: { ...objectOf(object["spec"]), clusterIP: address, clusterIPs: [address] } };
}

/** The key order that Kubernetes gives to a label selector in its text form. */
export function selectorText(selector: JsonObject): string {
  const labels = Object.entries(objectOf(selector["matchLabels"])).map(([key, value]) => `${key}=${stringOf(value)}`);
  const expressions = arrayOf(selector["matchExpressions"]).map((item) => expressionText(objectOf(item)));
  return [...labels, ...expressions].toSorted().join(",");
}

function expressionText(expression: JsonObject): string {
  const key = stringOf(expression["key"]);
  const values = arrayOf(expression["values"]).map((value) => (typeof value === "string" ? value : canonical(value)));
  const list = values.toSorted().join(",");
  const operator = stringOf(expression["operator"]);
  if (operator === "In") return `${key} in (${list})`;
  if (operator === "NotIn") return `${key} notin (${list})`;
  return operator === "Exists" ? key : `!${key}`;
}
