import type { Endpoint, EndpointSlice, Service, ServicePort } from "./objects.ts";

/** An endpoint gets new connections when it is ready and not on its way out. `ready` absent means ready. */
export function isReady(endpoint: Endpoint): boolean {
  return endpoint.conditions?.ready !== false && endpoint.conditions?.terminating !== true;
}

export function readyEndpoints(slices: readonly EndpointSlice[]): readonly Endpoint[] {
  return slices.flatMap((slice) => slice.endpoints ?? []).filter(isReady);
}

/** Addresses of the ready endpoints of some slices, sorted. */
export function readyAddresses(slices: readonly EndpointSlice[]): readonly string[] {
  return readyEndpoints(slices)
    .flatMap(({ addresses }) => addresses)
    .sort();
}

/**
 * An endpoint that serves though it is on its way out gets connections only while no other is ready.
 * Source: KEP-1669, "proxy terminating endpoints", stable since Kubernetes 1.28.
 */
export function isOnStandby({ conditions }: Endpoint): boolean {
  return conditions?.ready === false && conditions.serving === true && conditions.terminating === true;
}

/** How an endpoint is listed that is to be on standby. */
export const ON_STANDBY = { ready: false, serving: true, terminating: true } as const;

/** Whether a Service offers these ports. Fields that the API server fills in do not count. */
export function hasPorts(service: Service, ports: readonly ServicePort[]): boolean {
  const offered = service.spec.ports ?? [];
  // More than these is somebody else's business.
  return ports.every((port) =>
    offered.some(
      (other) =>
        other.port === port.port &&
        String(other.targetPort ?? other.port) === String(port.targetPort ?? port.port) &&
        (other.protocol ?? "TCP") === (port.protocol ?? "TCP"),
    ),
  );
}
