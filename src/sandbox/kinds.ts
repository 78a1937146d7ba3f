import type { Condition, LabelSelector, PodTemplateSpec } from "../kube/objects.ts";
import { kinds } from "../kube/kinds.ts";
import type { KubeObject, ResourceKind } from "../kube/port.ts";

const kindOf = (group: string, kind: string, plural: string, namespaced = true): ResourceKind => ({
  group,
  version: "v1",
  kind,
  plural,
  namespaced,
});

/** Kinds that only the sandbox's own controllers and gateway touch; Aviary's are in `kube/kinds.ts`. */
export const sandboxKinds = {
  replicaSet: kindOf("apps", "ReplicaSet", "replicasets"),
  controllerRevision: kindOf("apps", "ControllerRevision", "controllerrevisions"),
  node: kindOf("", "Node", "nodes", false),
  gateway: kindOf("gateway.networking.k8s.io", "Gateway", "gateways"),
  gatewayClass: kindOf("gateway.networking.k8s.io", "GatewayClass", "gatewayclasses", false),
} as const satisfies Record<string, ResourceKind>;

const byName = new Map<string, ResourceKind>(
  Object.values<ResourceKind>({ ...kinds, ...sandboxKinds }).map((kind) => [`${kind.group}/${kind.kind}`, kind]),
);

/** The kind of an object by what its manifest says, whatever the version; undefined when nobody here knows it. */
export function kindNamed(apiVersion: string, kind: string): ResourceKind | undefined {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  return byName.get(`${group}/${kind}`);
}

export interface ReplicaSet extends KubeObject {
  readonly spec: {
    readonly replicas?: number;
    readonly minReadySeconds?: number;
    readonly selector: LabelSelector;
    readonly template: PodTemplateSpec;
  };
  readonly status?: ReplicaSetStatus;
}

export interface ReplicaSetStatus {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly fullyLabeledReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly conditions?: readonly Condition[];
}

/** A template that a StatefulSet has had. */
export interface ControllerRevision extends KubeObject {
  readonly revision: number;
  readonly data: { readonly template: PodTemplateSpec };
}

export interface Listener {
  readonly name: string;
  readonly hostname?: string;
  readonly port: number;
  readonly protocol: string;
  readonly allowedRoutes?: {
    readonly namespaces?: { readonly from?: "All" | "Same" | "Selector" | "None"; readonly selector?: LabelSelector };
    readonly kinds?: readonly { readonly group?: string; readonly kind: string }[];
  };
}

export interface ListenerStatus {
  readonly name: string;
  readonly attachedRoutes: number;
  readonly supportedKinds: readonly { readonly group?: string; readonly kind: string }[];
  readonly conditions: readonly Condition[];
}

export interface Gateway extends KubeObject {
  readonly spec: { readonly gatewayClassName: string; readonly listeners: readonly Listener[] };
  readonly status?: {
    readonly addresses?: readonly { readonly type?: string; readonly value: string }[];
    readonly conditions?: readonly Condition[];
    readonly listeners?: readonly ListenerStatus[];
  };
}

/** Time as Kubernetes writes it: RFC 3339 in whole seconds. */
export function kubeTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/, "Z");
}
