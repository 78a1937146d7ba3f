import { anyName, literal } from "./dataPlane.ts";
import type { DataPlane, Pattern } from "./dataPlane.ts";

/** Traefik: a service for each backend, whose name ends in namespace, Service and port. */
export const traefik: DataPlane = {
  name: "Traefik",
  controllers: ["traefik.io/gateway-controller"],
  hint: "start Traefik with --metrics.prometheus.addServicesLabels=true",
  metrics: ({ namespace, service }) => ({
    label: "service",
    canary: serviceOf(namespace, [service.canary]),
    primary: serviceOf(namespace, service.primary),
    scope: "",
    requests: "traefik_service_requests_total",
    failed: 'code=~"5.."',
    latency: { metric: "traefik_service_request_duration_seconds", unitMs: 1_000 },
  }),
};

function serviceOf(namespace: string, services: readonly string[]): Pattern {
  return `(?:.*-)?${literal(namespace)}-${anyName(services)}-(?:[0-9]+|http)@.+`;
}
