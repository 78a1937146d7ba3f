import { referencesOf } from "../../kube/configuration.ts";
import { apiVersionOf } from "../../kube/kinds.ts";
import type { WorkloadObject } from "../../kube/objects.ts";
import { namesOf } from "../../lib/names.ts";
import type { JsonObject } from "../apiserver/json.ts";
import { kindNamed } from "../kinds.ts";

/** What is looked at in a Canary before the API server has filled in its defaults. */
export interface CanaryManifest {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: {
    readonly targetRef: { readonly kind: string; readonly name: string };
    readonly service?: { readonly port?: number; readonly targetPort?: number | string };
    readonly traffic?: {
      readonly gatewayAPI?: {
        readonly routeRefs?: readonly { readonly kind?: string; readonly namespace?: string; readonly name: string }[];
      };
      readonly nginx?: { readonly ingressRefs: readonly { readonly name: string }[] };
    };
    readonly strategy?: { readonly abTest?: object };
    readonly analysis?: { readonly interval?: string };
  };
}

/** The simplest objects for what a Canary needs and its files do not hold. */
export function missingFor(canary: CanaryManifest, given: readonly JsonObject[]): readonly JsonObject[] {
  const { namespace } = namesOf(canary);
  const there = new Set(given.map((object) => keyOf(object, namespace)));
  const ours = targetFor(canary);
  const target = given.find((object) => keyOf(object, namespace) === keyOf(ours, namespace)) ?? ours;
  const wanted = [
    ours,
    serviceFor(canary, target as unknown as WorkloadObject),
    ...routesFor(canary),
    ...configurationFor(target as unknown as WorkloadObject, namespace),
    ...providersFor([...given], namespace),
  ];
  const missing = wanted.filter((object) => !there.has(keyOf(object, namespace)));
  return [...new Map(missing.map((object) => [keyOf(object, namespace), object])).values()];
}

function keyOf({ kind = "", metadata }: JsonObject, fallback: string): string {
  const { name = "", namespace = fallback } = (metadata ?? {}) as {
    readonly name?: string;
    readonly namespace?: string;
  };
  return `${String(kind)} ${kind === "ClusterMetricProvider" ? "" : namespace}/${name}`;
}

interface Place {
  readonly namespace: string;
  readonly name: string;
}

function manifest(apiVersion: string, kind: string, metadata: Place, rest: object): JsonObject {
  return { apiVersion, kind, metadata: { ...metadata }, ...rest };
}

function targetFor(canary: CanaryManifest): JsonObject {
  const { targetRef, service } = canary.spec;
  const { namespace, target: name } = namesOf(canary);
  const { targetPort: port } = service ?? {};
  const labels = { app: name };
  const ports = [
    { name: typeof port === "string" ? port : "http", containerPort: typeof port === "number" ? port : 8_080 },
  ];
  const template = { metadata: { labels }, spec: { containers: [{ name, image: `${name}:current`, ports }] } };
  const size = targetRef.kind === "DaemonSet" ? {} : { replicas: 1 };
  const set = targetRef.kind === "StatefulSet" ? { serviceName: name } : {};
  const spec = { ...size, ...set, selector: { matchLabels: labels }, template };
  return manifest("apps/v1", targetRef.kind, { namespace, name }, { spec });
}

function serviceFor(canary: CanaryManifest, { spec }: WorkloadObject): JsonObject {
  const { namespace, target: name } = namesOf(canary);
  const { port = 80, targetPort } = canary.spec.service ?? {};
  const [first] = spec.template.spec.containers.flatMap(({ ports }) => ports ?? []);
  const ports = [{ name: "http", port, targetPort: targetPort ?? first?.containerPort ?? port }];
  return manifest(
    "v1",
    "Service",
    { namespace, name },
    { spec: { selector: { ...spec.selector.matchLabels }, ports } },
  );
}

function routesFor(canary: CanaryManifest): readonly JsonObject[] {
  const { namespace, target, primary, canaryService } = namesOf(canary);
  const { traffic, service } = canary.spec;
  const port = service?.port ?? 80;
  const backends = [
    { name: primary, weight: 100 },
    { name: canaryService, weight: 0 },
  ].map((backend) => ({ group: "", kind: "Service", port, ...backend }));
  const routes = (traffic?.gatewayAPI?.routeRefs ?? []).map(({ kind = "HTTPRoute", ...ref }) => {
    const known = kindNamed("gateway.networking.k8s.io/v1", kind);
    const spec = { parentRefs: [{ name: "gateway" }], rules: [{ backendRefs: backends }] };
    return manifest(known === undefined ? "" : apiVersionOf(known), kind, { namespace, ...ref }, { spec });
  });
  const ingresses = (traffic?.nginx?.ingressRefs ?? []).map(({ name }) => {
    const backend = { service: { name: target, port: { number: port } } };
    const rules = [{ host: `${name}.example.com`, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }];
    return manifest(
      "networking.k8s.io/v1",
      "Ingress",
      { namespace, name },
      { spec: { ingressClassName: "nginx", rules } },
    );
  });
  return [...routes, ...ingresses];
}

/** Pods do not start without what they refer to. */
function configurationFor({ spec }: WorkloadObject, namespace: string): readonly JsonObject[] {
  return referencesOf(spec.template)
    .filter(({ optional }) => !optional)
    .map(({ kind, name }) => manifest("v1", kind, { namespace, name }, {}));
}

/** Every provider that is named anywhere: who is asked in earnest does not matter here. */
function providersFor(given: readonly unknown[], namespace: string): readonly JsonObject[] {
  return given.flatMap((value): readonly JsonObject[] => {
    if (typeof value !== "object" || value === null) return [];
    const { providerRef, ...rest } = value as {
      readonly providerRef?: { readonly kind?: string; readonly name?: string };
    };
    const below = providersFor(Object.values(rest), namespace);
    if (typeof providerRef?.name !== "string") return below;
    const { kind = "MetricProvider", name } = providerRef;
    const spec = { prometheus: { url: "http://prometheus.invalid" } };
    return [...below, manifest("aviary.dev/v1beta1", kind, { namespace, name }, { spec })];
  });
}
