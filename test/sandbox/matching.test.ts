import { describe, expect, it } from "vitest";
import { randomChoice, smoothChoice } from "../../src/sandbox/gateway/choice.ts";
import { canaryWish, ingressEntries } from "../../src/sandbox/gateway/ingresses.ts";
import { findRoute, intersectHostnames, routeTable } from "../../src/sandbox/gateway/matching.ts";
import type { PathMatch, RequestFacts, ValueMatch } from "../../src/sandbox/gateway/model.ts";
import type { Ingress } from "../../src/kube/objects.ts";
import { seededRandom } from "../../src/sandbox/random.ts";
import { anEntry } from "./gatewayApi.ts";

const exact = (value: string): PathMatch => ({ type: "Exact", value });
const prefix = (value: string): PathMatch => ({ type: "PathPrefix", value });
const is = (name: string, value: string): ValueMatch => ({ name, matches: (text) => text === value });

const request = (path: string, facts: Partial<RequestFacts> = {}): RequestFacts => {
  const url = new URL(path, "http://gateway");
  return { method: "GET", host: "web.test", path: url.pathname, query: url.searchParams, headers: {}, ...facts };
};

const entries = [
  anEntry("root", {}),
  anEntry("old", { path: prefix("/a") }, undefined, "2025-01-01T00:00:00Z"),
  anEntry("young", { path: prefix("/a") }),
  anEntry("longer", { path: prefix("/a/b/") }),
  anEntry("exact", { path: exact("/a/b") }),
  anEntry("method", { path: prefix("/m"), method: "GET" }),
  anEntry("header", { path: prefix("/m"), headers: [is("x-a", "1"), is("x-b", "1")] }),
  anEntry("fewer headers", { path: prefix("/h"), headers: [is("x-a", "1")], query: [is("q", "1"), is("r", "1")] }),
  anEntry("more headers", { path: prefix("/h"), headers: [is("x-a", "1"), is("x-b", "1")] }),
  anEntry("query", { path: prefix("/h"), headers: [is("x-a", "1")], query: [is("q", "1")] }),
  anEntry("wildcard", { path: exact("/only-here") }, "*.test"),
  anEntry("long wildcard", {}, "*.b.test"),
  anEntry("host", { path: prefix("/host") }, "shop.test"),
];

const both = { "x-a": "1", "x-b": "1" };

describe("the route table", () => {
  it.each([
    { asked: "/", found: undefined, why: "a host with routes of its own does not fall through to others" },
    { asked: "/only-here", found: "wildcard" },
    { asked: "/", facts: { host: "other" }, found: "root" },
    { asked: "/a/x", facts: { host: "other" }, found: "old" },
    { asked: "/ab", facts: { host: "other" }, found: "root", why: "a prefix ends at a slash" },
    { asked: "/a/b", facts: { host: "other" }, found: "exact" },
    { asked: "/a/b/c", facts: { host: "other" }, found: "longer" },
    { asked: "/m", facts: { host: "other", headers: both }, found: "method" },
    { asked: "/m", facts: { host: "other", headers: both, method: "POST" }, found: "header" },
    { asked: "/h?q=1&r=1", facts: { host: "other", headers: both }, found: "more headers" },
    { asked: "/h?q=1&r=1", facts: { host: "other", headers: { "x-a": "1" } }, found: "fewer headers" },
    { asked: "/h?q=1", facts: { host: "other", headers: { "x-a": "1" } }, found: "query" },
    { asked: "/", facts: { host: "a.b.test" }, found: "long wildcard" },
    { asked: "/host", facts: { host: "shop.test" }, found: "host" },
    { asked: "/", facts: { host: "shop.test" }, found: undefined },
  ])("answers $found for $asked with $facts", ({ asked, facts, found }) => {
    expect(findRoute(routeTable(entries), request(asked, facts))?.target.id).toBe(found);
  });

  it("does not depend on the order in which routes come", () => {
    const shuffled = routeTable(entries.toReversed());
    expect(findRoute(shuffled, request("/a/x", { host: "other" }))?.target.id).toBe("old");
  });

  it.each([
    { listener: undefined, route: undefined, both: [undefined] },
    { listener: "*.test", route: ["web.test", "web.other"], both: ["web.test"] },
    { listener: "web.test", route: ["*.test"], both: ["web.test"] },
    { listener: "a.test", route: ["b.test"], both: [] },
  ])("serves $both where listener $listener and route $route meet", (row) => {
    expect(intersectHostnames(row.listener, row.route)).toEqual(row.both);
  });
});

describe("a choice by weight", () => {
  const candidates = [
    { name: "primary", weight: 90 },
    { name: "canary", weight: 10 },
    { name: "off", weight: 0 },
  ];

  it("is smooth: of ten picks exactly one goes to a weight of ten percent", () => {
    const choose = smoothChoice();
    const picks = Array.from({ length: 30 }, () => choose("rule", candidates)?.name);
    expect([0, 10, 20].map((from) => picks.slice(from, from + 10).filter((name) => name === "canary").length)).toEqual([
      1, 1, 1,
    ]);
    expect(picks).not.toContain("off");
  });

  it("is random within the bounds of its weights, and the same for the same seed", () => {
    const picks = (seed: number): (string | undefined)[] => {
      const choose = randomChoice(seededRandom(seed));
      return Array.from({ length: 10_000 }, () => choose("rule", candidates)?.name);
    };
    const canary = picks(7).filter((name) => name === "canary").length;
    // Five standard deviations of a binomial with n 10 000 and p 0.1.
    expect(Math.abs(canary - 1_000)).toBeLessThan(150);
    expect(picks(7)).toEqual(picks(7));
    expect(picks(7)).not.toContain("off");
  });

  it.each([randomChoice(seededRandom(1)), smoothChoice()])("picks nothing when every weight is 0", (choose) => {
    expect(choose("rule", [{ weight: 0 }, { weight: 0 }])).toBeUndefined();
  });
});

describe("an Ingress", () => {
  const ingress = (name: string, service: string, annotations: Record<string, string> = {}): Ingress => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: {
      name,
      namespace: "shop",
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
      ),
    },
    spec: {
      rules: [
        {
          host: "web.test",
          http: {
            paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: service, port: { number: 80 } } } }],
          },
        },
      ],
    },
  });

  it.each([
    { annotations: { canary: "true", "canary-weight": "20" }, weights: [80, 20] },
    { annotations: { canary: "true", "canary-weight": "20", "canary-weight-total": "200" }, weights: [180, 20] },
    { annotations: { canary: "true", "canary-weight": "20", "canary-weight-total": "50" }, weights: [80, 20] },
    { annotations: { canary: "true" }, weights: [100, 0] },
  ])("with $annotations splits $weights", ({ annotations, weights }) => {
    const table = ingressEntries([ingress("web", "a"), ingress("web-canary", "b", annotations)], () => undefined);
    expect(table.map(({ target }) => target.backends.map(({ weight }) => weight))).toEqual([weights]);
  });

  it.each([
    { headers: { "x-canary": "always" }, wish: "canary" },
    { headers: { "x-canary": "never", cookie: "beta=always" }, wish: "primary" },
    { headers: { "x-canary": "else", cookie: "a=b; beta=always" }, wish: "canary" },
    { headers: { cookie: "beta=never" }, wish: "primary" },
    { headers: {}, wish: undefined },
  ])("sends $headers to $wish before it looks at weights", ({ headers, wish }) => {
    expect(canaryWish({ header: { name: "x-canary" }, cookie: "beta" }, headers)).toBe(wish);
  });
});
