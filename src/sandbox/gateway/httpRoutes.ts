import { z } from "zod";
import { parseDuration } from "../../lib/time.ts";
import type { BackendRef, HTTPRoute, RouteRule } from "../../kube/objects.ts";
import type {
  Backend,
  HeaderEdits,
  Mirror,
  PathMatch,
  RouteEntry,
  RouteMatch,
  RuleTarget,
  ValueMatch,
} from "./model.ts";

const named = z.object({ name: z.string(), value: z.string() });

const valueMatch = named.extend({ type: z.string().default("Exact") });

const matchSchema = z.object({
  path: z.object({ type: z.string().default("PathPrefix"), value: z.string().default("/") }).optional(),
  method: z.string().optional(),
  headers: z.array(valueMatch).default([]),
  queryParams: z.array(valueMatch).default([]),
});

const edits = z.object({
  set: z.array(named).default([]),
  add: z.array(named).default([]),
  remove: z.array(z.string()).default([]),
});

const filterSchema = z.object({
  type: z.string(),
  requestHeaderModifier: edits.optional(),
  responseHeaderModifier: edits.optional(),
  requestMirror: z
    .object({
      backendRef: z.object({ name: z.string(), namespace: z.string().optional(), port: z.number().default(80) }),
      percent: z.number().optional(),
      fraction: z.object({ numerator: z.number(), denominator: z.number().default(100) }).optional(),
    })
    .optional(),
});

/** Filters that the sandbox's gateway honours; a route with another one is refused rather than half served. */
const SUPPORTED_FILTERS = new Set(["RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror"]);

/** Which of a route's filters the gateway does not know. */
export function unsupportedFilters(route: HTTPRoute): readonly string[] {
  const filters = (route.spec.rules ?? []).flatMap((rule) => [
    ...(rule.filters ?? []),
    ...(rule.backendRefs ?? []).flatMap(({ filters: own = [] }) => own),
  ]);
  const types = filters.map((filter) => filterSchema.safeParse(filter).data?.type ?? "unknown");
  return [...new Set(types.filter((type) => !SUPPORTED_FILTERS.has(type)))];
}

/** Whether a reference leads to a Service that this route may use. */
export type Resolve = (route: HTTPRoute, ref: BackendRef) => boolean;

/** The lines of the route table that a route contributes, on the given hostnames. Pure. */
export function routeEntries(
  route: HTTPRoute,
  hostnames: readonly (string | undefined)[],
  resolves: Resolve,
): readonly RouteEntry[] {
  const { namespace = "", name, creationTimestamp = "" } = route.metadata;
  const key = `${namespace}/${name}`;
  return (route.spec.rules ?? []).flatMap((rule, index) => {
    const target = targetOf(route, rule, `${key}/${index}`, resolves);
    const matches = rule.matches === undefined || rule.matches.length === 0 ? [{}] : rule.matches;
    return matches.flatMap((match) => {
      const compiled = compileMatch(match);
      const age = { created: creationTimestamp, key, rule: index };
      return hostnames.map((hostname) => ({ hostname, match: compiled, target, age }));
    });
  });
}

function targetOf(route: HTTPRoute, rule: RouteRule, id: string, resolves: Resolve): RuleTarget {
  const ruleEdits = editsOf(rule.filters ?? []);
  const backends = (rule.backendRefs ?? []).map((ref): Backend => {
    const own = editsOf(ref.filters ?? []);
    const service = {
      namespace: ref.namespace ?? route.metadata.namespace ?? "",
      name: ref.name,
      port: ref.port ?? 80,
    };
    return {
      service: resolves(route, ref) ? service : undefined,
      weight: ref.weight ?? 1,
      request: [...ruleEdits.request, ...own.request],
      response: [...own.response, ...ruleEdits.response],
    };
  });
  const mirrors = mirrorsOf(route, rule, resolves).map((mirror) => ({ ...mirror, request: ruleEdits.request }));
  return { id, backends, mirrors, timeoutMs: timeoutOf(rule) };
}

function mirrorsOf(route: HTTPRoute, rule: RouteRule, resolves: Resolve): readonly Omit<Mirror, "request">[] {
  return (rule.filters ?? []).flatMap((filter) => {
    const mirror = filterSchema.safeParse(filter).data?.requestMirror;
    if (mirror === undefined) return [];
    const { name, port, namespace = route.metadata.namespace ?? "" } = mirror.backendRef;
    const service = resolves(route, { name, port, namespace }) ? { namespace, name, port } : undefined;
    const { fraction } = mirror;
    const percent = fraction === undefined ? 100 : (100 * fraction.numerator) / fraction.denominator;
    return [{ service, percent: mirror.percent ?? percent }];
  });
}

function editsOf(filters: readonly unknown[]): { request: readonly HeaderEdits[]; response: readonly HeaderEdits[] } {
  const parsed = filters.flatMap((filter) => filterSchema.safeParse(filter).data ?? []);
  const pairs = (list: readonly { name: string; value: string }[]): (readonly [string, string])[] =>
    list.map(({ name, value }) => [name, value]);
  const compile = (modifier: z.infer<typeof edits> | undefined): readonly HeaderEdits[] =>
    modifier === undefined ? [] : [{ remove: modifier.remove, set: pairs(modifier.set), add: pairs(modifier.add) }];
  return {
    request: parsed.flatMap(({ requestHeaderModifier }) => compile(requestHeaderModifier)),
    response: parsed.flatMap(({ responseHeaderModifier }) => compile(responseHeaderModifier)),
  };
}

const timeoutsSchema = z.object({ request: z.string().optional(), backendRequest: z.string().optional() });

/** The shorter of the two time-outs; there are no retries, so they mean the same here. `0s` is none. */
function timeoutOf(rule: RouteRule): number | undefined {
  const { request, backendRequest } = timeoutsSchema.safeParse(rule["timeouts"]).data ?? {};
  const limits = [request, backendRequest].flatMap((text) => (text === undefined ? [] : [parseDuration(text)]));
  const real = limits.filter((limit) => limit > 0);
  return real.length === 0 ? undefined : Math.min(...real);
}

function compileMatch(match: unknown): RouteMatch {
  const { path, method, headers, queryParams } = matchSchema.parse(match);
  return {
    path: compilePath(path?.type ?? "PathPrefix", path?.value ?? "/"),
    ...(method === undefined ? {} : { method }),
    headers: headers.map((header) => compileValue({ ...header, name: header.name.toLowerCase() })),
    query: queryParams.map(compileValue),
  };
}

function compilePath(type: string, value: string): PathMatch {
  if (type === "RegularExpression") return { type, value, pattern: wholeText(value) };
  return { type: type === "Exact" ? type : "PathPrefix", value };
}

function compileValue({ name, value, type }: { name: string; value: string; type: string }): ValueMatch {
  if (type !== "RegularExpression") return { name, matches: (text) => text === value };
  const pattern = wholeText(value);
  return { name, matches: (text) => pattern.test(text) };
}

const wholeText = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);
