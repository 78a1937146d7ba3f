/** What scales and guards a workload, as far as Aviary reads it; see `objects.ts`. Copies keep fields that are not listed. */
import type { LabelSelector } from "./objects.ts";
import type { KubeObject } from "./port.ts";

/** What an autoscaler scales. KEDA takes a Deployment where `kind` is left out. */
export interface ScaleTargetRef {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name: string;
}

/** `autoscaling/v2`. */
export interface HorizontalPodAutoscaler extends KubeObject {
  readonly spec: {
    readonly scaleTargetRef: ScaleTargetRef;
    /** 1 when left out. */
    readonly minReplicas?: number;
    readonly maxReplicas: number;
    readonly [other: string]: unknown;
  };
}

/** `keda.sh/v1alpha1`. */
export interface ScaledObject extends KubeObject {
  readonly spec: {
    readonly scaleTargetRef: ScaleTargetRef;
    /** 0 when left out. */
    readonly minReplicaCount?: number;
    /** 100 when left out. */
    readonly maxReplicaCount?: number;
    /** Replicas while no trigger is active, below the minimum. */
    readonly idleReplicaCount?: number;
    readonly advanced?: {
      readonly horizontalPodAutoscalerConfig?: { readonly name?: string; readonly [other: string]: unknown };
      readonly [other: string]: unknown;
    };
    readonly triggers?: readonly {
      readonly name?: string;
      readonly type: string;
      readonly metadata?: Readonly<Record<string, string>>;
      readonly [other: string]: unknown;
    }[];
    readonly [other: string]: unknown;
  };
}

/** `policy/v1`: an absent selector selects nobody, an empty one everybody. */
export interface PodDisruptionBudget extends KubeObject {
  readonly spec?: { readonly selector?: LabelSelector; readonly [other: string]: unknown };
}

export interface NetworkPolicyPeer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly [other: string]: unknown;
}

export interface NetworkPolicy extends KubeObject {
  readonly spec?: {
    /** Absent and empty select every pod of the namespace. */
    readonly podSelector?: LabelSelector;
    readonly ingress?: readonly { readonly from?: readonly NetworkPolicyPeer[]; readonly [other: string]: unknown }[];
    readonly egress?: readonly { readonly to?: readonly NetworkPolicyPeer[]; readonly [other: string]: unknown }[];
    readonly [other: string]: unknown;
  };
}
