import { literal } from "./dataPlane.ts";
import type { DataPlane, Pattern, Subject } from "./dataPlane.ts";

/**
 * Envoy Gateway: one cluster for all backends of a rule, `httproute/<namespace>/<route>/rule/<n>`, unless a backend has
 * filters of its own. Then each has one, by its place in the list; the pair stands there as primary, canary.
 */
export const envoyGateway: DataPlane = {
  name: "EnvoyGateway",
  controllers: ["gateway.envoyproxy.io/gatewayclass-controller"],
  hint: "it counts all backends of a rule as one, unless they have filters: add to both backendRefs of the pair a filter of type RequestHeaderModifier, the primary first, or let the application expose HTTP metrics",
  metrics: (subject) => ({
    label: "envoy_cluster_name",
    canary: clusterOf(subject, 1),
    primary: clusterOf(subject, 0),
    scope: "",
    requests: "envoy_cluster_upstream_rq",
    failed: 'envoy_response_code=~"5.."',
    latency: { metric: "envoy_cluster_upstream_rq_time", unitMs: 1 },
  }),
};

function clusterOf({ routes }: Subject, place: number): Pattern {
  const all = routes.map(({ kind, namespace, name }) => {
    return `${kind.toLowerCase()}/${literal(namespace)}/${literal(name)}/rule/[0-9]+/backend/${place}`;
  });
  return all.join("|");
}
