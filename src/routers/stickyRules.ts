import type { BackendRef, RouteRule } from "../kube/objects.ts";
import { narrow } from "./matchRules.ts";
import type { Affinity } from "./router.ts";

/*
 * Session affinity by cookies of ours. Whoever is drawn, to either side, gets a cookie that says so:
 *
 *   c-<revision>           stays with the canary for the whole rollout
 *   p-<revision>-<weight>  stays with the primary while the weight is that one
 *
 * When the weight rises from b to w, those who were drawn for the primary at b are drawn once more, with the chance
 * (w-b)/(100-b): the canary's users stay, and w percent of all users are with it then, no more.
 */

/** Rules in a route, by the schema of the Gateway API. */
export const MAX_RULES = 16;

/** How many rules one rule needs at most. */
export function stickyCount({ weights }: Affinity): number {
  return 3 + Math.max(0, new Set(weights).size - 1);
}

export interface Drawn {
  readonly rule: RouteRule;
  readonly primary: BackendRef;
  readonly canary: BackendRef;
  readonly affinity: Affinity;
  /** 1 to 99. */
  readonly weight: number;
}

/** The rules that stand in the place of one: those who were drawn already, the most certain first, and everybody else. */
export function stickyRules(drawn: Drawn): readonly RouteRule[] {
  const { affinity, weight, rule, primary, canary } = drawn;
  const earlier = [...new Set(affinity.weights)].filter((before) => before > 0 && before < weight);
  return [
    ...withCookie(drawn, canaryToken(affinity), [{ ...canary, weight: 100 }]),
    ...withCookie(drawn, primaryToken(affinity, weight), [{ ...primary, weight: 100 }]),
    ...earlier.flatMap((before) => {
      // In thousandths, since the chance is seldom a whole percent.
      const chance = Math.round((1_000 * (weight - before)) / (100 - before));
      return withCookie(drawn, primaryToken(affinity, before), draw(drawn, { chance, of: 1_000 }));
    }),
    { ...rule, backendRefs: draw(drawn, { chance: weight, of: 100 }) },
  ];
}

/** Whether a rule is for those who were drawn already. */
export function isSticky({ matches = [] }: RouteRule, { cookie }: Affinity): boolean {
  return matches.some((match) => {
    const { headers = [] } = match as {
      readonly headers?: readonly { readonly name: string; readonly value: string }[];
    };
    return headers.some(({ name, value }) => name === "Cookie" && value.includes(escaped(`${cookie}=`)));
  });
}

function withCookie(
  { rule, affinity }: Drawn,
  value: string,
  backendRefs: readonly BackendRef[],
): readonly RouteRule[] {
  const request = { headers: [], queryParams: [], cookie: { name: affinity.cookie, value } };
  const narrowed = narrow(rule, [request]);
  return "matches" in narrowed ? [{ ...rule, matches: narrowed.matches, backendRefs }] : [];
}

function draw(drawn: Drawn, { chance, of }: { readonly chance: number; readonly of: number }): readonly BackendRef[] {
  const { primary, canary, affinity, weight } = drawn;
  return [
    { ...primary, weight: of - chance, filters: [setCookie(affinity, primaryToken(affinity, weight))] },
    { ...canary, weight: chance, filters: [setCookie(affinity, canaryToken(affinity))] },
  ];
}

function setCookie({ cookie, maxAgeSeconds }: Affinity, value: string): object {
  const text = `${cookie}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax`;
  return { type: "ResponseHeaderModifier", responseHeaderModifier: { add: [{ name: "Set-Cookie", value: text }] } };
}

function canaryToken({ revision }: Affinity): string {
  return `c-${revision}`;
}

function primaryToken({ revision }: Affinity, weight: number): string {
  return `p-${revision}-${weight}`;
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
}
