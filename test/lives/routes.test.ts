import { describe, expect, it } from "vitest";
import { kinds, versionsOf } from "../../src/kube/kinds.ts";
import type { GatewayRoute, HTTPRoute } from "../../src/kube/objects.ts";
import type { Kube, KubeObject, ResourceKind } from "../../src/kube/port.ts";
import { NAMESPACE } from "./life.ts";
import type { Life, LifeOptions } from "./life.ts";
import { adopted, bad, born, conditionOf, outcomes, underWay, watchLives } from "./lives.ts";
import { aDeployment, apexService, backend, EDGE, manifest } from "./manifests.ts";
import { readyOf } from "./watchman.ts";

watchLives();

const web = { namespace: NAMESPACE, name: "web" };
const times = { settle: "2s", drain: "5s" };
const pair = [backend("web-primary", 100), backend("web-canary", 0)];

const traffic = (...routeRefs: readonly object[]) => ({ traffic: { ...times, gatewayAPI: { routeRefs } } });

function aRouteOf(kind: ResourceKind, backendRefs: readonly object[] = pair, name = "web"): KubeObject {
  const spec = { parentRefs: [{ name: "gateway" }], rules: [{ backendRefs }] };
  return manifest(`${kind.group}/${kind.version}`, kind.kind, name, { spec });
}

async function application(kube: Kube, ...routes: readonly (readonly [ResourceKind, KubeObject])[]): Promise<void> {
  await kube.create(kinds.deployment, aDeployment(3));
  await kube.create(kinds.service, apexService);
  for (const [kind, route] of routes) await kube.create(kind, route);
}

async function goodThenBad(life: Life): Promise<void> {
  await life.release("2");
  await life.until("promotion", ({ phase }) => phase === "Succeeded");
  life.ask = bad;
  await life.release("3");
  await life.until("roll back", ({ phase }) => phase === "Failed");
  expect(outcomes(life)).toEqual(["example/web:3 Failed", "example/web:2 Succeeded"]);
}

const definitions: ResourceKind = {
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  namespaced: false,
};

/** As a cluster of the Gateway API before 1.5: the kind is served as v1alpha2 alone. */
async function serveAlphaOnly(kube: Kube, { plural, group }: ResourceKind): Promise<void> {
  const ref = { name: `${plural}.${group}` };
  const held = await kube.get<KubeObject & { readonly spec: { readonly versions: readonly object[] } }>(
    definitions,
    ref,
  );
  const versions = held?.spec.versions.map((version) => ({ ...version, name: "v1alpha2" }));
  await kube.mergePatch(definitions, ref, { spec: { versions } });
}

