import type { BackendRef, EndpointSlice, GatewayRoute, Ingress, RouteRule, Service } from "../../src/kube/objects.ts";
import type { KubeObject } from "../../src/kube/port.ts";
import type { Backends } from "../../src/routers/router.ts";

export const backends: Backends = {
  namespace: "shop",
  name: "podinfo",
  primary: "podinfo-primary",
  canary: "podinfo-canary",
  port: 80,
  primaryLabel: { key: "app", value: "podinfo-primary" },
};

/** A situation that a router must master. Every router in the registry has at least one. */
export interface RouterSample {
  readonly title: string;
  readonly router: string;
  /** It splits connections or endpoints, and so knows neither A/B tests nor mirrors. */
  readonly connections?: true;
  /** As a user writes it. */
  readonly block: unknown;
  readonly objects: readonly KubeObject[];
  /** The object without the fields that Aviary may change in it. */
  readonly foreign: (object: KubeObject) => unknown;
  /** The weights of each place where traffic is split. */
  readonly splits: (objects: readonly KubeObject[]) => readonly Readonly<Record<string, number>>[];
  /** A user edits the names that a patch relies on; left out where all writes are applies to objects of ours. */
  readonly rename?: (object: KubeObject) => KubeObject;
  /** What is there after a release, when it is not what was there at the start. */
  /** What the cluster does after every write, where the router waits for that. */
  readonly follow?: (objects: Map<string, KubeObject>) => void;
  readonly released?: { readonly of: (objects: readonly KubeObject[]) => unknown; readonly is: unknown };
}

export function ref(name: string, weight?: number, rest: Partial<BackendRef> = {}): BackendRef {
  return { group: "", kind: "Service", name, port: 80, ...rest, ...(weight === undefined ? {} : { weight }) };
}

export function route(rules: readonly RouteRule[], overrides: Partial<GatewayRoute["metadata"]> = {}): GatewayRoute {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: {
      name: "podinfo",
      namespace: "shop",
      uid: "uid-of-podinfo",
      resourceVersion: "7",
      generation: 3,
      annotations: { "example.com/owner": "team-a" },
      ...overrides,
    },
    spec: { parentRefs: [{ name: "gateway" }], rules },
  };
}

/** Weights of the pair and our annotation blanked out; all weights of the rules in `scaled`. */
export function withoutWeights(object: KubeObject, scaled: readonly number[] = []): unknown {
  const { annotations, resourceVersion: _version, generation: _generation, ...metadata } = object.metadata;
  const others = Object.entries(annotations ?? {}).filter(([key]) => key !== "aviary.dev/weights");
  const rules = ((object as GatewayRoute).spec.rules ?? []).map((rule, index) => ({
    ...rule,
    backendRefs: rule.backendRefs?.map((backend) =>
      [backends.primary, backends.name, backends.canary].includes(backend.name) || scaled.includes(index)
        ? { ...backend, weight: "any" }
        : backend,
    ),
  }));
  return { ...object, metadata, annotations: others, spec: { ...(object as GatewayRoute).spec, rules } };
}

function pairsOf(objects: readonly KubeObject[]): readonly Readonly<Record<string, number>>[] {
  return objects.flatMap((object) =>
    ((object as GatewayRoute).spec.rules ?? [])
      .map(weightsOf)
      .filter((weights) => backends.canary in weights && Object.keys(weights).length > 1),
  );
}

function weightsOf(rule: RouteRule): Readonly<Record<string, number>> {
  return Object.fromEntries((rule.backendRefs ?? []).map(({ name, weight }) => [name, weight ?? 1]));
}

function renamePrimary(object: KubeObject): KubeObject {
  return JSON.parse(
    JSON.stringify(object).replaceAll(/"name":"podinfo-(primary|canary)"/g, '"name":"renamed-$1"'),
  ) as KubeObject;
}

