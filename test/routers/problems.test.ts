import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/kube/port.ts";
import { routerFor, routers } from "../../src/routers/index.ts";
import { objectsOf } from "./cluster.ts";
import { apexService, backends, ingress, ref, route } from "./samples.ts";

interface Mistake {
  readonly what: string;
  readonly traffic: Readonly<Record<string, unknown>>;
  readonly objects: readonly KubeObject[];
  readonly reason: string;
  readonly message: string;
  readonly hint: string;
}

const podinfo = { gatewayAPI: { routeRefs: [{ name: "podinfo" }] } };
const pair = [ref("podinfo-primary", 100), ref("podinfo-canary", 0)];
const shop = { nginx: { ingressRefs: [{ name: "shop" }] } };
const byHand = { ...ingress, metadata: { ...ingress.metadata, name: "shop-podinfo-canary", annotations: {} } };
const rival = {
  ...ingress,
  metadata: { ...ingress.metadata, name: "rival", annotations: { "nginx.ingress.kubernetes.io/canary": "true" } },
};

const mistakes: readonly Mistake[] = [
  {
    what: "the apex Service has no endpoints",
    traffic: { service: {} },
    objects: [apexService("podinfo", { type: "ExternalName", externalName: "shop.test" })],
    reason: "RouteConflict",
    message: "Service podinfo is an ExternalName",
    hint: "make it a Service with a selector",
  },
  {
    what: "the route is not there",
    traffic: podinfo,
    objects: [],
    reason: "RouteNotFound",
    message: "HTTPRoute podinfo does not exist in namespace shop",
    hint: "traffic.gatewayAPI.route",
  },
  {
    what: "the second of two routes is not there",
    traffic: { gatewayAPI: { routeRefs: [{ name: "podinfo" }, { kind: "GRPCRoute", name: "api" }] } },
    objects: [route([{ backendRefs: pair }])],
    reason: "RouteNotFound",
    message: "GRPCRoute api does not exist in namespace shop",
    hint: "Create the route",
  },
  {
    what: "the route lists only the primary",
    traffic: podinfo,
    objects: [route([{ backendRefs: pair.slice(0, 1) }])],
    reason: "BackendsMissing",
    message: "no rule of HTTPRoute podinfo lists both podinfo-primary (or podinfo) and podinfo-canary",
    hint: '- { group: "", kind: Service, name: podinfo-canary, port: 80, weight: 0 }',
  },
  {
    what: "the pair is in another namespace",
    traffic: podinfo,
    objects: [route([{ backendRefs: pair.map((backend) => ({ ...backend, namespace: "other" })) }])],
    reason: "BackendsMissing",
    message: "no rule of HTTPRoute podinfo",
    hint: "addBackends: true",
  },
  {
    what: "addBackends is said but no rule has the apex",
    traffic: { gatewayAPI: { routeRefs: [{ name: "podinfo", addBackends: true }] } },
    objects: [route([{ backendRefs: [ref("other")] }, {}])],
    reason: "BackendsMissing",
    message: "no rule of HTTPRoute podinfo",
    hint: "List both",
  },
  {
    what: "the rule is not there",
    traffic: { gatewayAPI: { routeRefs: [{ name: "podinfo", ruleName: "api" }] } },
    objects: [route([{ name: "web", backendRefs: pair }])],
    reason: "RuleNotFound",
    message: "HTTPRoute podinfo has no rule named api",
    hint: "Its rules are named web",
  },
  {
    what: "the named rule has no pair",
    traffic: { gatewayAPI: { routeRefs: [{ name: "podinfo", ruleName: "api" }] } },
    objects: [route([{ name: "web", backendRefs: pair }, { name: "api" }])],
    reason: "BackendsMissing",
    message: "rule api of HTTPRoute podinfo does not list both",
    hint: "List both",
  },
  {
    what: "the canary is listed twice",
    traffic: podinfo,
    objects: [route([{ backendRefs: [...pair, ref("podinfo-canary", 5, { port: 81 })] }])],
    reason: "RouteConflict",
    message: "HTTPRoute podinfo lists the backend podinfo-canary more than once in rule 0",
    hint: "Keep one",
  },
  {
    what: "the pair has no traffic beside others that have",
    traffic: podinfo,
    objects: [route([{ backendRefs: [ref("podinfo-primary", 0), ref("podinfo-canary", 0), ref("other", 1)] }])],
    reason: "RouteConflict",
    message: "the weights in rule 0 of HTTPRoute podinfo cannot be split",
    hint: "100 and 0",
  },
  {
    what: "a route of that name is somebody else's",
    traffic: { gatewayAPI: { route: { parentRefs: [{ name: "gateway" }] } } },
    objects: [route([])],
    reason: "RouteConflict",
    message: "HTTPRoute podinfo exists already and was not made by Aviary",
    hint: "routeRefs: [{ kind: HTTPRoute, name: podinfo }]",
  },
  {
    what: "the Ingress is not there",
    traffic: shop,
    objects: [],
    reason: "IngressNotFound",
    message: "Ingress shop does not exist in namespace shop",
    hint: "traffic.nginx.ingressRefs",
  },
  {
    what: "no path leads to the target",
    traffic: shop,
    objects: [{ ...ingress, spec: { rules: [{ host: "a.test" }] } } as KubeObject],
    reason: "BackendsMissing",
    message: "Ingress shop has no path to Service podinfo or podinfo-primary",
    hint: "service: { name: podinfo, port: { number: 80 } }",
  },
  {
    what: "the name of the canary Ingress is taken",
    traffic: shop,
    objects: [ingress, byHand],
    reason: "RouteConflict",
    message: "Ingress shop-podinfo-canary exists already and was not made by Aviary for podinfo",
    hint: "Delete or rename",
  },
  {
    what: "another canary Ingress has the path",
    traffic: shop,
    objects: [ingress, rival],
    reason: "RouteConflict",
    message: "Ingress rival is a canary for shop.test/api too",
    hint: "Delete Ingress rival",
  },
];

describe("a mistake that only the cluster can tell", () => {
  it.each(mistakes)("$what: $reason", ({ traffic, objects, reason, message, hint }) => {
    const view = read(traffic, objects);
    expect(view.problem?.reason).toBe(reason);
    expect(view.problem?.message).toContain(message);
    expect(view.problem?.hint).toContain(hint);
  });

  it("is not made by a canary Ingress of another class", () => {
    const other = { ...rival, spec: { ...rival.spec, ingressClassName: "other" } };
    expect(read(shop, [ingress, other]).problem).toBeUndefined();
  });
});

describe("the router of a Canary", () => {
  it("is the one whose block is there, beside settings that are no block", () => {
    expect(routerFor({ settle: "5s", nginx: { a: 1 } })).toMatchObject({ router: { name: "nginx" }, block: { a: 1 } });
  });

  it.each([[undefined], [{}], [{ settle: "5s" }], [{ nginx: undefined }]])("is none for %j", (traffic) => {
    expect(routerFor(traffic)).toBeUndefined();
  });

  it("goes by a name of its own", () => {
    expect(new Set(routers.map(({ name }) => name)).size).toBe(routers.length);
  });
});

function read(traffic: Mistake["traffic"], objects: readonly KubeObject[]) {
  const found = routerFor(traffic);
  if (found === undefined) throw new Error("no router");
  const block = found.router.schema.parse(found.block);
  return found.router.read({ block, backends, objects: objectsOf(objects) });
}
