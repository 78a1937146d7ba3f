import type { GatewayRoute } from "../kube/objects.ts";
import type { PatchOperation } from "../kube/port.ts";
import type { PairRule, PairSearch } from "./backendPair.ts";
import { weightOf } from "./backendPair.ts";
import { shareWeights } from "./pairWeights.ts";

/** A route of the user's, as it is looked through for the pair. */
export interface WeighedRoute extends PairSearch {
  readonly route: GatewayRoute;
}

/**
 * Holds the weights of the pair in the route itself: `<primary>=80,<canary>=20`, and `@<rule>` behind it where only that
 * rule is meant. deploy/gitops puts them back from there when somebody else writes the route.
 */
export const WEIGHTS_ANNOTATION = "aviary.dev/weights";

/**
 * What changes one rule. The names are guarded, so a route that was edited meanwhile refuses the patch. The weights of
 * the pair are not: a decision is absolute, and a roll back must not fail because our last write is not in the cache yet.
 * What is not repeatable (scaling, adding) is guarded by all the backends of the rule.
 */
export function weightOperations(rule: PairRule, percent: number, { route, ruleName }: WeighedRoute): PatchOperation[] {
  const before = rule.refs.map(weightOf);
  const after = weightsAfter(rule, percent);
  const changed =
    after === undefined ? [] : after.flatMap((weight, index) => (weight === before[index] ? [] : [index]));
  if (after === undefined || (changed.length === 0 && !rule.added)) return [];
  const path = `/spec/rules/${rule.index}`;
  const wholeRule = rule.added || changed.some((index) => index !== rule.pair.primary && index !== rule.pair.canary);
  const grown = sum(rule, after) !== sum(rule, before);
  const operations = [
    ...guardName(rule, ruleName),
    ...(wholeRule || grown ? guardRefs(rule, route) : guardPair(rule)),
    ...changed.filter((index) => !isNew(rule, index)).map((index) => setWeight(rule, index, after[index] ?? 0)),
  ];
  if (!rule.added) return operations;
  const value = { ...rule.refs[rule.pair.canary], weight: after[rule.pair.canary] ?? 0 };
  return [...operations, { op: "add", path: `${path}/backendRefs/-`, value }];
}

/** `undefined` when the weights of the rule cannot express it; `routeProblem` says so. */
export function weightsAfter(rule: PairRule, percent: number): readonly number[] | undefined {
  return shareWeights(rule.refs.map(weightOf), rule.pair, percent);
}

function sum(rule: PairRule, weights: readonly number[]): number {
  return (weights[rule.pair.primary] ?? 0) + (weights[rule.pair.canary] ?? 0);
}

function isNew(rule: PairRule, index: number): boolean {
  return rule.added && index === rule.pair.canary;
}

function setWeight(rule: PairRule, index: number, value: number): PatchOperation {
  const op = rule.refs[index]?.weight === undefined ? "add" : "replace";
  return { op, path: `/spec/rules/${rule.index}/backendRefs/${index}/weight`, value };
}

function guardPair(rule: PairRule): PatchOperation[] {
  return [rule.pair.primary, rule.pair.canary].map((index) => ({
    op: "test",
    path: `/spec/rules/${rule.index}/backendRefs/${index}/name`,
    value: rule.refs[index]?.name,
  }));
}

export function guardRefs(rule: PairRule, route: GatewayRoute): PatchOperation[] {
  const value = route.spec.rules?.[rule.index]?.backendRefs;
  return [{ op: "test", path: `/spec/rules/${rule.index}/backendRefs`, value }];
}

export function guardName(rule: PairRule, ruleName: string | undefined): PatchOperation[] {
  return ruleName === undefined ? [] : [{ op: "test", path: `/spec/rules/${rule.index}/name`, value: ruleName }];
}

export function removeCanary(rule: PairRule, found: WeighedRoute): PatchOperation[] {
  const { primary, canary } = rule.pair;
  const all = weightsAfter(rule, 0)?.[primary];
  const changed = all !== undefined && all !== rule.refs.map(weightOf)[primary];
  return [
    ...guardName(rule, found.ruleName),
    ...guardRefs(rule, found.route),
    ...(changed ? [setWeight(rule, primary, all)] : []),
    { op: "remove", path: `/spec/rules/${rule.index}/backendRefs/${canary}` },
  ];
}

/**
 * The weights as they stand in the rules; in percent when the rules have different sums, for want of one number.
 * `undefined` when there is no rule.
 */
export function annotationOf(rules: readonly PairRule[], percent: number, found: WeighedRoute): string | undefined {
  const [first] = rules;
  if (first === undefined) return undefined;
  const sums = rules.map((rule) => pairAfter(rule, percent));
  const same = sums.every((pair) => pair.primary === sums[0]?.primary && pair.canary === sums[0].canary);
  const pair = same && sums[0] !== undefined ? sums[0] : { primary: 100 - percent, canary: percent };
  const only = found.ruleName === undefined ? "" : `@${found.ruleName}`;
  return `${first.primaryName}=${pair.primary},${found.backends.canary}=${pair.canary}${only}`;
}

function pairAfter(rule: PairRule, percent: number): { readonly primary: number; readonly canary: number } {
  const after = weightsAfter(rule, percent) ?? [];
  return { primary: after[rule.pair.primary] ?? 0, canary: after[rule.pair.canary] ?? 0 };
}

export function annotate(route: GatewayRoute, value: string | undefined): PatchOperation[] {
  if (value === undefined || route.metadata.annotations?.[WEIGHTS_ANNOTATION] === value) return [];
  if (route.metadata.annotations !== undefined) return [{ op: "add", path: ANNOTATION_PATH, value }];
  // RFC 6902 has no test for absence, and adding the map would wipe out one that somebody else has added since.
  return [
    { op: "test", path: "/metadata/resourceVersion", value: route.metadata.resourceVersion },
    { op: "add", path: "/metadata/annotations", value: { [WEIGHTS_ANNOTATION]: value } },
  ];
}

export function removeAnnotation(route: GatewayRoute): PatchOperation[] {
  const present = route.metadata.annotations?.[WEIGHTS_ANNOTATION] !== undefined;
  return present ? [{ op: "remove", path: ANNOTATION_PATH }] : [];
}

const ANNOTATION_PATH = `/metadata/annotations/${WEIGHTS_ANNOTATION.replace("/", "~1")}`;
