import { apiVersionOf, kinds } from "../kube/kinds.ts";
import type { GatewayRoute, ParentReference, RouteRule } from "../kube/objects.ts";
import { findPairs, weightOf } from "./backendPair.ts";
import { fieldManagers } from "./fieldManagers.ts";
import type { OwnRoute } from "./gatewayAPI.ts";
import { isApplied, isOwned, owned } from "./ownedObject.ts";
import { percentOf } from "./pairWeights.ts";
import { type Backends, type RouteInput, routeKey, type RouteRef, type RouteView, type RouteWrite } from "./router.ts";
import { routeAcceptance } from "./routeStatus.ts";

/** The route that Aviary owns goes by the target's name. */
export function ownRouteRef(route: OwnRoute, backends: Backends): RouteRef {
  const kind = route.kind === "HTTPRoute" ? kinds.httpRoute : kinds.grpcRoute;
  return { kind, namespace: backends.namespace, name: backends.name };
}

export function readOwnRoute(route: OwnRoute, input: RouteInput<unknown>): RouteView {
  const { backends } = input;
  const actual = current(route, input);
  if (actual === undefined) {
    return {
      weight: undefined,
      uniform: false,
      acceptance: { state: "unknown", message: `${route.kind} ${backends.name} does not exist yet` },
      managers: [],
    };
  }
  const search = { rules: actual.spec.rules ?? [], namespace: backends.namespace, backends, addBackends: false };
  const percents = findPairs(search).map(({ refs, pair }) => percentOf(refs.map(weightOf), pair));
  const weight = percents.length === 0 ? undefined : Math.max(...percents);
  return {
    ...(isOwned(actual, backends.name) ? {} : { problem: conflict(actual) }),
    weight,
    uniform: weight !== undefined && isApplied(desired(route, backends, pairRefs(backends, weight)), actual),
    acceptance: routeAcceptance(actual),
    managers: fieldManagers(actual, ["f:spec", "f:rules"]),
  };
}

export function planOwnRoute(route: OwnRoute, input: RouteInput<unknown>, weight: number): readonly RouteWrite[] {
  return applyUnlessCurrent(route, input, pairRefs(input.backends, weight));
}

/** The route stays, for the apex Service alone, so that traffic goes on. */
export function releaseOwnRoute(route: OwnRoute, input: RouteInput<unknown>): readonly RouteWrite[] {
  if (current(route, input) === undefined) return [];
  return applyUnlessCurrent(route, input, [backendRef(input.backends.name, input.backends.port, 100)]);
}

function applyUnlessCurrent(
  route: OwnRoute,
  input: RouteInput<unknown>,
  backendRefs: RouteRule["backendRefs"],
): readonly RouteWrite[] {
  const actual = current(route, input);
  if (actual !== undefined && !isOwned(actual, input.backends.name)) return [];
  const object = desired(route, input.backends, backendRefs);
  if (actual !== undefined && isApplied(object, actual)) return [];
  return [{ type: "apply", ref: ownRouteRef(route, input.backends), object }];
}

function desired(route: OwnRoute, backends: Backends, backendRefs: RouteRule["backendRefs"]): GatewayRoute {
  const { kind } = ownRouteRef(route, backends);
  const parentRefs = route.parentRefs as readonly ParentReference[];
  const rules = (route.rules ?? [{}]).map((rule) => ({ ...defined(rule), backendRefs }) as RouteRule);
  const object: GatewayRoute = {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: { name: backends.name, namespace: backends.namespace },
    spec: { parentRefs, ...(route.hostnames === undefined ? {} : { hostnames: route.hostnames }), rules },
  };
  return owned(object, backends.name);
}

function defined(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function pairRefs(backends: Backends, weight: number): RouteRule["backendRefs"] {
  return [
    backendRef(backends.primary, backends.port, 100 - weight),
    backendRef(backends.canary, backends.port, weight),
  ];
}

function backendRef(name: string, port: number, weight: number) {
  return { group: "", kind: "Service", name, port, weight };
}

function current(route: OwnRoute, input: RouteInput<unknown>): GatewayRoute | undefined {
  return input.objects.get(routeKey(ownRouteRef(route, input.backends))) as GatewayRoute | undefined;
}

function conflict(actual: GatewayRoute): NonNullable<RouteView["problem"]> {
  const { kind, metadata } = actual;
  return {
    reason: "RouteConflict",
    message: `${kind} ${metadata.name} exists already and was not made by Aviary`,
    hint: `Delete ${kind} ${metadata.name}, or let Aviary move its weights: replace traffic.gatewayAPI.route by routeRefs: [{ kind: ${kind}, name: ${metadata.name} }].`,
  };
}
