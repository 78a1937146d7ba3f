import { describeLife } from "./life.ts";

// The route says that it is accepted two seconds before Envoy hears of it, and the gateway and the nodes know of a change
// of endpoints three seconds late. The wait is what Aviary takes for a Gateway API when it is not told otherwise.
describeLife("a whole life behind a gateway and on nodes that lag", {
  gatewayLagMs: 2000,
  endpointLagMs: 3000,
  spec: { traffic: { drain: "3s", gatewayAPI: { routeRefs: [{ name: "web", addBackends: true }] } } },
});
