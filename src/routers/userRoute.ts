import { sameShare } from "../api/share.ts";
import type { Share } from "../api/share.ts";
import { apiVersionOf, kinds, versionsOf } from "../kube/kinds.ts";
import type { GatewayRoute } from "../kube/objects.ts";
import type { PatchOperation, ResourceKind } from "../kube/port.ts";
import { findPairs, type PairRule, type PairSearch, weightOf } from "./backendPair.ts";
import { fieldManagers } from "./fieldManagers.ts";
import type { UserRouteRef } from "./gatewayAPI.ts";
import type { MatchRouteSource } from "./matchRoute.ts";
import { currentMatchRoute, demandOf, matchRouteProblem, matchRouteRef, planMatchRoute } from "./matchRoute.ts";
import { mirrorOf, mirrorOperations, mirrorProblem } from "./mirror.ts";
import { percentOf, shareWeights } from "./pairWeights.ts";
import {
  type Backends,
  type RouteInput,
  routeKey,
  type RouteProblem,
  type RouteRef,
  type RouteView,
  type RouteWrite,
} from "./router.ts";
import { isGranted, notGranted } from "./routeGrants.ts";
import { routeNotFound, routeProblem } from "./routeProblems.ts";
import { routeAcceptance, worst } from "./routeStatus.ts";

/**
 * Holds the weights of the pair in the route itself: `<primary>=80,<canary>=20`, and `@<rule>` behind it where only that
 * rule is meant. deploy/gitops puts them back from there when somebody else writes the route.
 */
export const WEIGHTS_ANNOTATION = "aviary.dev/weights";

/** The user's route, and ours beside it. */
export function userRouteRefs(ref: UserRouteRef, backends: Backends): readonly RouteRef[] {
  const [newest, ...older] = refsOf(ref, backends);
  // What is no request cannot be matched: these have no A/B tests.
  const beside = newest.kind.kind === "HTTPRoute" || newest.kind.kind === "GRPCRoute";
  return [newest, ...older, ...(beside ? [matchRouteRef(newest, { backends })] : [])];
}

type Versions = readonly [RouteRef, ...RouteRef[]];

/** The route in every version of its kind that a cluster may serve. */
function refsOf({ kind, name, namespace }: UserRouteRef, backends: Backends): Versions {
  const at = (of: ResourceKind): RouteRef => ({ kind: of, namespace: namespace ?? backends.namespace, name });
  switch (kind) {
    case "HTTPRoute":
      return [at(kinds.httpRoute)];
    case "GRPCRoute":
      return [at(kinds.grpcRoute)];
    case "TCPRoute":
      return [at(kinds.tcpRoute), ...versionsOf.tcpRoute.slice(1).map(at)];
    case "TLSRoute":
      return [at(kinds.tlsRoute), ...versionsOf.tlsRoute.slice(1).map(at)];
  }
}

/** The route in the version in which it was seen. */
function userRouteRef(ref: UserRouteRef, { backends, objects }: RouteInput<unknown>): RouteRef {
  const refs = refsOf(ref, backends);
  const seen = objects.get(routeKey(refs[0]))?.apiVersion;
  return refs.find(({ kind }) => apiVersionOf(kind) === seen) ?? refs[0];
}

export function readUserRoutes(refs: readonly UserRouteRef[], input: RouteInput<unknown>): RouteView {
  const views = refs.map((ref) => readUserRoute(ref, input));
  const weights = views.flatMap((view) => view.weight ?? []);
  const weight = weights.length === 0 ? undefined : Math.max(...weights);
  const matched = views.some((view) => view.matched === true);
  const mirror = Math.max(0, ...views.map((view) => view.mirror ?? 0));
  const problem = views.find((view) => view.problem !== undefined)?.problem;
  const closed = views.flatMap((view) => view.closed ?? []);
  const open = views.filter((view) => view.closed === undefined);
  return {
    ...(problem === undefined ? {} : { problem }),
    ...(closed.length === 0 ? {} : { closed }),
    weight,
    ...(matched ? { matched } : {}),
    ...(mirror === 0 ? {} : { mirror }),
    uniform:
      open.length > 0 &&
      open.every((view) => view.uniform && sameShare(view, { weight: weight ?? 0, matched, mirror })),
    acceptance: worst((open.length === 0 ? views : open).map((view) => view.acceptance)),
    managers: [...new Set(views.flatMap((view) => view.managers))],
  };
}

