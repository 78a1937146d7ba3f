import type { BadManifest } from "./manifests.ts";
import { canaryWith } from "./manifests.ts";

const refs = (count: number) => Array.from({ length: count }, (_, index) => ({ name: `route-${index}` }));

const probe = { url: "http://gateway.infra/", header: "x-served-by", value: "canary" };
const withEvidence = (evidence: object) => canaryWith.traffic({ evidence, gatewayAPI: { routeRefs: refs(1) } });

/** Canaries with a traffic block that no data plane could follow. */
export const badTraffic: readonly BadManifest[] = [
  {
    name: "traffic without a block",
    manifest: canaryWith.traffic({ drain: "5s" }),
    says: ["spec.traffic: Invalid value", "choose exactly one of gatewayAPI, nginx, service; found none"],
  },
  {
    name: "traffic whose block is null",
    manifest: canaryWith.traffic({ gatewayAPI: null }),
    says: ["spec.traffic: Invalid value", "choose exactly one of gatewayAPI, nginx, service; found none"],
  },
  {
    name: "traffic with two blocks",
    manifest: canaryWith.traffic({ gatewayAPI: { routeRefs: refs(1) }, nginx: { ingressRefs: refs(1) } }),
    says: ["spec.traffic: Invalid value", "choose exactly one of gatewayAPI, nginx, service; found gatewayAPI nginx"],
  },
  {
    name: "a data plane beside none",
    manifest: canaryWith.traffic({ gatewayAPI: { routeRefs: refs(1) }, service: {} }),
    says: ["spec.traffic: Invalid value", "choose exactly one of gatewayAPI, nginx, service; found gatewayAPI service"],
  },
  {
    name: "a name for the apex Service, which is the target's",
    manifest: canaryWith.traffic({ service: { name: "shop" } }),
    says: ['unknown field "spec.traffic.service.name"'],
  },
  {
    name: "an unknown data plane",
    manifest: canaryWith.traffic({ osm: {} }),
    says: ['unknown field "spec.traffic.osm"'],
  },
  {
    name: "a drain in words",
    manifest: canaryWith.traffic({ drain: "ten", gatewayAPI: { routeRefs: refs(1) } }),
    says: ['spec.traffic.drain: Invalid value: "ten": must be a duration such as 30s, 5m or 1h30m'],
  },
  {
    name: "a drain of a day",
    manifest: canaryWith.traffic({ drain: "24h", gatewayAPI: { routeRefs: refs(1) } }),
    says: ['spec.traffic.drain: Invalid value: "24h": must be a duration from 0s to 1h'],
  },
  {
    name: "a settle time of an hour",
    manifest: canaryWith.traffic({ settle: "1h", gatewayAPI: { routeRefs: refs(1) } }),
    says: ['spec.traffic.settle: Invalid value: "1h": must be a duration from 0s to 10m'],
  },
  {
    name: "evidence without a block",
    manifest: withEvidence({ timeout: "1m" }),
    says: ["spec.traffic.evidence: Invalid value", "choose exactly one of share, probe; found none"],
  },
  {
    name: "evidence of both kinds",
    manifest: withEvidence({ share: { query: "up" }, probe }),
    says: ["spec.traffic.evidence: Invalid value", "choose exactly one of share, probe; found share probe"],
  },
  {
    name: "evidence that is waited for for an hour",
    manifest: withEvidence({ timeout: "1h", probe }),
    says: ['spec.traffic.evidence.timeout: Invalid value: "1h": must be a duration from 1s to 10m'],
  },
  {
    name: "a share without a query",
    manifest: withEvidence({ share: {} }),
    says: ["spec.traffic.evidence.share.query: Required value"],
  },
  {
    name: "a probe of a file",
    manifest: withEvidence({ probe: { ...probe, url: "file:///etc/passwd" } }),
    says: ["spec.traffic.evidence.probe.url: Invalid value", "must be an http or https address without user"],
  },
  {
    name: "a probe with a password in its address",
    manifest: withEvidence({ probe: { ...probe, url: "http://ann:secret@gateway/" } }),
    says: ["spec.traffic.evidence.probe.url: Invalid value", "must be an http or https address without user"],
  },
  {
    name: "a probe of a header that is none",
    manifest: withEvidence({ probe: { ...probe, header: "x release" } }),
    says: ["spec.traffic.evidence.probe.header: Invalid value", "must be the name of a header, such as x-served-by"],
  },
  {
    name: "a probe with a host that ends the header",
    manifest: withEvidence({ probe: { ...probe, host: "shop\r\nx: y" } }),
    says: ["spec.traffic.evidence.probe.host: Invalid value", "must be a host name such as shop.example.com"],
  },
  {
    name: "a probe of a thousand requests",
    manifest: withEvidence({ probe: { ...probe, requests: 1000 } }),
    says: ["spec.traffic.evidence.probe.requests: Invalid value", "less than or equal to 50"],
  },
  {
    name: "a Gateway API block without routes",
    manifest: canaryWith.traffic({ gatewayAPI: {} }),
    says: ["spec.traffic.gatewayAPI: Invalid value", "choose exactly one of routeRefs, route"],
  },
  {
    name: "both a route of one's own and one of Aviary's",
    manifest: canaryWith.traffic({ gatewayAPI: { routeRefs: refs(1), route: { parentRefs: [{ name: "gateway" }] } } }),
    says: ["spec.traffic.gatewayAPI: Invalid value", "choose exactly one of routeRefs, route"],
  },
  {
    name: "an empty list of routes",
    manifest: canaryWith.traffic({ gatewayAPI: { routeRefs: [] } }),
    says: ["spec.traffic.gatewayAPI.routeRefs: Invalid value: 0", "should have at least 1 items"],
  },
  {
    name: "more routes than eight",
    manifest: canaryWith.traffic({ gatewayAPI: { routeRefs: refs(9) } }),
    says: ["spec.traffic.gatewayAPI.routeRefs: Too many: 9: must have at most 8 items"],
  },
  {
    name: "a route of a kind that Aviary does not know",
    manifest: canaryWith.route({ kind: "UDPRoute" }),
    says: [
      'spec.traffic.gatewayAPI.routeRefs[0].kind: Unsupported value: "UDPRoute": supported values: "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"',
    ],
  },
  {
    name: "a route of another group",
    manifest: canaryWith.route({ group: "networking.istio.io" }),
    says: [
      'spec.traffic.gatewayAPI.routeRefs[0].group: Unsupported value: "networking.istio.io": supported values: "gateway.networking.k8s.io"',
    ],
  },
  {
    name: "a route without a name",
    manifest: canaryWith.route({ name: undefined }),
    says: ["spec.traffic.gatewayAPI.routeRefs[0].name: Required value"],
  },
  {
    name: "a route of Aviary's without a gateway",
    manifest: canaryWith.traffic({ gatewayAPI: { route: {} } }),
    says: ["spec.traffic.gatewayAPI.route.parentRefs: Required value"],
  },
  {
    name: "a gateway without a name",
    manifest: canaryWith.traffic({ gatewayAPI: { route: { parentRefs: [{ namespace: "infra" }] } } }),
    says: ["spec.traffic.gatewayAPI.route.parentRefs[0].name: Required value"],
  },
  {
    name: "backends in a route of Aviary's",
    manifest: canaryWith.traffic({
      gatewayAPI: { route: { parentRefs: [{ name: "gateway" }], rules: [{ backendRefs: [] }] } },
    }),
    says: ['unknown field "spec.traffic.gatewayAPI.route.rules[0].backendRefs"'],
  },
  {
    name: "an nginx block without ingresses",
    manifest: canaryWith.traffic({ nginx: {} }),
    says: ["spec.traffic.nginx.ingressRefs: Required value"],
  },
  {
    name: "an empty list of ingresses",
    manifest: canaryWith.traffic({ nginx: { ingressRefs: [] } }),
    says: ["spec.traffic.nginx.ingressRefs: Invalid value: 0", "should have at least 1 items"],
  },
  {
    name: "an ingress without a name",
    manifest: canaryWith.traffic({ nginx: { ingressRefs: [{}] } }),
    says: ["spec.traffic.nginx.ingressRefs[0].name: Required value"],
  },
  {
    name: "one route twice",
    manifest: canaryWith.traffic({ gatewayAPI: { routeRefs: [{ name: "a" }, { name: "a" }] } }),
    says: ['spec.traffic.gatewayAPI.routeRefs[1]: Duplicate value: {"kind":"HTTPRoute","name":"a"}'],
  },
  {
    name: "one ingress twice",
    manifest: canaryWith.traffic({ nginx: { ingressRefs: [{ name: "a" }, { name: "a" }] } }),
    says: ['spec.traffic.nginx.ingressRefs[1]: Duplicate value: {"name":"a"}'],
  },
  {
    name: "time-outs of a GRPCRoute",
    manifest: canaryWith.traffic({
      gatewayAPI: {
        route: { kind: "GRPCRoute", parentRefs: [{ name: "gateway" }], rules: [{ timeouts: { request: "1s" } }] },
      },
    }),
    says: ["spec.traffic.gatewayAPI.route: Invalid value", "a GRPCRoute has no timeouts"],
  },
];