describe("weights", () => {
  const [, tcpAlpha] = versionsOf.tcpRoute;
  const [, tlsAlpha] = versionsOf.tlsRoute;
  it.each([
    ["a GRPCRoute", kinds.grpcRoute],
    ["a TCPRoute", kinds.tcpRoute],
    ["a TLSRoute", kinds.tlsRoute],
    ["a TCPRoute that is still v1alpha2", tcpAlpha],
    ["a TLSRoute that is still v1alpha2", tlsAlpha],
  ] as const)("of %s are moved, and handed back", async (_what, kind) => {
    const life = await adopted({
      spec: traffic({ kind: kind.kind, name: "web" }),
      workload: async (kube) => {
        if (kind.version === "v1alpha2") await serveAlphaOnly(kube, kind);
        await application(kube, [kind, aRouteOf(kind)]);
      },
    });
    await goodThenBad(life);
    expect(life.events()).not.toContain("Warning RouteStatusStale");
    await life.kube.delete(kinds.canary, web);
    await life.until("the end", () => !life.exists());
    const route = await life.kube.get<GatewayRoute>(kind, web);
    expect(route?.metadata.annotations?.["aviary.dev/weights"]).toBeUndefined();
    expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
  });

  it.each(["TCPRoute", "TLSRoute"])("of a %s are refused by name where nobody serves the kind", async (kind) => {
    const life = await born({ spec: traffic({ kind, name: "web" }), without: `${kind.toLowerCase()}s.` });
    await life.until("the sentence", () => conditionOf(life, "Stalled") !== undefined);
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: "RouteKindMissing" });
    expect(conditionOf(life, "Stalled")?.message).toContain(`does not serve ${kind} (gateway.networking.k8s.io/v1)`);
  });

  it("of several routes and several ports move together", async () => {
    const admin = [backend("web-primary", 100), backend("web-canary", 0)].map((ref) => ({ ...ref, port: 9090 }));
    const life = await adopted({
      spec: {
        ...traffic({ name: "web" }, { name: "admin" }, { kind: "GRPCRoute", name: "web" }),
        service: {
          ports: [
            { name: "http", port: 80, targetPort: "http" },
            { name: "admin", port: 9090, targetPort: "http" },
          ],
        },
      },
      workload: (kube) =>
        application(
          kube,
          [kinds.httpRoute, aRouteOf(kinds.httpRoute)],
          [kinds.httpRoute, aRouteOf(kinds.httpRoute, admin, "admin")],
          [kinds.grpcRoute, aRouteOf(kinds.grpcRoute)],
        ),
    });
    const weights = async () =>
      Promise.all(
        [
          { kind: kinds.httpRoute, name: "web" },
          { kind: kinds.httpRoute, name: "admin" },
          { kind: kinds.grpcRoute, name: "web" },
        ].map(async ({ kind, name }) => {
          const route = await life.kube.get<GatewayRoute>(kind, { namespace: NAMESPACE, name });
          return route?.spec.rules?.[0]?.backendRefs?.map(({ port, weight }) => `${port}:${weight}`).join(" ");
        }),
      );
    await life.release("2");
    await life.until("10 %", ({ rollout }) => rollout?.weight === 10 && rollout.effectiveSince !== undefined);
    expect(await weights()).toEqual(["80:90 80:10", "9090:90 9090:10", "80:90 80:10"]);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(await weights()).toEqual(["80:100 80:0", "9090:100 9090:0", "80:100 80:0"]);
  });

  it("of a route that Aviary makes lead every rule to its own port", async () => {
    const rules = [{ matches: [{ path: { type: "PathPrefix", value: "/admin" } }], port: 9090 }, {}];
    const ports = [
      { name: "http", port: 80, targetPort: "http" },
      { name: "admin", port: 9090, targetPort: "http" },
    ];
    const life = await adopted({
      spec: {
        traffic: { ...times, gatewayAPI: { route: { parentRefs: [{ name: "gateway" }], rules } } },
        service: { ports },
      },
      workload: (kube) => application(kube),
    });
    const route = await life.kube.get<HTTPRoute>(kinds.httpRoute, web);
    expect(route?.spec.rules?.map(({ backendRefs = [] }) => backendRefs.map(({ port }) => port))).toEqual([
      [9090, 9090],
      [80, 80],
    ]);
    await goodThenBad(life);
  });
});

