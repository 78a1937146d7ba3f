import { anyName, literal } from "./dataPlane.ts";
import type { DataPlane } from "./dataPlane.ts";

/** Envoy under Contour: a cluster for each Service, named `<namespace>_<service>_<port>`. */
export const contour: DataPlane = {
  name: "Contour",
  controllers: ["projectcontour.io/gateway-controller", "sandbox.aviary.dev/gateway"],
  hint: "let Prometheus scrape Envoy at /stats/prometheus",
  metrics: ({ namespace, service }) => ({
    label: "envoy_cluster_name",
    canary: `${literal(namespace)}_${literal(service.canary)}_[0-9a-zA-Z-]+`,
    primary: `${literal(namespace)}_${anyName(service.primary)}_[0-9a-zA-Z-]+`,
    scope: "",
    requests: "envoy_cluster_upstream_rq",
    failed: 'envoy_response_code=~"5.."',
    latency: { metric: "envoy_cluster_upstream_rq_time", unitMs: 1 },
  }),
};
