import type { GatewayRoute, RouteRule } from "../kube/objects.ts";
import type { PairRule } from "./backendPair.ts";
import { narrow } from "./matchRules.ts";
import { isApplied, isOwned, owned } from "./ownedObject.ts";
import type { Demand, RouteInput, RouteProblem, RouteRef, RouteWrite } from "./router.ts";
import { isGranted, notGranted } from "./routeGrants.ts";
import { routeKey } from "./router.ts";

/*
 * A route of ours beside a user's, for the time of an A/B test: the same parents, hostnames and rules, with what the
 * test matches added to every rule and the canary in the place of the pair. It wins by the precedence of the Gateway
 * API, since each of its matches has more to match than the rule that it was made from. Rules without the pair are in it
 * as well, with their own backends: they would lose their requests to a wider rule that has become longer than they are.
 */

/** Beside whose route, and the rules of it that hold the pair. */
export interface MatchRouteSource {
  readonly route: GatewayRoute;
  readonly pairs: readonly PairRule[];
  readonly input: RouteInput<unknown>;
  readonly userRef: RouteRef;
}

/** Unique for each pair of route and target, since one route may lead to several targets. */
export function matchRouteRef(
  { kind, namespace, name }: RouteRef,
  { backends }: Pick<RouteInput<unknown>, "backends">,
) {
  const own = name === backends.name ? `${name}-canary` : `${name}-${backends.canary}`;
  return { kind, namespace, name: own } satisfies RouteRef;
}

/** The route of ours, when there is one. */
export function currentMatchRoute({ userRef, input }: Pick<MatchRouteSource, "userRef" | "input">) {
  const found = input.objects.get(routeKey(matchRouteRef(userRef, input))) as GatewayRoute | undefined;
  return found !== undefined && isOwned(found, input.backends.name) ? found : undefined;
}

export function planMatchRoute(source: MatchRouteSource, matched: boolean): readonly RouteWrite[] {
  const { input, userRef } = source;
  const ref = matchRouteRef(userRef, input);
  const actual = currentMatchRoute(source);
  const object = matched ? desired(source) : undefined;
  if (object === undefined) {
    return actual?.metadata.uid === undefined ? [] : [{ type: "delete", ref, uid: actual.metadata.uid }];
  }
  const foreign = actual === undefined && input.objects.has(routeKey(ref));
  return foreign || !isGranted(ref, input) || (actual !== undefined && isApplied(object, actual))
    ? []
    : [{ type: "apply", ref, object }];
}

/** What keeps an A/B test from being made out of a user's route. */
export function matchRouteProblem(source: MatchRouteSource): RouteProblem | undefined {
  const { route, input, userRef } = source;
  const { matches } = demandOf(input);
  if (matches.length === 0) return undefined;
  const own = matchRouteRef(userRef, input);
  if (!isGranted(own, input)) return notGranted(own, input.backends);
  if (input.objects.has(routeKey(own)) && currentMatchRoute(source) === undefined) {
    return {
      reason: "RouteConflict",
      message: `${own.kind.kind} ${own.name} exists already and was not made by Aviary for ${input.backends.name}`,
      hint: `Delete or rename it: Aviary needs the name for the A/B test beside ${userRef.name}.`,
    };
  }
  return rulesProblem(`${route.kind} ${route.metadata.name}`, route.spec.rules ?? [], source);
}

/** The same for rules that Aviary makes itself. */
export function rulesProblem(
  name: string,
  rules: readonly RouteRule[],
  { input, pairs }: Pick<MatchRouteSource, "input"> & { readonly pairs: readonly { readonly index: number }[] },
): RouteProblem | undefined {
  const { matches } = demandOf(input);
  if (matches.length === 0) return undefined;
  const conflict = (where: string, what: string): RouteProblem => ({
    reason: "RouteConflict",
    message: `strategy.abTest.match cannot be told apart in ${where}: ${what}`,
    hint: "Match something that no rule of the route matches.",
  });
  for (const [index, rule] of rules.entries()) {
    const narrowed = narrow(rule, matches);
    if (!("conflict" in narrowed)) continue;
    return conflict(`rule ${index} of ${name}`, narrowed.conflict);
  }
  const reached = pairs.some(({ index }) => !isNever(rules[index] ?? {}, matches));
  return reached || pairs.length === 0 ? undefined : conflict(name, "its rules with the pair take other methods");
}

function isNever(rule: RouteRule, matches: Demand["matches"]): boolean {
  const found = narrow(rule, matches);
  return "matches" in found && found.matches.length === 0;
}

/** Rules that lead what an A/B test matches to `backendRefs`, one for each of the rules. */
export function narrowed(rule: RouteRule, backendRefs: RouteRule["backendRefs"], demand: Demand): readonly RouteRule[] {
  const found = narrow(rule, demand.matches);
  if (!("matches" in found) || found.matches.length === 0) return [];
  return [{ ...rule, matches: found.matches, ...(backendRefs === undefined ? {} : { backendRefs }) }];
}

export function demandOf({ demand }: Pick<RouteInput<unknown>, "demand">): Demand {
  return demand ?? { matches: [], mirrors: [] };
}

/** Undefined when the test is told apart in no rule with the pair. */
function desired({ route, pairs, input, userRef }: MatchRouteSource): GatewayRoute | undefined {
  const demand = demandOf(input);
  const rules = (route.spec.rules ?? []).flatMap((rule, index) => {
    const pair = pairs.find((candidate) => candidate.index === index);
    const canary = pair?.refs[pair.pair.canary];
    return narrowed(rule, canary === undefined ? rule.backendRefs : [{ ...canary, weight: 100 }], demand);
  });
  if (demand.matches.length === 0 || rules.length === 0) return undefined;
  const { name, namespace } = matchRouteRef(userRef, input);
  const { apiVersion, kind, spec } = route;
  const object: GatewayRoute = { apiVersion, kind, metadata: { name, namespace }, spec: { ...spec, rules } };
  return owned(object, input.backends.name);
}
