import { podsOf } from "./dataPlane.ts";
import type { DataPlane } from "./dataPlane.ts";

/** Applications with the counter and the histogram that most client libraries' examples have. */
export const httpHistogram: DataPlane = {
  name: "HTTPHistogram",
  controllers: [],
  hint: "let the application expose http_requests_total with the label code, and http_request_duration_seconds, both with the label pod",
  metrics: ({ namespace, kind, workload }) => ({
    label: "pod",
    canary: podsOf(kind, workload.canary),
    primary: podsOf(kind, workload.primary),
    scope: `namespace="${namespace}"`,
    requests: "http_requests_total",
    failed: 'code=~"5.."',
    latency: { metric: "http_request_duration_seconds", unitMs: 1_000 },
  }),
};
