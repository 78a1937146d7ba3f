import { selectorText } from "./defaults.ts";
import { arrayOf, at, numberOf, objectOf, stringOf } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { podColumns } from "./podColumns.ts";
import type { Resource } from "./resources.ts";
import { age, containersOf, joined, labelsText, orNone, someOf } from "./tableText.ts";

/** A column and what stands in it. Priority 1 shows only with `-o wide`. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly cell: (object: JsonObject) => Json;
}

export const text = (name: string, cell: Column["cell"], priority = 0): Column => ({
  name,
  type: "string",
  priority,
  cell,
});
export const wide = (name: string, cell: Column["cell"]): Column => text(name, cell, 1);
const integer = (name: string, ...path: string[]): Column => ({
  name,
  type: "integer",
  cell: (object) => numberOf(at(object, ...path)) ?? 0,
});

/** The columns after NAME of a built-in kind; only the age when there are none of its own. */
export function builtinColumns(resource: Resource, now: number, created: Column): readonly Column[] {
  const columns = COLUMNS[`${resource.group}/${resource.kind}`];
  return columns === undefined ? [created] : columns(created, now);
}

const templateColumns: readonly Column[] = [
  wide("Containers", (object) => joined(containersOf(at(object, "spec", "template", "spec")), "name")),
  wide("Images", (object) => joined(containersOf(at(object, "spec", "template", "spec")), "image")),
  wide("Selector", (object) => orNone(selectorText(objectOf(at(object, "spec", "selector"))))),
];

const count = (object: JsonObject, ...path: string[]): number => numberOf(at(object, ...path)) ?? 0;
const ready = text(
  "Ready",
  (object) => `${count(object, "status", "readyReplicas")}/${count(object, "spec", "replicas")}`,
);

const deployment = (created: Column): readonly Column[] => [
  ready,
  integer("Up-to-date", "status", "updatedReplicas"),
  integer("Available", "status", "availableReplicas"),
  created,
  ...templateColumns,
];

const replicaSet = (created: Column): readonly Column[] => [
  integer("Desired", "spec", "replicas"),
  integer("Current", "status", "replicas"),
  integer("Ready", "status", "readyReplicas"),
  created,
  ...templateColumns,
];

const statefulSet = (created: Column): readonly Column[] => [ready, created, ...templateColumns.slice(0, 2)];

const daemonSet = (created: Column): readonly Column[] => [
  integer("Desired", "status", "desiredNumberScheduled"),
  integer("Current", "status", "currentNumberScheduled"),
  integer("Ready", "status", "numberReady"),
  integer("Up-to-date", "status", "updatedNumberScheduled"),
  integer("Available", "status", "numberAvailable"),
  text("Node Selector", (object) => labelsText(at(object, "spec", "template", "spec", "nodeSelector"))),
  created,
  ...templateColumns,
];

function servicePorts(object: JsonObject): string {
  const ports = arrayOf(at(object, "spec", "ports")).map((port) => {
    const { port: number, nodePort, protocol } = objectOf(port);
    const node = numberOf(nodePort) ?? 0;
    return `${numberOf(number) ?? 0}${node > 0 ? `:${node}` : ""}/${stringOf(protocol)}`;
  });
  return orNone(ports.join(","));
}

const service = (created: Column): readonly Column[] => [
  text("Type", (object) => stringOf(at(object, "spec", "type"))),
  text("Cluster-IP", (object) => orNone(stringOf(at(object, "spec", "clusterIP")))),
  text("External-IP", (object) => stringOf(at(object, "spec", "externalName")) || "<none>"),
  text("Port(s)", servicePorts),
  created,
  wide("Selector", (object) => labelsText(at(object, "spec", "selector"))),
];

const endpointSlice = (created: Column): readonly Column[] => [
  text("AddressType", (object) => stringOf(object["addressType"])),
  text("Ports", (object) =>
    someOf(arrayOf(object["ports"]).map((port) => String(numberOf(objectOf(port)["port"]) ?? "*"))),
  ),
  text("Endpoints", (object) =>
    someOf(
      arrayOf(object["endpoints"]).flatMap((item) =>
        arrayOf(objectOf(item)["addresses"]).map((address) => stringOf(address)),
      ),
    ),
  ),
  created,
];

function loadBalancerAddresses(object: JsonObject): string {
  const points = arrayOf(at(object, "status", "loadBalancer", "ingress")).map((point) => objectOf(point));
  return points.map((point) => stringOf(point["ip"]) || stringOf(point["hostname"])).join(",");
}

const ingress = (created: Column): readonly Column[] => [
  text("Class", (object) => orNone(stringOf(at(object, "spec", "ingressClassName")))),
  text("Hosts", (object) => {
    const hosts = arrayOf(at(object, "spec", "rules")).map((rule) => stringOf(objectOf(rule)["host"]));
    return hosts.filter((host) => host !== "").join(",") || "*";
  }),
  text("Address", loadBalancerAddresses),
  text("Ports", (object) => (arrayOf(at(object, "spec", "tls")).length > 0 ? "80, 443" : "80")),
  created,
];