const gateway: readonly RouterSample[] = [
  {
    title: "a route of the user's with the pair",
    router: "gatewayAPI",
    block: { routeRefs: [{ name: "podinfo" }] },
    objects: [route([{ backendRefs: [ref("podinfo-primary", 100), ref("podinfo-canary", 0)] }])],
    foreign: (object) => withoutWeights(object),
    splits: pairsOf,
    rename: renamePrimary,
  },
  {
    title: "rules and backends of others, unknown fields, the pair in any order and with its own sum",
    router: "gatewayAPI",
    block: { routeRefs: [{ name: "podinfo" }] },
    objects: [
      route([
        { name: "static", backendRefs: [ref("static", 1)], futureField: { a: [1, { b: null }] } },
        {
          matches: [{ path: { type: "PathPrefix", value: "/" } }],
          timeouts: { request: "5s" },
          backendRefs: [
            ref("podinfo-canary", 0, { filters: [{ type: "RequestHeaderModifier", future: true }] }),
            ref("legacy", 500),
            ref("podinfo-primary", 1000),
          ],
        },
        { backendRefs: [ref("podinfo-primary", 250), ref("podinfo-canary", 0)] },
      ]),
    ],
    foreign: (object) => withoutWeights(object),
    splits: pairsOf,
    rename: renamePrimary,
  },
  {
    title: "a GRPCRoute without annotations whose pair is the apex and the canary",
    router: "gatewayAPI",
    block: { routeRefs: [{ kind: "GRPCRoute", name: "podinfo" }] },
    objects: [
      {
        ...route([{ backendRefs: [ref("podinfo", 100), ref("podinfo-canary", 0)] }], {}),
        kind: "GRPCRoute",
        metadata: { name: "podinfo", namespace: "shop", uid: "uid-of-podinfo", resourceVersion: "7", generation: 1 },
      },
    ],
    foreign: (object) => withoutWeights(object),
    splits: pairsOf,
    rename: (object) =>
      JSON.parse(JSON.stringify(object).replaceAll('"name":"podinfo-canary"', '"name":"renamed"')) as KubeObject,
  },
  {
    title: "a TCPRoute that is still v1alpha2, of another namespace that grants it",
    router: "gatewayAPI",
    connections: true,
    block: { routeRefs: [{ kind: "TCPRoute", name: "podinfo", namespace: "edge" }] },
    objects: [
      {
        ...route(
          [
            {
              backendRefs: [
                ref("podinfo-primary", 100, { namespace: "shop" }),
                ref("podinfo-canary", 0, { namespace: "shop" }),
                ref("podinfo-canary", 3),
              ],
            },
          ],
          { namespace: "edge" },
        ),
        apiVersion: "gateway.networking.k8s.io/v1alpha2",
        kind: "TCPRoute",
      },
      {
        apiVersion: "gateway.networking.k8s.io/v1beta1",
        kind: "ReferenceGrant",
        metadata: { name: "shop", namespace: "edge", uid: "uid-of-shop" },
        spec: {
          from: [{ group: "aviary.dev", kind: "Canary", namespace: "shop" }],
          to: [{ group: "gateway.networking.k8s.io", kind: "TCPRoute" }],
        },
      } as KubeObject,
    ],
    foreign: (object) => (object.kind === "ReferenceGrant" ? object : withoutWeights(object)),
    splits: pairsOf,
    rename: renamePrimary,
  },
  {
    title: "a route with the apex alone that is to get the pair",
    router: "gatewayAPI",
    block: { routeRefs: [{ name: "podinfo", addBackends: true }] },
    objects: [route([{ backendRefs: [ref("static", 1)] }, { backendRefs: [ref("podinfo", 100)] }])],
    foreign: (object) => {
      const rules = ((object as GatewayRoute).spec.rules ?? []).map((rule) => ({
        ...rule,
        backendRefs: rule.backendRefs?.filter(({ name }) => name !== backends.canary),
      }));
      return withoutWeights({ ...object, spec: { ...(object as GatewayRoute).spec, rules } } as GatewayRoute);
    },
    splits: pairsOf,
    rename: (object) => JSON.parse(JSON.stringify(object).replaceAll('"podinfo"', '"renamed"')) as KubeObject,
  },
  {
    title: "a route that Aviary owns",
    router: "gatewayAPI",
    block: {
      route: {
        parentRefs: [{ name: "gateway", namespace: "infra", sectionName: "web" }],
        hostnames: ["shop.test"],
        rules: [{ timeouts: { request: "5s" } }, {}],
      },
    },
    objects: [],
    foreign: (object) => object,
    splits: pairsOf,
    released: {
      of: (objects) => (objects as readonly GatewayRoute[]).flatMap((object) => object.spec.rules?.map(weightsOf)),
      is: [{ podinfo: 100 }, { podinfo: 100 }],
    },
  },
];

