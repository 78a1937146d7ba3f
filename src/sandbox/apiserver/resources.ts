import { asResourceRoot, builtinSchema, deref } from "./builtinSchemas.ts";
import type { JsonObject } from "./json.ts";
import type { Schema } from "./schemaTypes.ts";
import type { ErrorTarget } from "./status.ts";

/** A printer column of a Table. */
export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

/** Where the scale subresource finds its numbers in an object. */
export interface ScalePaths {
  readonly spec: readonly string[];
  readonly status: readonly string[];
  /** Path of the serialized selector in custom resources; built-in kinds take `spec.selector`. */
  readonly selector?: readonly string[];
}

/** A served resource: one kind in one version of its group. */
export interface Resource extends ErrorTarget {
  readonly version: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly status: boolean;
  readonly scale: ScalePaths | undefined;
  readonly schema: Schema;
  /** False for kinds of custom resource definitions. */
  readonly builtin: boolean;
  /** Under which name objects are kept; versions and groups of one kind share it. */
  readonly storage: string;
  readonly columns: readonly ColumnDefinition[] | undefined;
  /** JSON paths, as `spec.color`, that field selectors may name beyond metadata. */
  readonly selectableFields: readonly string[];
}

export function apiVersionOf(resource: { readonly group: string; readonly version: string }): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

/** Group, version and kind, as discovery and OpenAPI name a kind. */
export function kindOf({ group, version, kind }: Resource): JsonObject {
  return { group, version, kind };
}

interface Spec {
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly plural: string;
  readonly schema?: string;
  readonly short?: readonly string[];
  readonly cluster?: boolean;
  readonly status?: boolean;
  readonly scale?: boolean;
  readonly all?: boolean;
  readonly storage?: string;
  readonly fields?: readonly string[];
}

const replicas: ScalePaths = { spec: ["spec", "replicas"], status: ["status", "replicas"] };

function builtin(spec: Spec): Resource {
  const group = spec.group ?? "";
  return {
    group,
    version: spec.version ?? "v1",
    kind: spec.kind,
    plural: spec.plural,
    singular: spec.kind.toLowerCase(),
    namespaced: spec.cluster !== true,
    shortNames: spec.short ?? [],
    categories: spec.all === true ? ["all"] : [],
    status: spec.status === true,
    scale: spec.scale === true ? replicas : undefined,
    schema: asResourceRoot(deref(builtinSchema(spec.schema ?? `core.v1.${spec.kind}`))),
    builtin: true,
    storage: spec.storage ?? `${group}/${spec.plural}`,
    columns: undefined,
    selectableFields: spec.fields ?? [],
  };
}

const apps = (kind: string, plural: string, short: string | undefined, scale: boolean): Resource =>
  builtin({
    group: "apps",
    kind,
    plural,
    schema: `apps.v1.${kind}`,
    short: short === undefined ? [] : [short],
    status: short !== undefined,
    all: short !== undefined,
    scale,
  });

const rbac = (kind: string, plural: string, cluster: boolean): Resource =>
  builtin({ group: "rbac.authorization.k8s.io", kind, plural, schema: `rbac.v1.${kind}`, cluster });

const involved = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];
const eventFields = ["reason", "type", "reportingComponent", "source.component"];
const EVENTS = "/events";

