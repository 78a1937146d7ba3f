import { sameShare } from "../api/share.ts";
import type { Share } from "../api/share.ts";
import { apiVersionOf, kinds, versionsOf } from "../kube/kinds.ts";
import type { GatewayRoute } from "../kube/objects.ts";
import type { PatchOperation, ResourceKind } from "../kube/port.ts";
import { findPairs, type PairRule, weightOf } from "./backendPair.ts";
import { fieldManagers } from "./fieldManagers.ts";
import type { UserRouteRef } from "./gatewayAPI.ts";
import type { MatchRouteSource } from "./matchRoute.ts";
import { currentMatchRoute, demandOf, matchRouteProblem, matchRouteRef, planMatchRoute } from "./matchRoute.ts";
import { mirrorOf, mirrorOperations, mirrorProblem } from "./mirror.ts";
import { foundWeights, restoreWeights } from "./foundWeights.ts";
import { percentOf } from "./pairWeights.ts";
import {
  annotate,
  annotationOf,
  removeAnnotation,
  removeCanary,
  weightOperations,
  weightsAfter,
  WEIGHTS_ANNOTATION,
} from "./routeWeights.ts";
import type { WeighedRoute } from "./routeWeights.ts";
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
  const found = views.flatMap((view) => view.found ?? []);
  const open = views.filter((view) => view.closed === undefined);
  return {
    ...(problem === undefined ? {} : { problem }),
    ...(closed.length === 0 ? {} : { closed }),
    ...(found.length === 0 ? {} : { found }),
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

/** All traffic to the primary, its weights as they were found, the backends that Aviary added taken out, and the annotation gone. */
export function releaseUserRoutes(refs: readonly UserRouteRef[], input: RouteInput<unknown>): readonly RouteWrite[] {
  return refs.flatMap((ref) => {
    const found = search({ ...ref, addBackends: false }, input);
    if (found === undefined) return [];
    const operations = [
      ...findPairs(found).flatMap((rule) => {
        const takesOut = ref.addBackends === true && rule.primaryName === input.backends.name;
        const restored = restoreWeights(rule, found, { held: input.found, takesOut });
        return restored ?? (takesOut ? removeCanary(rule, found) : weightOperations(rule, 0, found));
      }),
      ...findPairs(found).flatMap((rule) => mirroring(rule, 0, found)),
      ...removeAnnotation(found.route),
    ];
    const patch: RouteWrite = { type: "jsonPatch", ref: found.userRef, operations };
    return [...(operations.length === 0 ? [] : [patch]), ...planMatchRoute({ ...found, pairs: [] }, false)];
  });
}

type RouteSearch = WeighedRoute & Omit<MatchRouteSource, "pairs">;

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
  const asFound = foundWeights(rules, found);
  return {
    ...(problem === undefined ? {} : { problem }),
    ...(asFound.length === 0 ? {} : { found: asFound }),
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