function lastSeen(object: JsonObject, now: number): string {
  const series = at(object, "series", "lastObservedTime");
  const last = [series, object["lastTimestamp"], object["eventTime"], object["firstTimestamp"]].find(
    (time) => stringOf(time) !== "",
  );
  return age(last ?? at(object, "metadata", "creationTimestamp"), now);
}

const eventObject = (object: JsonObject): string => {
  const about = objectOf(object["involvedObject"] ?? object["regarding"]);
  return `${stringOf(about["kind"]).toLowerCase()}/${stringOf(about["name"])}`;
};

const event = (_created: Column, now: number): readonly Column[] => [
  text("Last Seen", (object) => lastSeen(object, now)),
  text("Type", (object) => stringOf(object["type"])),
  text("Reason", (object) => stringOf(object["reason"])),
  text("Object", eventObject),
  wide("Subobject", (object) => stringOf(at(object, "involvedObject", "fieldPath"))),
  wide("Source", (object) => stringOf(object["reportingComponent"]) || stringOf(at(object, "source", "component"))),
  text("Message", (object) => stringOf(object["message"] ?? object["note"]).trim()),
  wide("First Seen", (object) => age(object["firstTimestamp"] ?? object["eventTime"], now)),
  wide("Count", (object) => String(numberOf(object["count"]) ?? numberOf(at(object, "series", "count")) ?? 1)),
];

function nodeStatus(object: JsonObject): string {
  const conditions = arrayOf(at(object, "status", "conditions")).map((condition) => objectOf(condition));
  const status = conditions.find((condition) => condition["type"] === "Ready")?.["status"];
  const word = status === "True" ? "Ready" : status === undefined ? "Unknown" : "NotReady";
  return at(object, "spec", "unschedulable") === true ? `${word},SchedulingDisabled` : word;
}

const node = (created: Column): readonly Column[] => [
  text("Status", nodeStatus),
  text("Roles", () => "<none>"),
  created,
  text("Version", (object) => stringOf(at(object, "status", "nodeInfo", "kubeletVersion"))),
];

const namespace = (created: Column): readonly Column[] => [
  text("Status", (object) => stringOf(at(object, "status", "phase"))),
  created,
];

function metricTargets(object: JsonObject): string {
  const wanted = arrayOf(at(object, "spec", "metrics")).map((metric) => {
    const target = at(objectOf(metric), "resource", "target", "averageUtilization");
    const name = stringOf(at(objectOf(metric), "resource", "name"));
    return `${name === "" ? "" : `${name}: `}<unknown>/${numberOf(target) ?? "<auto>"}${target === undefined ? "" : "%"}`;
  });
  return someOf(wanted, 2);
}

const autoscaler = (created: Column): readonly Column[] => [
  text("Reference", (object) => {
    const target = objectOf(at(object, "spec", "scaleTargetRef"));
    return `${stringOf(target["kind"])}/${stringOf(target["name"])}`;
  }),
  text("Targets", metricTargets),
  text("MinPods", (object) => String(numberOf(at(object, "spec", "minReplicas")) ?? "<unset>")),
  integer("MaxPods", "spec", "maxReplicas"),
  integer("Replicas", "status", "currentReplicas"),
  created,
];

const disruptionBudget = (created: Column): readonly Column[] => [
  text("Min Available", (object) =>
    String((at(object, "spec", "minAvailable") as string | number | undefined) ?? "N/A"),
  ),
  text("Max Unavailable", (object) =>
    String((at(object, "spec", "maxUnavailable") as string | number | undefined) ?? "N/A"),
  ),
  integer("Allowed Disruptions", "status", "disruptionsAllowed"),
  created,
];

const lease = (created: Column): readonly Column[] => [
  text("Holder", (object) => stringOf(at(object, "spec", "holderIdentity"))),
  created,
];

const configMap = (created: Column): readonly Column[] => [
  { name: "Data", type: "integer", cell: (object) => Object.keys(objectOf(object["data"])).length },
  created,
];

const secret = (created: Column): readonly Column[] => [
  text("Type", (object) => stringOf(object["type"])),
  ...configMap(created),
];

const definition = (): readonly Column[] => [
  { name: "Created At", type: "date", cell: (object) => stringOf(at(object, "metadata", "creationTimestamp")) },
];

const COLUMNS: Readonly<Record<string, (created: Column, now: number) => readonly Column[]>> = {
  "apps/Deployment": deployment,
  "apps/ReplicaSet": replicaSet,
  "apps/StatefulSet": statefulSet,
  "apps/DaemonSet": daemonSet,
  "/Pod": podColumns,
  "/Service": service,
  "/Event": event,
  "events.k8s.io/Event": event,
  "/Node": node,
  "/Namespace": namespace,
  "/ConfigMap": configMap,
  "/Secret": secret,
  "discovery.k8s.io/EndpointSlice": endpointSlice,
  "networking.k8s.io/Ingress": ingress,
  "autoscaling/HorizontalPodAutoscaler": autoscaler,
  "policy/PodDisruptionBudget": disruptionBudget,
  "coordination.k8s.io/Lease": lease,
  "apiextensions.k8s.io/CustomResourceDefinition": definition,
};
