import type { BackendRef, RouteRule } from "../kube/objects.ts";
import type { PairPosition } from "./pairWeights.ts";
import type { Backends } from "./router.ts";

/** A rule that Aviary manages: it lists the pair, or lists the apex Service and is to get the pair. */
export interface PairRule {
  /** Position of the rule in the route. */
  readonly index: number;
  /** The backends as they are to be, with the weights that they have now; an added canary has weight 0. */
  readonly refs: readonly BackendRef[];
  readonly pair: PairPosition;
  /** The canary is not in the route yet; it comes last. */
  readonly added: boolean;
  /** Name of the ref that stands for the primary: `<name>-primary`, or the apex `<name>`. */
  readonly primaryName: string;
}

export interface PairSearch {
  readonly rules: readonly RouteRule[];
  /** Namespace of the route. */
  readonly namespace: string;
  readonly backends: Backends;
  /** Only the rule of this name. */
  readonly ruleName?: string | undefined;
  /** Whether rules with the apex Service alone are to get the canary beside it. */
  readonly addBackends: boolean;
}

/** The rules of a route that hold the pair. */
export function findPairs(search: PairSearch): readonly PairRule[] {
  return search.rules.flatMap((rule, index) => {
    if (search.ruleName !== undefined && rule.name !== search.ruleName) return [];
    const found = pairIn(rule.backendRefs ?? [], search);
    return found === undefined ? [] : [{ index, ...found }];
  });
}

/** A Service that a managed rule lists more than once, so that it is not clear which weight counts. */
export function duplicateIn(rule: PairRule, search: PairSearch): string | undefined {
  const { primaryName } = rule;
  return [primaryName, search.backends.canary].find((name) => positions(rule.refs, name, search).length > 1);
}

/** Weight of a ref; the API server fills in 1. */
export function weightOf(ref: BackendRef): number {
  return ref.weight ?? 1;
}

function pairIn(refs: readonly BackendRef[], search: PairSearch): Omit<PairRule, "index"> | undefined {
  const { backends } = search;
  const canary = positions(refs, backends.canary, search)[0];
  for (const primaryName of [backends.primary, backends.name]) {
    const primary = positions(refs, primaryName, search)[0];
    const primaryRef = primary === undefined ? undefined : refs[primary];
    if (primary === undefined || primaryRef === undefined) continue;
    if (canary !== undefined) return { refs, pair: { primary, canary }, added: false, primaryName };
    if (!search.addBackends || primaryName !== backends.name || refs.length >= MAX_BACKENDS) continue;
    const withCanary = [...refs, { ...primaryRef, name: backends.canary, weight: 0 }];
    return { refs: withCanary, pair: { primary, canary: refs.length }, added: true, primaryName };
  }
  return undefined;
}

/** Backends that a rule can have, by the schema of the Gateway API. */
const MAX_BACKENDS = 16;

function positions(refs: readonly BackendRef[], name: string, { namespace, backends }: PairSearch): readonly number[] {
  return refs.flatMap((ref, index) => {
    const isService = (ref.group ?? "") === "" && (ref.kind ?? "Service") === "Service";
    return isService && ref.name === name && (ref.namespace ?? namespace) === backends.namespace ? [index] : [];
  });
}
