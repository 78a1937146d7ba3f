import type { Share } from "../api/share.ts";
import { apiVersionOf, kinds } from "../kube/kinds.ts";
import type { GatewayRoute, ParentReference, RouteRule } from "../kube/objects.ts";
import { findPairs, weightOf } from "./backendPair.ts";
import { fieldManagers } from "./fieldManagers.ts";
import type { OwnRoute } from "./gatewayAPI.ts";
import { demandOf, narrowed, rulesProblem } from "./matchRoute.ts";
import { mirrorFilter, mirrorOf, mirrorProblem } from "./mirror.ts";
import { isApplied, isOwned, owned } from "./ownedObject.ts";
import { percentOf } from "./pairWeights.ts";
import {
  type Backends,
  type Demand,
  type RouteInput,
  routeKey,
  type RouteProblem,
  type RouteRef,
  type RouteView,
  type RouteWrite,
} from "./router.ts";
import { routeAcceptance } from "./routeStatus.ts";
import { isSticky, MAX_RULES, stickyCount, stickyRules } from "./stickyRules.ts";

/** The route that Aviary owns goes by the target's name. */
export function ownRouteRef(route: OwnRoute, backends: Backends): RouteRef {
  const kind = route.kind === "HTTPRoute" ? kinds.httpRoute : kinds.grpcRoute;
  return { kind, namespace: backends.namespace, name: backends.name };
}

export function readOwnRoute(route: OwnRoute, input: RouteInput<unknown>): RouteView {
  const { backends } = input;
  const actual = current(route, input);
  if (actual === undefined) {
    const problem = ownProblem(route, input);
    return {
      ...(problem === undefined ? {} : { problem }),
      weight: undefined,
      uniform: false,
      acceptance: { state: "unknown", message: `${route.kind} ${backends.name} does not exist yet` },
      managers: [],
    };
  }
  const { affinity } = demandOf(input);
  const rules = (actual.spec.rules ?? []).filter((rule) => affinity === undefined || !isSticky(rule, affinity));
  const search = { rules, namespace: backends.namespace, backends, addBackends: false };
  const percents = findPairs(search).map(({ refs, pair }) => percentOf(refs.map(weightOf), pair));
  const weight = percents.length === 0 ? undefined : Math.max(...percents);
  const matched = search.rules.some(isMatched(backends));
  const mirror = Math.max(0, ...search.rules.map((rule) => mirrorOf(rule, backends, backends.namespace)));
  const problem = isOwned(actual, backends.name) ? ownProblem(route, input) : conflict(actual);
  return {
    ...(problem === undefined ? {} : { problem }),
    weight,
    ...(matched ? { matched } : {}),
    ...(mirror === 0 ? {} : { mirror }),
    uniform: weight !== undefined && isApplied(desired(route, input, { weight, matched, mirror }), actual),
    acceptance: routeAcceptance(actual),
    managers: fieldManagers(actual, ["f:spec", "f:rules"]),
  };
}

export function planOwnRoute(route: OwnRoute, input: RouteInput<unknown>, share: Share): readonly RouteWrite[] {
  return applyUnlessCurrent(route, input, desired(route, input, share));
}

/** The route stays, for the apex Service alone, so that traffic goes on. */
export function releaseOwnRoute(route: OwnRoute, input: RouteInput<unknown>): readonly RouteWrite[] {
  if (current(route, input) === undefined) return [];
  const { backends } = input;
  const rules = rulesOf(route, backends).map(({ rule, port }) => ({
    ...rule,
    backendRefs: [backendRef(backends.name, port, 100)],
  }));
  return applyUnlessCurrent(route, input, objectOf(route, backends, rules));
}

function applyUnlessCurrent(route: OwnRoute, input: RouteInput<unknown>, object: GatewayRoute): readonly RouteWrite[] {
  const actual = current(route, input);
  if (actual !== undefined && !isOwned(actual, input.backends.name)) return [];
  if (actual !== undefined && isApplied(object, actual)) return [];
  return [{ type: "apply", ref: ownRouteRef(route, input.backends), object }];
}

/** For every rule the one with the pair, and before it, in an A/B test, the one for what matches. */
function desired(route: OwnRoute, input: RouteInput<unknown>, { weight, matched, mirror = 0 }: Share): GatewayRoute {
  const { backends } = input;
  const { affinity } = demandOf(input);
  const rules = rulesOf(route, backends).flatMap(({ rule, port }) => {
    const canary = backendRef(backends.canary, port, 100);
    const copies = mirror === 0 ? [] : [mirrorFilter(mirror, { canary, backends })];
    const primary = backendRef(backends.primary, port, 100 - weight);
    const copied = copies.length === 0 ? rule : { ...rule, filters: [...(rule.filters ?? []), ...copies] };
    if (affinity !== undefined && weight > 0 && weight < 100) {
      return stickyRules({ rule: copied, primary, canary, affinity, weight });
    }
    return [
      ...(matched === true ? narrowed(rule, [canary], demandOf(input)) : []),
      { ...copied, backendRefs: [primary, { ...canary, weight }] },
    ];
  });
  return objectOf(route, backends, rules);
}

/** The rules as the user wrote them, and the port of the Services that each leads to. */
function rulesOf(
  route: OwnRoute,
  backends: Backends,
): readonly { readonly rule: RouteRule; readonly port: number; readonly index: number }[] {
  const written: NonNullable<OwnRoute["rules"]> = route.rules ?? [{}];
  return written.map(({ port = backends.port, ...rule }, index) => ({ rule: defined(rule), port, index }));
}

function ownProblem(route: OwnRoute, input: RouteInput<unknown>): RouteProblem | undefined {
  const managed = rulesOf(route, input.backends);
  const name = "traffic.gatewayAPI.route";
  const rules = managed.map(({ rule }) => rule);
  return (
    rulesProblem(name, rules, { input, pairs: managed }) ??
    mirrorProblem(name, managed, demandOf(input)) ??
    tooSticky(rules.length, demandOf(input))
  );
}

function tooSticky(rules: number, { affinity }: Demand): RouteProblem | undefined {
  const needed = affinity === undefined ? 0 : rules * stickyCount(affinity);
  if (needed <= MAX_RULES) return undefined;
  return {
    reason: "RouteConflict",
    message: `strategy.canary.sessionAffinity needs ${needed} rules for ${rules} of traffic.gatewayAPI.route, and a route has ${MAX_RULES} at most`,
    hint: "Take fewer steps with different weights, or fewer rules.",
  };
}

/** A rule of ours for what matches lists the canary alone. */
function isMatched(backends: Backends): (rule: RouteRule) => boolean {
  return ({ backendRefs = [] }) => backendRefs.length === 1 && backendRefs[0]?.name === backends.canary;
}

function objectOf(route: OwnRoute, backends: Backends, rules: readonly RouteRule[]): GatewayRoute {
  const { kind } = ownRouteRef(route, backends);
  const parentRefs = route.parentRefs as readonly ParentReference[];
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
