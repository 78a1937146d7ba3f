import { describeLife } from "./life.ts";

// The route says that it is accepted two seconds before Envoy hears of it, and the gateway and the nodes know of a change
// of endpoints three seconds late. Whoever has such a data plane says so by `settle`.
describeLife("a whole life behind a gateway and on nodes that lag", {
  gatewayLagMs: 2000,
  endpointLagMs: 3000,
  spec: { traffic: { settle: "4s", drain: "3s", gatewayAPI: { routeRefs: [{ name: "web", addBackends: true }] } } },
});
