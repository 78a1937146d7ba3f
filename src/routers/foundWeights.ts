import type { PatchOperation } from "../kube/port.ts";
import type { PairRule } from "./backendPair.ts";
import { weightOf } from "./backendPair.ts";
import { FULL } from "./pairWeights.ts";
import { guardName, guardRefs } from "./routeWeights.ts";
import type { WeighedRoute } from "./routeWeights.ts";

/** The weights of one rule as they were found, in the order of its backends. */
export interface FoundWeights {
  /** Such as `HTTPRoute shop/web`. */
  readonly route: string;
  /** Index of the rule. */
  readonly rule: number;
  /** -1: it had none. */
  readonly weights: readonly number[];
}

const NONE = -1;

export function routeTitle({ route }: WeighedRoute): string {
  return `${route.kind} ${route.metadata.namespace ?? ""}/${route.metadata.name}`;
}

/**
 * What is to be remembered of the rules that hold the pair, so that they can be handed back as they were: those whose
 * weights have to grow, or get to be written at all. Where the canary had a share, all of it goes to the primary.
 */
export function foundWeights(rules: readonly PairRule[], found: WeighedRoute): readonly FoundWeights[] {
  return rules.flatMap((rule) => {
    const refs = found.rules[rule.index]?.backendRefs ?? [];
    const [primary, canary] = [rule.refs[rule.pair.primary], rule.refs[rule.pair.canary]];
    if (primary === undefined || canary === undefined || weightOf(primary) === 0 || weightOf(canary) > 0) return [];
    const written = refs.every(({ weight }) => weight !== undefined);
    if (written && weightOf(primary) >= FULL) return [];
    const weights = refs.map(({ weight }) => weight ?? NONE);
    return [{ route: routeTitle(found), rule: rule.index, weights }];
  });
}

/**
 * Puts the weights of a rule back as they were found; undefined when that is not known, or its backends are others now.
 * @param takesOut The canary was not there, and goes.
 */
export function restoreWeights(
  rule: PairRule,
  found: WeighedRoute,
  { held, takesOut }: { readonly held: readonly FoundWeights[] | undefined; readonly takesOut: boolean },
): PatchOperation[] | undefined {
  const weights = held?.find((one) => one.route === routeTitle(found) && one.rule === rule.index)?.weights;
  if (weights === undefined || rule.refs.length !== weights.length + (takesOut ? 1 : 0)) return undefined;
  if (takesOut && rule.pair.canary !== weights.length) return undefined;
  const path = `/spec/rules/${rule.index}/backendRefs`;
  const changes = weights.flatMap((weight, index) =>
    restoreWeight(`${path}/${index}/weight`, rule.refs[index], weight),
  );
  if (takesOut) changes.push({ op: "remove", path: `${path}/${rule.pair.canary}` });
  return changes.length === 0 ? [] : [...guardName(rule, found.ruleName), ...guardRefs(rule, found.route), ...changes];
}

function restoreWeight(path: string, ref: PairRule["refs"][number] | undefined, weight: number): PatchOperation[] {
  const now = ref?.weight ?? NONE;
  if (now === weight) return [];
  if (weight === NONE) return [{ op: "remove", path }];
  return [{ op: now === NONE ? "add" : "replace", path, value: weight }];
}
