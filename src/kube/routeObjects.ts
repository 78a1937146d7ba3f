/** The parts of the objects that route traffic which Aviary reads or writes; see `objects.ts`. */
import type { Condition } from "./objects.ts";
import type { KubeObject } from "./port.ts";

// --- Ingress ---------------------------------------------------------------------------------------------------------

export interface IngressBackend {
  readonly service?: { readonly name: string; readonly port?: { readonly name?: string; readonly number?: number } };
  readonly resource?: unknown;
}

export interface IngressPath {
  readonly path?: string;
  readonly pathType?: string;
  readonly backend: IngressBackend;
}

export interface IngressRule {
  readonly host?: string;
  readonly http?: { readonly paths: readonly IngressPath[] };
}

export interface Ingress extends KubeObject {
  readonly spec: {
    readonly ingressClassName?: string;
    readonly defaultBackend?: IngressBackend;
    readonly rules?: readonly IngressRule[];
    readonly tls?: readonly { readonly hosts?: readonly string[]; readonly secretName?: string }[];
  };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly unknown[] } };
}

// --- Gateway API -----------------------------------------------------------------------------------------------------

export interface ParentReference {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
  readonly sectionName?: string;
  readonly port?: number;
}

export interface BackendRef {
  /** Empty, the default, is the core group. */
  readonly group?: string;
  /** Default Service. */
  readonly kind?: string;
  /** Default: the namespace of the route. */
  readonly namespace?: string;
  readonly name: string;
  readonly port?: number;
  /** Share among the refs of a rule; the API server fills in 1. */
  readonly weight?: number;
  readonly filters?: readonly unknown[];
}

/** A rule of an HTTPRoute or a GRPCRoute; matches, filters and the rest are not Aviary's business. */
export interface RouteRule {
  readonly name?: string;
  readonly matches?: readonly unknown[];
  readonly filters?: readonly unknown[];
  readonly backendRefs?: readonly BackendRef[];
  readonly [other: string]: unknown;
}

export interface RouteParentStatus {
  readonly parentRef: ParentReference;
  readonly controllerName: string;
  /** `Accepted`, `ResolvedRefs`, with observedGeneration. */
  readonly conditions?: readonly Condition[];
}

export interface GatewayRoute extends KubeObject {
  readonly spec: {
    readonly parentRefs?: readonly ParentReference[];
    readonly hostnames?: readonly string[];
    readonly rules?: readonly RouteRule[];
    readonly [other: string]: unknown;
  };
  readonly status?: { readonly parents?: readonly RouteParentStatus[] };
}

export type HTTPRoute = GatewayRoute;
export type GRPCRoute = GatewayRoute;
