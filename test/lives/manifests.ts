import type { DaemonSet, Deployment, StatefulSet } from "../../src/kube/objects.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { Kube, KubeObject } from "../../src/kube/port.ts";

export const NAMESPACE = "shop";
/** Another namespace, which holds routes of somebody else. */
export const EDGE = "edge";

export function manifest(apiVersion: string, kind: string, name: string, rest: object = {}): KubeObject {
  return { apiVersion, kind, metadata: { namespace: NAMESPACE, name }, ...rest };
}

/** A pod of `version`; `env` steers how the sandbox's pods behave (`CRASH`, `READY`, `IMAGE`, `START_DELAY_MS`). */
export function podSpec(version: string, env: Readonly<Record<string, string>> = {}): object {
  const variables = Object.entries({ VERSION: version, ...env }).map(([name, value]) => ({ name, value }));
  const image = env["IMAGE"] ?? `example/web:${version}`;
  return { containers: [{ name: "web", image, ports: [{ name: "http", containerPort: 8080 }], env: variables }] };
}

export function aDeployment(replicas: number, spec: object = {}): Deployment {
  const labels = { app: "web" };
  return manifest("apps/v1", "Deployment", "web", {
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec("1") },
      ...spec,
    },
  }) as Deployment;
}

export function aStatefulSet(replicas: number, spec: object = {}): StatefulSet {
  const { selector, template } = aDeployment(0).spec;
  return manifest("apps/v1", "StatefulSet", "web", {
    spec: { replicas, selector, template, serviceName: "web", ...spec },
  }) as StatefulSet;
}

export function aDaemonSet(spec: object = {}): DaemonSet {
  const { selector, template } = aDeployment(0).spec;
  return manifest("apps/v1", "DaemonSet", "web", { spec: { selector, template, ...spec } }) as DaemonSet;
}

export const apexService: KubeObject = manifest("v1", "Service", "web", {
  spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "http" }] },
});

export function backend(name: string, weight: number): object {
  return { group: "", kind: "Service", name, port: 80, weight };
}

export function aRoute(
  backendRefs: readonly object[] = [backend("web-primary", 100), backend("web-canary", 0)],
): KubeObject {
  return manifest("gateway.networking.k8s.io/v1", "HTTPRoute", "web", {
    spec: { parentRefs: [{ name: "gateway" }], rules: [{ backendRefs }] },
  });
}

export const anIngress: KubeObject = manifest("networking.k8s.io/v1", "Ingress", "web", {
  spec: {
    ingressClassName: "nginx",
    rules: [
      {
        host: "web.example.com",
        http: {
          paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } } }],
        },
      },
    ],
  },
});

/** The usual objects of an application that is not yet Aviary's. */
export async function applyWorkload(kube: Kube, replicas: number): Promise<void> {
  await kube.create(kinds.deployment, aDeployment(replicas));
  await kube.create(kinds.service, apexService);
  await kube.create(kinds.httpRoute, aRoute());
}

export const oneCheck = { name: "success", threshold: { query: "success{{ interval }}", min: 0.99, failureLimit: 1 } };

export const twoSteps = [
  { weight: 10, hold: "20s" },
  { weight: 50, hold: "20s" },
];

export function withSteps(steps: readonly object[]): { readonly strategy: object } {
  return { strategy: { canary: { steps } } };
}

export function withAnalysis(more: object, check: object = {}): { readonly analysis: object } {
  const checks = [{ ...oneCheck, threshold: { ...oneCheck.threshold, ...check } }];
  return { analysis: { interval: "10s", checks, ...more } };
}

export function aCanary(spec: object = {}, name = "web"): KubeObject {
  return manifest("aviary.dev/v1beta1", "Canary", name, {
    spec: {
      targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      traffic: { settle: "2s", drain: "5s", gatewayAPI: { routeRefs: [{ name: "web" }] } },
      ...withSteps(twoSteps),
      ...withAnalysis({}),
      ...spec,
    },
  });
}