/** The kinds that are always there: what Aviary, the sandbox's controllers and kubectl use. */
export const builtinResources: readonly Resource[] = [
  builtin({
    kind: "Namespace",
    plural: "namespaces",
    short: ["ns"],
    cluster: true,
    status: true,
    fields: ["status.phase"],
  }),
  builtin({
    kind: "Pod",
    plural: "pods",
    short: ["po"],
    status: true,
    all: true,
    fields: ["spec.nodeName", "status.phase", "status.podIP", "spec.restartPolicy", "spec.serviceAccountName"],
  }),
  builtin({
    kind: "Service",
    plural: "services",
    short: ["svc"],
    status: true,
    all: true,
    fields: ["spec.type", "spec.clusterIP"],
  }),
  builtin({ kind: "ConfigMap", plural: "configmaps", short: ["cm"] }),
  builtin({ kind: "Secret", plural: "secrets", fields: ["type"] }),
  builtin({
    kind: "Event",
    plural: "events",
    short: ["ev"],
    storage: EVENTS,
    fields: [...eventFields, ...involved.map((key) => `involvedObject.${key}`)],
  }),
  builtin({ kind: "ServiceAccount", plural: "serviceaccounts", short: ["sa"] }),
  builtin({
    kind: "Node",
    plural: "nodes",
    short: ["no"],
    cluster: true,
    status: true,
    fields: ["spec.unschedulable"],
  }),
  builtin({ kind: "ResourceQuota", plural: "resourcequotas", short: ["quota"], status: true }),
  builtin({ kind: "LimitRange", plural: "limitranges", short: ["limits"] }),
  apps("Deployment", "deployments", "deploy", true),
  apps("ReplicaSet", "replicasets", "rs", true),
  apps("DaemonSet", "daemonsets", "ds", false),
  apps("StatefulSet", "statefulsets", "sts", true),
  builtin({ group: "batch", kind: "Job", plural: "jobs", status: true }),
  apps("ControllerRevision", "controllerrevisions", undefined, false),
  builtin({
    group: "discovery.k8s.io",
    kind: "EndpointSlice",
    plural: "endpointslices",
    schema: "discovery.v1.EndpointSlice",
  }),
  builtin({
    group: "networking.k8s.io",
    kind: "Ingress",
    plural: "ingresses",
    short: ["ing"],
    schema: "networking.v1.Ingress",
    status: true,
  }),
  builtin({
    group: "networking.k8s.io",
    kind: "NetworkPolicy",
    plural: "networkpolicies",
    short: ["netpol"],
    schema: "networking.v1.NetworkPolicy",
  }),
  builtin({
    group: "autoscaling",
    version: "v2",
    kind: "HorizontalPodAutoscaler",
    plural: "horizontalpodautoscalers",
    short: ["hpa"],
    schema: "autoscaling.v2.HorizontalPodAutoscaler",
    status: true,
    all: true,
  }),
  builtin({
    group: "policy",
    kind: "PodDisruptionBudget",
    plural: "poddisruptionbudgets",
    short: ["pdb"],
    schema: "policy.v1.PodDisruptionBudget",
    status: true,
  }),
  builtin({ group: "coordination.k8s.io", kind: "Lease", plural: "leases", schema: "coordination.v1.Lease" }),
  builtin({
    group: "events.k8s.io",
    kind: "Event",
    plural: "events",
    short: ["ev"],
    schema: "events.v1.Event",
    storage: EVENTS,
    fields: ["reason", "type", "reportingController", ...involved.map((key) => `regarding.${key}`)],
  }),
  rbac("Role", "roles", false),
  rbac("RoleBinding", "rolebindings", false),
  rbac("ClusterRole", "clusterroles", true),
  rbac("ClusterRoleBinding", "clusterrolebindings", true),
  builtin({
    group: "apiextensions.k8s.io",
    kind: "CustomResourceDefinition",
    plural: "customresourcedefinitions",
    short: ["crd", "crds"],
    schema: "apiextensions.v1.CustomResourceDefinition",
    cluster: true,
    status: true,
  }),
];

/** What is served now: the built-in kinds, and those of the stored custom resource definitions. */
export interface Registry {
  find(group: string, version: string, plural: string): Resource | undefined;
  findKind(group: string, kind: string): Resource | undefined;
  all(): readonly Resource[];
  /** Sets the kinds that a custom resource definition brings; an empty list takes them away. */
  setCustom(definition: string, resources: readonly Resource[]): void;
}

export function createRegistry(): Registry {
  const custom = new Map<string, readonly Resource[]>();
  const all = () => [...builtinResources, ...[...custom.values()].flat()];
  let index = indexOf(all());
  return {
    find: (group, version, plural) => index.get(`${group}/${version}/${plural}`),
    findKind: (group, kind) => all().find((resource) => resource.group === group && resource.kind === kind),
    all,
    setCustom(definition, resources) {
      if (resources.length === 0) custom.delete(definition);
      else custom.set(definition, resources);
      index = indexOf(all());
    },
  };
}

function indexOf(resources: readonly Resource[]): ReadonlyMap<string, Resource> {
  return new Map(resources.map((resource) => [`${resource.group}/${resource.version}/${resource.plural}`, resource]));
}
