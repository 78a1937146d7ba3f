import { rememberByObject } from "../lib/remember.ts";
import type { ResourceKind } from "./port.ts";

const aviary = (kind: string, plural: string, namespaced = true): ResourceKind => ({
  group: "aviary.dev",
  version: "v1beta1",
  kind,
  plural,
  namespaced,
});

const builtIn = (group: string, kind: string, plural: string, namespaced = true): ResourceKind => ({
  group,
  version: "v1",
  kind,
  plural,
  namespaced,
});

/** What pods are configured with: watched without its values. */
const configuration = (kind: string, plural: string): ResourceKind => ({
  ...builtIn("", kind, plural),
  metadataOnly: true,
});

/** The kinds that Aviary reads or writes. */
export const kinds = {
  canary: aviary("Canary", "canaries"),
  canaryAction: aviary("CanaryAction", "canaryactions"),
  metricProvider: aviary("MetricProvider", "metricproviders"),
  clusterMetricProvider: aviary("ClusterMetricProvider", "clustermetricproviders", false),
  analysisTemplate: aviary("AnalysisTemplate", "analysistemplates"),
  clusterAnalysisTemplate: aviary("ClusterAnalysisTemplate", "clusteranalysistemplates", false),
  namespace: builtIn("", "Namespace", "namespaces", false),
  service: builtIn("", "Service", "services"),
  pod: builtIn("", "Pod", "pods"),
  configMap: configuration("ConfigMap", "configmaps"),
  secret: configuration("Secret", "secrets"),
  event: builtIn("", "Event", "events"),
  deployment: builtIn("apps", "Deployment", "deployments"),
  daemonSet: builtIn("apps", "DaemonSet", "daemonsets"),
  statefulSet: builtIn("apps", "StatefulSet", "statefulsets"),
  job: builtIn("batch", "Job", "jobs"),
  endpointSlice: builtIn("discovery.k8s.io", "EndpointSlice", "endpointslices"),
  ingress: builtIn("networking.k8s.io", "Ingress", "ingresses"),
  networkPolicy: builtIn("networking.k8s.io", "NetworkPolicy", "networkpolicies"),
  podDisruptionBudget: builtIn("policy", "PodDisruptionBudget", "poddisruptionbudgets"),
  horizontalPodAutoscaler: {
    ...builtIn("autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    version: "v2",
  },
  /** KEDA's; looked at only where there is a sign of it. */
  scaledObject: { ...builtIn("keda.sh", "ScaledObject", "scaledobjects"), version: "v1alpha1" },
  lease: builtIn("coordination.k8s.io", "Lease", "leases"),
  httpRoute: builtIn("gateway.networking.k8s.io", "HTTPRoute", "httproutes"),
  grpcRoute: builtIn("gateway.networking.k8s.io", "GRPCRoute", "grpcroutes"),
  tcpRoute: builtIn("gateway.networking.k8s.io", "TCPRoute", "tcproutes"),
  tlsRoute: builtIn("gateway.networking.k8s.io", "TLSRoute", "tlsroutes"),
  referenceGrant: builtIn("gateway.networking.k8s.io", "ReferenceGrant", "referencegrants"),
} as const satisfies Record<string, ResourceKind>;

/**
 * Versions of kinds whose newest one is young. A cluster serves one of them, or both with the same objects; the newest
 * comes first.
 */
export const versionsOf = {
  tcpRoute: [kinds.tcpRoute, { ...kinds.tcpRoute, version: "v1alpha2" }],
  tlsRoute: [kinds.tlsRoute, { ...kinds.tlsRoute, version: "v1alpha2" }],
  referenceGrant: [kinds.referenceGrant, { ...kinds.referenceGrant, version: "v1beta1" }],
} as const satisfies Record<string, readonly ResourceKind[]>;

/** `apiVersion` as it stands in an object of this kind. */
export function apiVersionOf(kind: ResourceKind): string {
  return kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
}

/** What tells a kind in a version from all others. It is asked for at every look into a cache, so that it is made once. */
export const kindId = rememberByObject((kind: ResourceKind) => `${apiVersionOf(kind)}/${kind.plural}`);

/** URL path of a collection or of one object below it, without a query. */
export function pathOf(kind: ResourceKind, namespace?: string, name?: string, subresource?: string): string {
  const root = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const scope = kind.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  const object = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  const below = subresource === undefined ? "" : `/${subresource}`;
  return `${root}${scope}/${kind.plural}${object}${below}`;
}
