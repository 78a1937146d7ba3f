import { literal } from "./dataPlane.ts";
import type { DataPlane } from "./dataPlane.ts";

/** Linkerd: what the proxies of the workloads report of requests that come in. */
export const linkerd: DataPlane = {
  name: "Linkerd",
  controllers: ["linkerd.io/policy-controller"],
  hint: "inject the proxy into the pods, and let Prometheus scrape it",
  metrics: ({ namespace, kind, workload }) => ({
    label: kind.toLowerCase(),
    canary: literal(workload.canary),
    primary: literal(workload.primary),
    scope: `direction="inbound",namespace="${namespace}"`,
    requests: "response_total",
    failed: 'classification="failure"',
    latency: { metric: "response_latency_ms", unitMs: 1 },
  }),
};
