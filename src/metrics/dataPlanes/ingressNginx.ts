import { literal } from "./dataPlane.ts";
import type { DataPlane } from "./dataPlane.ts";

/** ingress-nginx: the label `canary` holds the upstream of the canary, `<namespace>-<service>-<port>`, and is empty else. */
export const ingressNginx: DataPlane = {
  name: "IngressNginx",
  controllers: ["k8s.io/ingress-nginx"],
  hint: "start ingress-nginx with --enable-metrics, and let Prometheus scrape it",
  metrics: ({ namespace, service, routes }) => ({
    label: "canary",
    canary: `${literal(namespace)}-${literal(service.canary)}-.+`,
    primary: "",
    scope: `namespace="${namespace}",ingress=~"${routes.map(({ name }) => literal(name)).join("|")}"`,
    requests: "nginx_ingress_controller_requests",
    failed: 'status=~"5.."',
    latency: { metric: "nginx_ingress_controller_request_duration_seconds", unitMs: 1_000 },
  }),
};
