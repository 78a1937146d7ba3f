import { kinds } from "../../src/kube/kinds.ts";
import type { HTTPRoute } from "../../src/kube/objects.ts";
import type { Kube } from "../../src/kube/port.ts";
import { sandboxKinds, type Gateway } from "../../src/sandbox/kinds.ts";
import type { RouteEntry, RouteMatch } from "../../src/sandbox/gateway/model.ts";

/** A Gateway that everybody may attach to. */
export function aGateway(name = "gateway"): Gateway {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name, namespace: "default" },
    spec: {
      gatewayClassName: "sandbox",
      listeners: [{ name: "http", port: 80, protocol: "HTTP", allowedRoutes: { namespaces: { from: "All" } } }],
    },
  };
}

/** A route that splits everything for a host between Services. */
export function aRoute(weights: Readonly<Record<string, number>>, spec: Partial<HTTPRoute["spec"]> = {}): HTTPRoute {
  const backendRefs = Object.entries(weights).map(([name, weight]) => ({ name, port: 80, weight }));
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "web", namespace: "default" },
    spec: { parentRefs: [{ name: "gateway" }], hostnames: ["web.test"], rules: [{ backendRefs }], ...spec },
  };
}

export async function applyRoute(kube: Kube, route: HTTPRoute): Promise<void> {
  await kube.apply(kinds.httpRoute, route, { force: true });
}

export async function applyGateway(kube: Kube): Promise<void> {
  await kube.apply(sandboxKinds.gateway, aGateway(), { force: true });
}

/** A line of a route table, by name. */
export function anEntry(
  id: string,
  match: Partial<RouteMatch>,
  hostname?: string,
  created = "2026-01-01T00:00:00Z",
): RouteEntry {
  return {
    hostname,
    match: { path: { type: "PathPrefix", value: "/" }, headers: [], query: [], ...match },
    target: { id, backends: [], timeoutMs: undefined },
    age: { created, key: `default/${id}`, rule: 0 },
  };
}