/**
 * One patch for each route, so that all its rules change at the same moment. The route of an A/B test comes and goes
 * after it: what matched is led to a canary that has everything before it stops to be.
 */
export function planUserRoutes(
  refs: readonly UserRouteRef[],
  input: RouteInput<unknown>,
  { weight, matched = false, mirror = 0 }: Share,
): readonly RouteWrite[] {
  return refs.flatMap((ref): readonly RouteWrite[] => {
    const found = search(ref, input);
    if (found === undefined) return [];
    const rules = movableRules(found, weight);
    const operations = [...weighing(rules, weight, found), ...rules.flatMap((rule) => mirroring(rule, mirror, found))];
    const patch: RouteWrite = {
      type: "jsonPatch",
      ref: found.userRef,
      ...(mirror > 0 ? { strict: true } : {}),
      operations,
    };
    return [...(operations.length === 0 ? [] : [patch]), ...planMatchRoute({ ...found, pairs: rules }, matched)];
  });
}

/** What makes one managed rule mirror `percent` of its requests. */
function mirroring({ index, refs, pair }: PairRule, percent: number, found: RouteSearch): PatchOperation[] {
  const { route, backends } = found;
  const rule = found.rules[index] ?? {};
  return mirrorOperations(percent, { rule, index, canary: refs[pair.canary] ?? {}, backends, route });
}

/** The managed rules whose weights can express it. */
function movableRules(found: RouteSearch, weight: number): readonly PairRule[] {
  return findPairs(found).filter((rule) => weightsAfter(rule, weight) !== undefined);
}

/** What makes the weights, and the annotation that holds them, what they should be. */
function weighing(rules: readonly PairRule[], weight: number, found: RouteSearch): PatchOperation[] {
  const changes = rules.flatMap((rule) => weightOperations(rule, weight, found));
  // A route that is right at weight 0 and was never shifted is left as it is.
  const held = found.route.metadata.annotations?.[WEIGHTS_ANNOTATION] !== undefined;
  if (changes.length === 0 && weight === 0 && !held) return [];
  return [...changes, ...annotate(found.route, annotationOf(rules, weight, found))];
}

/** All traffic to the primary, the backends that Aviary added taken out, and the annotation gone. */
export function releaseUserRoutes(refs: readonly UserRouteRef[], input: RouteInput<unknown>): readonly RouteWrite[] {
  return refs.flatMap((ref) => {
    const found = search({ ...ref, addBackends: false }, input);
    if (found === undefined) return [];
    const operations = [
      ...findPairs(found).flatMap((rule) =>
        ref.addBackends === true && rule.primaryName === input.backends.name
          ? removeCanary(rule, found)
          : weightOperations(rule, 0, found),
      ),
      ...findPairs(found).flatMap((rule) => mirroring(rule, 0, found)),
      ...removeAnnotation(found.route),
    ];
    const patch: RouteWrite = { type: "jsonPatch", ref: found.userRef, operations };
    return [...(operations.length === 0 ? [] : [patch]), ...planMatchRoute({ ...found, pairs: [] }, false)];
  });
}

type RouteSearch = PairSearch & Omit<MatchRouteSource, "pairs">;

function search(ref: UserRouteRef, input: RouteInput<unknown>): RouteSearch | undefined {
  const { backends } = input;
  const userRef = userRouteRef(ref, input);
  const route = input.objects.get(routeKey(userRef)) as GatewayRoute | undefined;
  if (route === undefined || !isGranted(userRef, input)) return undefined;
  return {
    route,
    userRef,
    input,
    rules: route.spec.rules ?? [],
    namespace: userRef.namespace,
    backends,
    ruleName: ref.ruleName,
    addBackends: ref.addBackends === true,
  };
}

