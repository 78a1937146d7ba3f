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
