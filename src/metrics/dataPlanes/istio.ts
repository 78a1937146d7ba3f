import { literal } from "./dataPlane.ts";
import type { DataPlane } from "./dataPlane.ts";

/** Istio: what the sidecars, or the waypoint, of the workloads report. */
export const istio: DataPlane = {
  name: "Istio",
  controllers: ["istio.io/gateway-controller", "istio.io/mesh-controller"],
  hint: "give the pods sidecars or a waypoint, and let Prometheus scrape them",
  metrics: ({ namespace, workload }) => ({
    label: "destination_workload",
    canary: literal(workload.canary),
    primary: literal(workload.primary),
    scope: `reporter=~"destination|waypoint",destination_workload_namespace="${namespace}"`,
    requests: "istio_requests_total",
    failed: 'response_code=~"5.."',
    latency: { metric: "istio_request_duration_milliseconds", unitMs: 1 },
  }),
};
