import type { Canary } from "../api/canary.ts";
import type { Service, ServicePort, WorkloadObject } from "../kube/objects.ts";

/**
 * Ports of the leaf Services: what the Canary says, else those of the apex Service, else the container ports of the
 * target. Empty when nobody says any.
 */
export function portsOf(
  canary: Canary,
  apex: Service | undefined,
  target: WorkloadObject | undefined,
): readonly ServicePort[] {
  const { service } = canary.spec;
  if (service?.ports !== undefined) {
    return service.ports.map(({ name, port, targetPort, protocol, appProtocol }) => ({
      name,
      port,
      targetPort: targetPort ?? port,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    }));
  }
  if (service?.port !== undefined) {
    return [{ name: "http", port: service.port, targetPort: service.targetPort ?? service.port, protocol: "TCP" }];
  }
  if (apex?.spec.ports !== undefined && apex.spec.ports.length > 0) {
    return apex.spec.ports.map(({ nodePort: _nodePort, ...port }) => port);
  }
  const containers = target?.spec.template.spec.containers ?? [];
  return containers
    .flatMap(({ ports }) => ports ?? [])
    .map(({ name, containerPort, protocol }) => ({
      name: name ?? `port-${containerPort}`,
      port: containerPort,
      targetPort: containerPort,
      protocol: protocol ?? "TCP",
    }));
}
