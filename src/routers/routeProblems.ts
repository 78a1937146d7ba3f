import type { GatewayRoute } from "../kube/objects.ts";
import { duplicateIn, findPairs, type PairSearch, weightOf } from "./backendPair.ts";
import { MAX_WEIGHT, shareWeights } from "./pairWeights.ts";
import type { RouteProblem, RouteRef } from "./router.ts";

export function routeNotFound(ref: RouteRef): RouteProblem {
  return {
    reason: "RouteNotFound",
    message: `${ref.kind.kind} ${ref.name} does not exist in namespace ${ref.namespace}`,
    hint: `Create the route, or correct traffic.gatewayAPI.routeRefs. Aviary can also make one: set traffic.gatewayAPI.route.`,
  };
}

/** What keeps the weights of a user's route from being moved. */
export function routeProblem(route: GatewayRoute, search: PairSearch): RouteProblem | undefined {
  const name = `${route.kind} ${route.metadata.name}`;
  if (search.ruleName !== undefined && !search.rules.some((rule) => rule.name === search.ruleName)) {
    return ruleNotFound(name, search.ruleName, search);
  }
  const rules = findPairs(search);
  if (rules.length === 0) return backendsMissing(name, search);
  for (const rule of rules) {
    const duplicate = duplicateIn(rule, search);
    if (duplicate !== undefined) {
      return {
        reason: "RouteConflict",
        message: `${name} lists the backend ${duplicate} more than once in rule ${rule.index}`,
        hint: `Keep one backendRef for ${duplicate} in that rule.`,
      };
    }
    if (shareWeights(rule.refs.map(weightOf), rule.pair, 1) === undefined) return weightsUnusable(name, rule.index);
  }
  return undefined;
}

function ruleNotFound(name: string, ruleName: string, search: PairSearch): RouteProblem {
  const names = search.rules.flatMap((rule) => rule.name ?? []);
  const known = names.length === 0 ? "Its rules have no names." : `Its rules are named ${names.join(", ")}.`;
  return {
    reason: "RuleNotFound",
    message: `${name} has no rule named ${ruleName}`,
    hint: `${known} Correct ruleName, or leave it out to have every rule with the pair managed.`,
  };
}

function backendsMissing(name: string, search: PairSearch): RouteProblem {
  const { backends, ruleName, addBackends } = search;
  const pair = `${backends.primary} (or ${backends.name}) and ${backends.canary}`;
  const add = addBackends ? "" : `\nOr set addBackends: true on the routeRef, if a rule lists ${backends.name}.`;
  return {
    reason: "BackendsMissing",
    message:
      ruleName === undefined
        ? `no rule of ${name} lists both ${pair}`
        : `rule ${ruleName} of ${name} does not list both ${pair}`,
    hint: `List both in the rule whose traffic is to be split:\n${pairYaml(search)}${add}`,
  };
}

/** Services of another namespace than the route's are named with theirs. */
function pairYaml({ backends, namespace }: PairSearch): string {
  const where = namespace === backends.namespace ? "" : `, namespace: ${backends.namespace}`;
  const lines = [backends.primary, backends.canary].map(
    (name, index) =>
      `- { group: "", kind: Service, name: ${name}${where}, port: ${backends.port}, weight: ${index === 0 ? 100 : 0} }`,
  );
  return ["backendRefs:", ...lines].join("\n");
}

function weightsUnusable(name: string, rule: number): RouteProblem {
  return {
    reason: "RouteConflict",
    message: `the weights in rule ${rule} of ${name} cannot be split in steps of 1 %`,
    hint: `Give the pair the weights 100 and 0, and the other backends of the rule weights to match (at most ${MAX_WEIGHT}).`,
  };
}
