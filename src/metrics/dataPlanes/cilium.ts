import { literal } from "./dataPlane.ts";
import type { DataPlane } from "./dataPlane.ts";

/** Cilium: Hubble's HTTP metrics, where they hold the workload. */
export const cilium: DataPlane = {
  name: "Cilium",
  controllers: ["io.cilium/gateway-controller"],
  hint: "enable Hubble's metric httpV2 with labelsContext=destination_namespace,destination_workload",
  metrics: ({ namespace, workload }) => ({
    label: "destination_workload",
    canary: literal(workload.canary),
    primary: literal(workload.primary),
    scope: `destination_namespace="${namespace}"`,
    requests: "hubble_http_requests_total",
    failed: 'status=~"5.."',
    latency: { metric: "hubble_http_request_duration_seconds", unitMs: 1_000 },
  }),
};
