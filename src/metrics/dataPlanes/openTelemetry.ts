import { podsOf } from "./dataPlane.ts";
import type { DataPlane } from "./dataPlane.ts";

/** Applications that follow OpenTelemetry's conventions for HTTP servers. */
export const openTelemetry: DataPlane = {
  name: "OpenTelemetry",
  controllers: [],
  hint: "let the application expose http.server.request.duration, with the label pod",
  metrics: ({ namespace, kind, workload }) => ({
    label: "pod",
    canary: podsOf(kind, workload.canary),
    primary: podsOf(kind, workload.primary),
    scope: `namespace="${namespace}"`,
    requests: "http_server_request_duration_seconds_count",
    failed: 'http_response_status_code=~"5.."',
    latency: { metric: "http_server_request_duration_seconds", unitMs: 1_000 },
  }),
};
