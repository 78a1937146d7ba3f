import type { PathMatch, RequestFacts, RouteEntry, RouteMatch, ValueMatch } from "./model.ts";

/** A route table: entries by how specific their hostname is, then by the precedence of the Gateway API. */
export type RouteTable = readonly RouteEntry[];

/** Orders entries so that the first one that matches is the right one. */
export function routeTable(entries: readonly RouteEntry[]): RouteTable {
  return entries.toSorted(
    (a, b) => hostRank(b.hostname) - hostRank(a.hostname) || byMatch(a.match, b.match) || byAge(a, b),
  );
}

/**
 * The entry for a request. Only entries of the most specific hostname that fits are asked: a host with routes of its
 * own does not fall through to those of a wildcard.
 */
export function findRoute(table: RouteTable, request: RequestFacts): RouteEntry | undefined {
  let hostname: string | undefined | null = null;
  for (const entry of table) {
    if (hostname !== null && entry.hostname !== hostname) {
      if (hostRank(entry.hostname) < hostRank(hostname)) return undefined;
    }
    if (!hostMatches(entry.hostname, request.host)) continue;
    hostname = entry.hostname;
    if (matches(entry.match, request)) return entry;
  }
  return undefined;
}

/** Exact names before wildcards, longer before shorter, no name last. */
function hostRank(hostname: string | undefined): number {
  if (hostname === undefined) return -1;
  return hostname.startsWith("*.") ? hostname.length : 1_000 + hostname.length;
}

export function hostMatches(hostname: string | undefined, host: string): boolean {
  if (hostname === undefined) return true;
  return hostname.startsWith("*.")
    ? host.endsWith(hostname.slice(1)) && host.length > hostname.length - 1
    : host === hostname;
}

/** The hostnames that both a listener and a route want; empty when there are none. `undefined` stands for any. */
export function intersectHostnames(
  listener: string | undefined,
  route: readonly string[] | undefined,
): readonly (string | undefined)[] {
  if (route === undefined || route.length === 0) return [listener];
  return route.flatMap((hostname) => {
    if (listener === undefined || hostname === listener || hostMatches(listener, hostname)) return [hostname];
    return hostname.startsWith("*.") && hostMatches(hostname, listener) ? [listener] : [];
  });
}

/** Negative when `a` takes precedence: exact path, longest path, method, most headers, most query parameters. */
function byMatch(a: RouteMatch, b: RouteMatch): number {
  return (
    pathRank(b.path) - pathRank(a.path) ||
    b.path.value.length - a.path.value.length ||
    Number(b.method !== undefined) - Number(a.method !== undefined) ||
    b.headers.length - a.headers.length ||
    b.query.length - a.query.length
  );
}

const PATH_RANKS: Record<PathMatch["type"], number> = { Exact: 2, RegularExpression: 1, PathPrefix: 0 };

const pathRank = ({ type }: PathMatch): number => PATH_RANKS[type];

function byAge(a: RouteEntry, b: RouteEntry): number {
  return a.age.created.localeCompare(b.age.created) || a.age.key.localeCompare(b.age.key) || a.age.rule - b.age.rule;
}

function matches(match: RouteMatch, request: RequestFacts): boolean {
  return (
    pathMatches(match.path, request.path) &&
    (match.method === undefined || match.method === request.method) &&
    match.headers.every((header) => headerMatches(header, request)) &&
    match.query.every(({ name, matches: accepts }) => {
      const value = request.query.get(name);
      return value !== null && accepts(value);
    })
  );
}

function headerMatches({ name, matches: accepts }: ValueMatch, { headers }: RequestFacts): boolean {
  const value = headers[name];
  if (value === undefined) return false;
  return accepts(typeof value === "string" ? value : value.join(","));
}

function pathMatches(match: PathMatch, path: string): boolean {
  switch (match.type) {
    case "Exact":
      return path === match.value;
    case "RegularExpression":
      return match.pattern.test(path);
    case "PathPrefix": {
      const prefix = match.value.replace(/\/$/, "");
      return path === prefix || path.startsWith(`${prefix}/`);
    }
  }
}