describe("a route of another namespace", () => {
  const inShop = pair.map((ref) => ({ ...ref, namespace: NAMESPACE }));
  const edge = { namespace: EDGE, name: "web" };
  const route = () => {
    const made = aRouteOf(kinds.httpRoute, inShop);
    return { ...made, metadata: { ...made.metadata, namespace: EDGE } };
  };
  const grant = (from: object, to: object): KubeObject =>
    ({
      apiVersion: "gateway.networking.k8s.io/v1beta1",
      kind: "ReferenceGrant",
      metadata: { name: "shop", namespace: EDGE },
      spec: { from: [from], to: [to] },
    }) as KubeObject;
  const canaries = { group: "aviary.dev", kind: "Canary", namespace: NAMESPACE };
  const routes = { group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "web" };
  const [, grantKind] = versionsOf.referenceGrant;

  const options = (made?: KubeObject): LifeOptions => ({
    spec: traffic({ name: "web", namespace: EDGE }),
    workload: async (kube) => {
      await kube.create(kinds.namespace, {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: EDGE },
      });
      await application(kube, [kinds.httpRoute, route()]);
      if (made !== undefined) await kube.create(grantKind, made);
    },
  });

  it("is steered where a ReferenceGrant there names our Canaries", async () => {
    const life = await adopted(options(grant(canaries, routes)));
    await life.release("2");
    await life.until("10 %", ({ rollout }) => rollout?.weight === 10 && rollout.effectiveSince !== undefined);
    const shifted = await life.kube.get<HTTPRoute>(kinds.httpRoute, edge);
    expect(shifted?.spec.rules?.[0]?.backendRefs).toMatchObject([{ weight: 90 }, { weight: 10, namespace: NAMESPACE }]);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    await life.kube.delete(kinds.canary, web);
    await life.until("the end", () => !life.exists());
    const released = await life.kube.get<HTTPRoute>(kinds.httpRoute, edge);
    expect(released?.metadata.annotations?.["aviary.dev/weights"]).toBeUndefined();
  });

  it.each([
    ["no grant", undefined],
    ["a grant for routes of our namespace alone", grant({ ...routes, name: undefined, namespace: NAMESPACE }, routes)],
    ["a grant for Canaries of another namespace", grant({ ...canaries, namespace: "other" }, routes)],
    ["a grant for another route", grant(canaries, { ...routes, name: "other" })],
    ["a grant for the Services there", grant(canaries, { group: "", kind: "Service" })],
  ])("is left alone with %s, and the sentence holds the grant to create", async (_what, made) => {
    const life = await born(options(made === undefined ? undefined : (JSON.parse(JSON.stringify(made)) as KubeObject)));
    await life.until("the sentence", () => conditionOf(life, "Stalled") !== undefined);
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: "RouteNotGranted" });
    expect(conditionOf(life, "Stalled")?.message).toContain(
      "from: [{ group: aviary.dev, kind: Canary, namespace: shop }]",
    );
    await life.pass(60_000);
    const untouched = await life.kube.get<HTTPRoute>(kinds.httpRoute, edge);
    expect(untouched?.metadata.generation).toBe(1);
    expect(untouched?.metadata.annotations).toBeUndefined();
  });

  it("goes on when the grant comes, and is not written to when the grant has gone", async () => {
    const life = await born(options());
    await life.until("the sentence", () => conditionOf(life, "Stalled") !== undefined);
    await life.kube.create(grantKind, grant(canaries, routes));
    await life.until("adoption", ({ phase }) => phase === "Idle");
    await life.release("2");
    await life.until("10 %", ({ rollout }) => rollout?.weight === 10 && rollout.effectiveSince !== undefined);
    await life.kube.delete(grantKind, { namespace: EDGE, name: "shop" });
    const before = (await life.kube.get<HTTPRoute>(kinds.httpRoute, edge))?.metadata.resourceVersion;
    await life.pass(120_000);
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: "RouteNotGranted" });
    expect((await life.kube.get<HTTPRoute>(kinds.httpRoute, edge))?.metadata.resourceVersion).toBe(before);
    await life.kube.create(grantKind, grant(canaries, routes));
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  /** A life with a route here and one there at 10 %, whose grant is withdrawn then. */
  async function withdrawn(): Promise<Life> {
    const { workload } = options(grant(canaries, routes));
    const here = async (kube: Kube): Promise<void> => {
      await workload?.(kube);
      await kube.create(kinds.httpRoute, aRouteOf(kinds.httpRoute, pair, "here"));
    };
    const routeRefs = [{ name: "here" }, { name: "web", namespace: EDGE }];
    const spec = { traffic: { settle: "2s", drain: "5s", gatewayAPI: { routeRefs } } };
    const life = await underWay({ spec, workload: here });
    expect(await weightsOf(life)).toEqual([10, 10]);
    await life.kube.delete(grantKind, { namespace: EDGE, name: "shop" });
    return life;
  }

  /** The canary's weights here and there. */
  async function weightsOf(life: Life): Promise<(number | undefined)[]> {
    const refs = [{ namespace: NAMESPACE, name: "here" }, edge];
    const found = await Promise.all(refs.map((ref) => life.kube.get<HTTPRoute>(kinds.httpRoute, ref)));
    return found.map((object) => object?.spec.rules?.[0]?.backendRefs?.[1]?.weight);
  }

  it("whose grant is withdrawn does not keep the other routes from a roll back, and its users keep their pods", async () => {
    const life = await withdrawn();
    life.ask = bad;
    expect(await life.act("Abort")).toMatch(/^Applied/);
    await life.pass(1_000);
    expect(await weightsOf(life)).toEqual([0, 10]);
    await life.pass(120_000);
    expect(life.status().phase).toBe("RollingBack");
    expect(conditionOf(life, "Stalled")?.message).toMatch(
      /^the other routes are back on the primary, but HTTPRoute edge\/web still leads users to the canary, whose pods stay: .* from: \[\{ group: aviary.dev/s,
    );
    expect(readyOf(life.server, "web")).toBe(1);
    const asked = life.traffic.writes.length;
    await life.pass(120_000);
    expect(life.traffic.writes.length).toBe(asked);
    await life.kube.create(grantKind, grant(canaries, routes));
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(await weightsOf(life)).toEqual([0, 0]);
    expect(life.errors).toEqual([]);
  });

  it("whose grant is withdrawn does not keep the Canary from being deleted", async () => {
    const life = await withdrawn();
    await life.kube.delete(kinds.canary, web);
    await life.until("the end", () => !life.exists());
    expect(await weightsOf(life)).toEqual([0, 10]);
    expect(readyOf(life.server, "web")).toBe(3);
    // Whom that route leads to the canary gets the version before, which was judged; nobody could be led elsewhere.
    expect(life.breaches.filter((breach) => !breach.endsWith("1 got behind web-canary at weight 10"))).toEqual([]);
    life.breaches.length = 0;
    expect(life.errors).toEqual([]);
  });
});
