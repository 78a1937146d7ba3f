import type { RequestMatch, ValueMatch } from "../api/requestMatch.ts";
import type { RouteRule } from "../kube/objects.ts";

/** A match of an HTTPRoute or a GRPCRoute, as far as an A/B test adds to it. */
interface RouteMatch {
  readonly method?: unknown;
  readonly headers?: readonly GatewayValueMatch[];
  readonly queryParams?: readonly GatewayValueMatch[];
  readonly [other: string]: unknown;
}

type GatewayValueMatch = Pick<ValueMatch, "name" | "value"> & { readonly type?: string };

/** What a rule matches together with an A/B test, or why the two do not go together. */
export type Narrowed = { readonly matches: readonly RouteMatch[] } | { readonly conflict: string };

/** Matches in one rule, by the schema of the Gateway API. */
const MAX_MATCHES = 64;

/**
 * The matches of a rule with those of an A/B test added to each. By the precedence of the Gateway API the result wins
 * over the rule itself: the same path, and more to match. So each has to have more than the rule had.
 */
export function narrow(rule: RouteRule, wanted: readonly RequestMatch[]): Narrowed {
  const theirs = (rule.matches ?? []).length === 0 ? [{}] : ((rule.matches ?? []) as readonly RouteMatch[]);
  const matches: RouteMatch[] = [];
  for (const match of theirs) {
    for (const request of wanted) {
      const both = join(match, request);
      if (typeof both === "string") return { conflict: both };
      if (both !== undefined) matches.push(both);
    }
  }
  if (matches.length > MAX_MATCHES) {
    return { conflict: `its ${theirs.length} matches times ${wanted.length} of the test are more than ${MAX_MATCHES}` };
  }
  return { matches };
}

/** Both together; undefined when no request can fit both, a sentence when one rule cannot say both. */
function join(match: RouteMatch, request: RequestMatch): RouteMatch | string | undefined {
  if (request.method !== undefined && match.method !== undefined && request.method !== match.method) return undefined;
  const headers = [...request.headers, ...cookieHeader(request)];
  const joined = {
    ...match,
    ...(request.method === undefined ? {} : { method: request.method }),
    ...added("headers", match.headers, headers),
    ...added("queryParams", match.queryParams, request.queryParams),
  };
  const clash =
    clashOf(match.headers, headers, (name) => name.toLowerCase()) ??
    clashOf(match.queryParams, request.queryParams, (name) => name);
  if (clash !== undefined) return `it matches ${clash} itself`;
  return sizeOf(joined) > sizeOf(match) ? joined : "it matches all that the test matches";
}

function added(
  key: "headers" | "queryParams",
  theirs: readonly GatewayValueMatch[] = [],
  ours: readonly ValueMatch[],
): Partial<RouteMatch> {
  return ours.length === 0 ? {} : { [key]: [...theirs, ...ours] };
}

/** One rule can name a header or a parameter once. */
function clashOf(
  theirs: readonly GatewayValueMatch[] = [],
  ours: readonly ValueMatch[],
  normal: (name: string) => string,
): string | undefined {
  const taken = new Set(theirs.map(({ name }) => normal(name)));
  return ours.find(({ name }) => taken.has(normal(name)))?.name;
}

function sizeOf({ method, headers = [], queryParams = [] }: RouteMatch): number {
  return (method === undefined ? 0 : 1) + headers.length + queryParams.length;
}

/** The Gateway API knows no cookies, only the header that holds all of them. */
function cookieHeader({ cookie }: RequestMatch): readonly ValueMatch[] {
  if (cookie === undefined) return [];
  const pair = `${cookie.name}=${cookie.value}`.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
  // Anchored, since data planes differ in whether a pattern is to fit all of the value.
  return [{ name: "Cookie", type: "RegularExpression", value: `^(.*;[ ]*)?${pair}(;.*)?$` }];
}