export const ingress: Ingress = {
  apiVersion: "networking.k8s.io/v1",
  kind: "Ingress",
  metadata: {
    name: "shop",
    namespace: "shop",
    uid: "uid-of-shop",
    resourceVersion: "7",
    generation: 1,
    annotations: { "nginx.ingress.kubernetes.io/rewrite-target": "/" },
  },
  spec: {
    ingressClassName: "nginx",
    tls: [{ hosts: ["shop.test"], secretName: "shop-tls" }],
    rules: [
      {
        host: "shop.test",
        http: {
          paths: [
            {
              path: "/api",
              pathType: "Prefix",
              backend: { service: { name: "podinfo", port: { name: "http" } } },
            },
            { path: "/static", pathType: "Exact", backend: { service: { name: "static", port: { number: 80 } } } },
          ],
        },
      },
    ],
  },
};

const secondIngress: Ingress = {
  ...ingress,
  metadata: { ...ingress.metadata, name: "podinfo", uid: "uid-of-podinfo" },
  spec: {
    rules: [
      {
        http: {
          paths: [
            { path: "/", pathType: "Prefix", backend: { service: { name: "podinfo-primary", port: { number: 80 } } } },
          ],
        },
      },
    ],
  },
};

const nginxSamples: readonly RouterSample[] = [
  {
    title: "two Ingresses, one of them named as the target",
    router: "nginx",
    block: { ingressRefs: [{ name: "shop" }, { name: "podinfo" }] },
    objects: [ingress, secondIngress],
    foreign: (object) => object,
    splits: (objects) =>
      objects.flatMap((object) => {
        const weight = object.metadata.annotations?.["nginx.ingress.kubernetes.io/canary-weight"];
        return weight === undefined
          ? []
          : [{ [backends.canary]: Number(weight), [backends.primary]: 100 - Number(weight) }];
      }),
  },
];

/** The cluster's slice behind a Service. */
export function slice(name: string, addresses: readonly string[]): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${name}-abcde`,
      namespace: "shop",
      labels: {
        "kubernetes.io/service-name": name,
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
      },
    },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  };
}

export function apexService(app: string, spec: object = {}, name: string = backends.name): Service {
  const selector = { app, tier: "web" };
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop", uid: `uid-of-${name}` },
    spec: { selector, ...spec },
  };
}

const primaryPods = Array.from({ length: 10 }, (_, index) => `10.0.0.${index}`);
const canaryPods = Array.from({ length: 10 }, (_, index) => `10.0.1.${index}`);

/** What the cluster's controller makes of the apex Service's selector. */
function follow(objects: Map<string, KubeObject>): void {
  const apex = objects.get(`Service/shop/${backends.name}`) as Service | undefined;
  const pods = apex?.spec.selector?.["app"] === "podinfo" ? canaryPods : primaryPods;
  objects.set("EndpointSlice/shop/podinfo-abcde", slice("podinfo", pods));
}

const serviceSamples: readonly RouterSample[] = [
  {
    title: "ten pods on either side",
    router: "service",
    connections: true,
    block: {},
    objects: [
      apexService("podinfo-primary"),
      apexService("podinfo", {}, backends.canary),
      slice("podinfo", primaryPods),
      slice(backends.primary, primaryPods),
      slice(backends.canary, canaryPods),
    ],
    follow,
    foreign: (object) => {
      if (object.metadata.name === "podinfo-abcde") return "the cluster's";
      const { resourceVersion: _version, generation: _generation, ...metadata } = object.metadata;
      return object.kind === "Service" ? { ...object, metadata, spec: "its selector" } : object;
    },
    splits: (objects) => {
      const behind = (objects as readonly EndpointSlice[])
        .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === "podinfo")
        .flatMap(({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses));
      const of = (pods: readonly string[]) => pods.filter((pod) => behind.includes(pod)).length;
      return [{ [backends.primary]: of(primaryPods), [backends.canary]: of(canaryPods) }];
    },
  },
];

export const samples: readonly RouterSample[] = [...gateway, ...nginxSamples, ...serviceSamples];
