import { describe, expect, it } from "vitest";
import { dataPlaneNames } from "../../src/api/dataPlanes.ts";
import { anyOf, differenceQuery, selector } from "../../src/metrics/counterQuery.ts";
import type { Subject } from "../../src/metrics/dataPlanes/dataPlane.ts";
import { dataPlaneNamed, dataPlanes, dataPlanesFor } from "../../src/metrics/dataPlanes/index.ts";
import { checkPromql } from "../../src/metrics/promql.ts";

const subject: Subject = {
  namespace: "shop",
  kind: "Deployment",
  workload: { canary: "web", primary: "web-primary" },
  service: { canary: "web-canary", primary: ["web-primary", "web"] },
  port: 80,
  routes: [{ kind: "HTTPRoute", namespace: "shop", name: "web" }],
};

const cases = [
  ["Contour", "shop_web-canary_80", "shop_web-primary_80"],
  ["EnvoyGateway", "httproute/shop/web/rule/0/backend/1", "httproute/shop/web/rule/0/backend/0"],
  ["Istio", "web", "web-primary"],
  ["Linkerd", "web", "web-primary"],
  [
    "Traefik",
    "httproute-shop-web-gw-traefik-gw-ep-web-0-svc-shop-web-canary-80@kubernetesgateway",
    "shop-web-primary-80@kubernetescrd",
  ],
  ["IngressNginx", "shop-web-canary-80", ""],
  ["Cilium", "web", "web-primary"],
  ["OpenTelemetry", "web-5d5c7b8f9-x2x4q", "web-primary-6f7d9c5b4-abcde"],
  ["HTTPHistogram", "web-5d5c7b8f9-x2x4q", "web-primary-6f7d9c5b4-abcde"],
] as const;

const matches = (pattern: string, value: string) => new RegExp(`^(?:${pattern})$`).test(value);

describe.each(cases)("the metrics of %s", (name, canary, primary) => {
  const metrics = dataPlaneNamed(name).metrics(subject);

  it("tell the two versions apart, and from everybody else", () => {
    expect(matches(metrics.canary, canary)).toBe(true);
    expect(matches(metrics.primary, primary)).toBe(true);
    expect(matches(metrics.canary, primary)).toBe(false);
    expect(matches(metrics.primary, canary)).toBe(false);
    const others = ["shop_web-canary-2_80", "shop_other_80", "web2", "web-other", "httproute/shop/web/rule/0", "x"];
    for (const other of others) {
      expect([matches(metrics.canary, other), matches(metrics.primary, other)], other).toEqual([false, false]);
    }
  });

  it("are asked for in PromQL", () => {
    const arms = anyOf(metrics.label, [metrics.canary, metrics.primary]);
    const counter = selector(metrics.requests, metrics.scope, metrics.failed, arms);
    const query = differenceQuery({ counter, beside: counter, by: [metrics.label], seconds: 30 });
    expect(checkPromql(query)).toEqual({ ok: true });
  });
});

it.each([
  ["Contour", "shop_web_80"],
  ["Traefik", "shop-web-80@kubernetescrd"],
] as const)("a route that lists the apex Service for the primary is understood: %s", (name, apex) => {
  const metrics = dataPlaneNamed(name).metrics(subject);
  expect([matches(metrics.primary, apex), matches(metrics.canary, apex)]).toEqual([true, false]);
});

describe("pods of applications", () => {
  it.each([
    ["Deployment", "web-5d5c7b8f9-x2x4q", "web-primary-6f7d9c5b4-abcde"],
    ["StatefulSet", "web-0", "web-primary-11"],
    ["DaemonSet", "web-x2x4q", "web-primary-abcde"],
  ])("of a %s are not mistaken for each other", (kind, canary, primary) => {
    const metrics = dataPlaneNamed("HTTPHistogram").metrics({ ...subject, kind });
    expect([matches(metrics.canary, canary), matches(metrics.canary, primary)]).toEqual([true, false]);
    expect([matches(metrics.primary, primary), matches(metrics.primary, canary)]).toEqual([true, false]);
  });
});

describe("the registry", () => {
  it("has every data plane that a Canary may name, in a test", () => {
    expect(dataPlanes.map(({ name }) => name)).toEqual([...dataPlaneNames]);
    expect(cases.map(([name]) => name)).toEqual([...dataPlaneNames]);
  });

  it.each([
    [["projectcontour.io/gateway-controller"], ["Contour", "OpenTelemetry", "HTTPHistogram"]],
    [
      ["istio.io/mesh-controller", "k8s.io/ingress-nginx"],
      ["Istio", "IngressNginx", "OpenTelemetry", "HTTPHistogram"],
    ],
    [["example.com/unknown"], ["OpenTelemetry", "HTTPHistogram"]],
  ])("knows who runs %j", (controllers, expected) => {
    expect(dataPlanesFor(controllers).map(({ name }) => name)).toEqual(expected);
  });
});