function readUserRoute(ref: UserRouteRef, input: RouteInput<unknown>): RouteView {
  const found = search(ref, input);
  if (found === undefined) {
    const userRef = userRouteRef(ref, input);
    const granted = isGranted(userRef, input);
    const problem = granted ? routeNotFound(userRef) : notGranted(userRef, input.backends);
    const acceptance = { state: "unknown", message: problem.message } as const;
    // Of one that is gone nothing leads anywhere.
    const closed =
      granted || !input.objects.has(routeKey(userRef))
        ? {}
        : { closed: [`${userRef.kind.kind} ${userRef.namespace}/${userRef.name}`] };
    return { problem, ...closed, weight: undefined, uniform: false, acceptance, managers: [] };
  }
  const rules = findPairs(found);
  const source = { ...found, pairs: rules };
  const own = currentMatchRoute(found);
  const matched = own !== undefined;
  const mirrors = rules.map(({ index }) => mirrorOf(found.rules[index] ?? {}, found.backends, found.namespace));
  const mirror = Math.max(0, ...mirrors);
  const problem = problemOf(source);
  const percents = rules.filter((rule) => !rule.added).map((rule) => percentOf(rule.refs.map(weightOf), rule.pair));
  const weight = percents.length === 0 ? undefined : Math.max(...percents);
  return {
    ...(problem === undefined ? {} : { problem }),
    weight,
    ...(matched ? { matched } : {}),
    ...(mirror === 0 ? {} : { mirror }),
    uniform:
      weight !== undefined &&
      weighing(movableRules(found, weight), weight, found).length === 0 &&
      mirrors.every((percent) => percent === mirror) &&
      planMatchRoute(source, matched).length === 0,
    acceptance: worst([found.route, ...(own === undefined ? [] : [own])].map(routeAcceptance)),
    managers: fieldManagers(found.route, ["f:spec", "f:rules"]),
  };
}

function problemOf(source: RouteSearch & MatchRouteSource): RouteProblem | undefined {
  const { route, rules, pairs, input } = source;
  const managed = pairs.flatMap(({ index }) => ({ rule: rules[index] ?? {}, index }));
  return (
    routeProblem(route, source) ??
    matchRouteProblem(source) ??
    mirrorProblem(`${route.kind} ${route.metadata.name}`, managed, demandOf(input))
  );
}

/**
 * What changes one rule. The names are guarded, so a route that was edited meanwhile refuses the patch. The weights of
 * the pair are not: a decision is absolute, and a roll back must not fail because our last write is not in the cache yet.
 * What is not repeatable (scaling, adding) is guarded by all the backends of the rule.
 */
function weightOperations(rule: PairRule, percent: number, { route, ruleName }: RouteSearch): PatchOperation[] {
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
function weightsAfter(rule: PairRule, percent: number): readonly number[] | undefined {
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

function guardRefs(rule: PairRule, route: GatewayRoute): PatchOperation[] {
  const value = route.spec.rules?.[rule.index]?.backendRefs;
  return [{ op: "test", path: `/spec/rules/${rule.index}/backendRefs`, value }];
}

function guardName(rule: PairRule, ruleName: string | undefined): PatchOperation[] {
  return ruleName === undefined ? [] : [{ op: "test", path: `/spec/rules/${rule.index}/name`, value: ruleName }];
}

function removeCanary(rule: PairRule, found: RouteSearch): PatchOperation[] {
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
function annotationOf(rules: readonly PairRule[], percent: number, found: RouteSearch): string | undefined {
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

function annotate(route: GatewayRoute, value: string | undefined): PatchOperation[] {
  if (value === undefined || route.metadata.annotations?.[WEIGHTS_ANNOTATION] === value) return [];
  if (route.metadata.annotations !== undefined) return [{ op: "add", path: ANNOTATION_PATH, value }];
  // RFC 6902 has no test for absence, and adding the map would wipe out one that somebody else has added since.
  return [
    { op: "test", path: "/metadata/resourceVersion", value: route.metadata.resourceVersion },
    { op: "add", path: "/metadata/annotations", value: { [WEIGHTS_ANNOTATION]: value } },
  ];
}

function removeAnnotation(route: GatewayRoute): PatchOperation[] {
  const present = route.metadata.annotations?.[WEIGHTS_ANNOTATION] !== undefined;
  return present ? [{ op: "remove", path: ANNOTATION_PATH }] : [];
}

const ANNOTATION_PATH = `/metadata/annotations/${WEIGHTS_ANNOTATION.replace("/", "~1")}`;
