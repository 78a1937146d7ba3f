import type { BadManifest } from "./manifests.ts";
import { canary, canaryWith } from "./manifests.ts";

const byHeader = { headers: [{ name: "x-beta", value: "yes" }] };
const gateway = (kind: string) => ({ gatewayAPI: { routeRefs: [{ kind, name: "podinfo" }] } });
const nginx = { nginx: { ingressRefs: [{ name: "podinfo" }] } };

const abTest = (match: readonly object[], traffic: object = gateway("HTTPRoute")) =>
  canary({ traffic, strategy: { abTest: { match, hold: "10m" } } });

/** Canaries whose A/B test or mirror nobody could perform. */
export const badStrategies: readonly BadManifest[] = [
  {
    name: "an A/B test of which nobody says how long it lasts",
    manifest: canary({ strategy: { abTest: { match: [byHeader] } } }),
    says: ["spec.strategy.abTest.hold: Required value"],
  },
  {
    name: "an A/B test that matches nothing",
    manifest: abTest([]),
    says: ["spec.strategy.abTest.match: Invalid value: 0", "should have at least 1 items"],
  },
  {
    name: "a match of an A/B test without anything to match",
    manifest: abTest([{}]),
    says: ["spec.strategy.abTest.match[0]", "needs at least one of headers, cookie, queryParams, method"],
  },
  {
    name: "two strategies at once",
    manifest: canary({ strategy: { canary: {}, abTest: { match: [byHeader], hold: "10m" } } }),
    says: ["spec.strategy: Invalid value", "found canary abTest"],
  },
  {
    name: "the cookie header as a header",
    manifest: abTest([{ headers: [{ name: "Cookie", value: "a=b" }] }]),
    says: ["spec.strategy.abTest.match[0].headers[0].name", "use cookie instead"],
  },
  {
    name: "a header name with a blank",
    manifest: abTest([{ headers: [{ name: "x beta", value: "a" }] }]),
    says: ["spec.strategy.abTest.match[0].headers[0].name", "must be letters, digits, '-', '_' and '.'"],
  },
  {
    name: "one header twice",
    manifest: abTest([{ headers: [...byHeader.headers, ...byHeader.headers] }]),
    says: ['spec.strategy.abTest.match[0].headers[1]: Duplicate value: {"name":"x-beta"}'],
  },
  {
    name: "a cookie value with a quote",
    manifest: abTest([{ cookie: { name: "beta", value: 'a"' } }]),
    says: ["spec.strategy.abTest.match[0].cookie.value", "must be a text that a cookie can hold"],
  },
  {
    name: "an unknown method",
    manifest: abTest([{ method: "get" }]),
    says: ['spec.strategy.abTest.match[0].method: Unsupported value: "get"'],
  },
  {
    name: "a query parameter over ingress-nginx",
    manifest: abTest([{ queryParams: [{ name: "beta", value: "yes" }] }], nginx),
    says: ["spec.strategy.abTest.match", "nginx cannot match query parameters or methods: use a header or a cookie"],
  },
  {
    name: "a method over ingress-nginx",
    manifest: abTest([{ ...byHeader, method: "GET" }], nginx),
    says: ["spec.strategy.abTest.match", "nginx cannot match query parameters or methods"],
  },
  {
    name: "a cookie with a value of one's own over ingress-nginx",
    manifest: abTest([{ cookie: { name: "beta", value: "yes" } }], nginx),
    says: ["spec.strategy.abTest.match", "nginx matches a cookie by the value always"],
  },
  {
    name: "a header and a cookie together over ingress-nginx",
    manifest: abTest([{ ...byHeader, cookie: { name: "beta", value: "always" } }], nginx),
    says: ["spec.strategy.abTest.match", "nginx matches a cookie by the value always, and not together with a header"],
  },
  {
    name: "two headers over ingress-nginx",
    manifest: abTest([byHeader, { headers: [{ name: "x-gamma", value: "yes" }] }], nginx),
    says: ["spec.strategy.abTest.match", "nginx matches one header and one cookie at most"],
  },
  {
    name: "a query parameter of a GRPCRoute",
    manifest: abTest([{ queryParams: [{ name: "beta", value: "yes" }] }], gateway("GRPCRoute")),
    says: [
      "spec.strategy.abTest.match",
      "a GRPCRoute has no query parameters and no HTTP methods to match: use headers",
    ],
  },
  {
    name: "an A/B test over a TCPRoute",
    manifest: abTest([byHeader], gateway("TCPRoute")),
    says: ["spec.strategy.abTest", "a TCPRoute or a TLSRoute sees no requests to match: use another strategy"],
  },
  {
    name: "a mirror over a TLSRoute",
    manifest: canary({
      traffic: gateway("TLSRoute"),
      strategy: { canary: { steps: [{ weight: 0, mirror: { percent: 10 } }] } },
    }),
    says: ["spec.strategy.canary.steps", "a TCPRoute or a TLSRoute cannot mirror: remove mirror from the steps"],
  },
  {
    name: "a namespace of a route in capitals",
    manifest: canaryWith.route({ namespace: "Edge" }),
    says: ["spec.traffic.gatewayAPI.routeRefs[0].namespace", "must be the name of a namespace"],
  },
  {
    name: "session affinity over a route of the user's",
    manifest: canary({ strategy: { canary: { sessionAffinity: {} } } }),
    says: ["spec.strategy.canary.sessionAffinity", "needs a route that Aviary makes"],
  },
  {
    name: "session affinity over ingress-nginx",
    manifest: canary({ traffic: nginx, strategy: { canary: { sessionAffinity: {} } } }),
    says: ["spec.strategy.canary.sessionAffinity", "needs a route that Aviary makes"],
  },
  {
    name: "a cookie of session affinity with a blank",
    manifest: canary({
      traffic: { gatewayAPI: { route: { parentRefs: [{ name: "gateway" }] } } },
      strategy: { canary: { sessionAffinity: { cookieName: "a b" } } },
    }),
    says: ["spec.strategy.canary.sessionAffinity.cookieName", "must be letters, digits, '-' and '_'"],
  },
  {
    name: "an A/B test without a router",
    manifest: canary({ traffic: undefined, strategy: { abTest: { match: [byHeader], hold: "10m" } } }),
    says: ["spec.strategy.abTest", "nobody looks into requests without a router: name one in spec.traffic"],
  },
  {
    name: "a mirror without a router",
    manifest: canary({
      traffic: { service: {} },
      strategy: { canary: { steps: [{ weight: 0, mirror: { percent: 10 } }] } },
    }),
    says: ["spec.strategy.canary.steps", "nobody copies requests without a router: name one in spec.traffic"],
  },
  {
    name: "more than half of the users by pods",
    manifest: canary({
      traffic: { service: {} },
      strategy: { canary: { steps: [{ weight: 50 }, { weight: 75 }] } },
    }),
    says: ["spec.strategy.canary.steps", "use weights up to 50 (100 follows by itself), or name a router"],
  },
  {
    name: "a return by more than half of the users by pods",
    manifest: canary({
      traffic: undefined,
      strategy: { canary: { steps: [{ weight: 50 }], returnSteps: [{ weight: 75, hold: "1m" }] } },
    }),
    says: ["spec.strategy.canary.returnSteps", "use weights up to 50 (100 follows by itself), or name a router"],
  },
  {
    name: "a mirror at a pause",
    manifest: canaryWith.steps({ pause: {}, mirror: { percent: 10 } }),
    says: ["spec.strategy.canary.steps[0].mirror", "belongs to weight, which may be 0"],
  },
  {
    name: "a mirror of nothing",
    manifest: canaryWith.steps({ weight: 0, mirror: { percent: 0 } }),
    says: ["spec.strategy.canary.steps[0].mirror.percent: Invalid value: 0", "greater than or equal to 1"],
  },
  {
    name: "a mirror over ingress-nginx",
    manifest: canary({ traffic: nginx, strategy: { canary: { steps: [{ weight: 0, mirror: { percent: 10 } }] } } }),
    says: ["spec.strategy.canary.steps", "nginx cannot mirror a share of the requests: remove mirror from the steps"],
  },
];
