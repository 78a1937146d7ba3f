/**
 * The parts of the built-in objects that Aviary reads or writes. What is not listed survives: objects are never rebuilt
 * from these types, only patched, or copied whole (`PodTemplateSpec`).
 * Ingresses and the Gateway API, workloads, and what scales and guards them, have files of
 * their own and are exported from here as well.
 */
import type { KubeObject, ObjectMeta } from "./port.ts";

export type * from "./companionObjects.ts";
export type * from "./routeObjects.ts";
export type * from "./workloadObjects.ts";

export type Labels = Readonly<Record<string, string>>;

/** A condition as in `metav1.Condition`; older kinds (Deployment, Pod) leave `observedGeneration` out. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime?: string;
}

export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly LabelSelectorRequirement[];
}

export interface LabelSelectorRequirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: readonly string[];
}

/** A number, or the name of a port, or a percentage. */
export type IntOrString = number | string;

// --- Pods ------------------------------------------------------------------------------------------------------------

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly hostPort?: number;
  readonly protocol?: string;
}

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly configMapKeyRef?: { readonly name: string; readonly key: string; readonly optional?: boolean };
    readonly secretKeyRef?: { readonly name: string; readonly key: string; readonly optional?: boolean };
    readonly [other: string]: unknown;
  };
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly ports?: readonly ContainerPort[];
  readonly env?: readonly EnvVar[];
  readonly envFrom?: readonly {
    readonly prefix?: string;
    readonly configMapRef?: { readonly name: string; readonly optional?: boolean };
    readonly secretRef?: { readonly name: string; readonly optional?: boolean };
  }[];
  readonly [other: string]: unknown;
}

export interface Volume {
  readonly name: string;
  readonly persistentVolumeClaim?: { readonly claimName: string; readonly readOnly?: boolean };
  readonly configMap?: { readonly name?: string; readonly optional?: boolean; readonly [other: string]: unknown };
  readonly secret?: { readonly secretName?: string; readonly optional?: boolean; readonly [other: string]: unknown };
  readonly projected?: { readonly sources?: readonly ProjectedSource[] | null; readonly [other: string]: unknown };
  readonly [other: string]: unknown;
}

export interface ProjectedSource {
  readonly configMap?: { readonly name?: string; readonly optional?: boolean; readonly [other: string]: unknown };
  readonly secret?: { readonly name?: string; readonly optional?: boolean; readonly [other: string]: unknown };
  readonly [other: string]: unknown;
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly hostNetwork?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly [other: string]: unknown;
}

/** Metadata of a template: no name of its own. */
export interface TemplateMeta {
  readonly labels?: Labels;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [other: string]: unknown;
}

/** Copied whole from the target to the primary, so unknown fields stay as they are. */
export interface PodTemplateSpec {
  readonly metadata?: TemplateMeta;
  readonly spec: PodSpec;
  readonly [other: string]: unknown;
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly image?: string;
  readonly started?: boolean;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

/** At most one is present. */
export interface ContainerState {
  /** Such as ImagePullBackOff, CrashLoopBackOff, CreateContainerConfigError. */
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: { readonly startedAt?: string };
  /** Such as OOMKilled, Error. */
  readonly terminated?: {
    readonly exitCode: number;
    readonly reason?: string;
    readonly message?: string;
    readonly signal?: number;
    readonly finishedAt?: string;
  };
}

export interface Pod extends KubeObject {
  readonly spec: PodSpec & { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
    readonly reason?: string;
    readonly message?: string;
    readonly podIP?: string;
    readonly startTime?: string;
    readonly conditions?: readonly Condition[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

// --- Services --------------------------------------------------------------------------------------------------------

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: IntOrString;
  readonly protocol?: string;
  readonly appProtocol?: string;
  readonly nodePort?: number;
}

export interface Service extends KubeObject {
  readonly spec: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly selector?: Labels;
    readonly ports?: readonly ServicePort[];
    readonly [other: string]: unknown;
  };
}

export interface Endpoint {
  readonly addresses: readonly string[];
  /** `ready` absent means ready. */
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
  readonly targetRef?: {
    readonly kind?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly uid?: string;
  };
  readonly nodeName?: string;
  readonly zone?: string;
}

/** Label that ties a slice to its Service. */
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";
/** Label that says who keeps a slice; foreign values are left alone by the endpoint slice controller. */
export const SLICE_MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by";

export interface EndpointSlice extends KubeObject {
  readonly addressType: "IPv4" | "IPv6" | "FQDN";
  readonly endpoints?: readonly Endpoint[] | null;
  readonly ports?:
    | readonly {
        readonly name?: string;
        readonly port?: number;
        readonly protocol?: string;
        readonly appProtocol?: string;
      }[]
    | null;
}

// --- The rest --------------------------------------------------------------------------------------------------------

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  /** Values in base64. */
  readonly binaryData?: Readonly<Record<string, string>>;
}

export interface Secret extends KubeObject {
  readonly type?: string;
  /** Values in base64. */
  readonly data?: Readonly<Record<string, string>>;
}

export interface Namespace extends KubeObject {
  readonly status?: { readonly phase?: "Active" | "Terminating" };
}

export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    /** RFC 3339 with microseconds. */
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export interface ObjectReference {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** The Event of core/v1: that of `events.k8s.io` may not say what `kubectl describe` sorts by (see `events.ts`). */
export interface KubeEvent extends KubeObject {
  readonly metadata: ObjectMeta;
  readonly eventTime: string;
  readonly reportingComponent: string;
  readonly reportingInstance: string;
  readonly source: { readonly component: string };
  readonly action: string;
  readonly reason: string;
  readonly message: string;
  readonly type: "Normal" | "Warning";
  readonly involvedObject: ObjectReference;
  readonly related?: ObjectReference;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  readonly count: number;
  /** Present from the second occurrence on. */
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

/** Whether an object is on its way out: deleted, but held by finalizers or a grace period. */
export function isTerminating(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/** Resource versions of one kind may be compared as numbers (Kubernetes API conventions; KEP-5504). */
export function resourceVersionOf({ metadata }: KubeObject): bigint {
  const text = metadata.resourceVersion ?? "0";
  return /^[0-9]+$/.test(text) ? BigInt(text) : 0n;
}

/** The condition of a type in a list of conditions. */
export function conditionOf(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
