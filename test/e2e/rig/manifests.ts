/** What a shop's team writes. */
export interface ShopManifests {
  readonly namespace: string;
  readonly kind: WorkloadName;
  readonly replicas: number;
  readonly host: string;
  /** What a route names in `parentRefs`. */
  readonly parentRef: object;
  /** The pods have their variables from a ConfigMap as well. */
  readonly configured: boolean;
}

export type WorkloadName = "Deployment" | "DaemonSet" | "StatefulSet";

/** The workload with a version, and how that behaves (the variables of app/settings.ts). */
export function workload(of: ShopManifests, version: string, env: Readonly<Record<string, string>> = {}): object {
  const { namespace, kind, replicas, configured } = of;
  const labels = { app: "web" };
  const container = {
    name: "web",
    image: imageOf(version),
    env: variables(env),
    ...(configured ? { envFrom: [{ configMapRef: { name: "web-config" } }] } : {}),
    ports: [{ name: "http", containerPort: 8080 }],
    readinessProbe: { httpGet: { path: "/readyz", port: "http" }, periodSeconds: 1, failureThreshold: 2 },
    // Longer than the gateway and the nodes need to hear that the pod leaves.
    lifecycle: { preStop: { sleep: { seconds: 4 } } },
  };
  const podSpec = { terminationGracePeriodSeconds: 20, containers: [container] };
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name: "web", namespace, labels },
    spec: {
      ...(kind === "DaemonSet" ? {} : { replicas }),
      ...(kind === "StatefulSet" ? { serviceName: "web" } : {}),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec },
    },
  };
}

export function imageOf(version: string): string {
  return `registry.test/web:${version}`;
}

export function variables(env: Readonly<Record<string, string>>): object[] {
  return Object.entries(env).map(([name, value]) => ({ name, value }));
}

export function configMap(
  { namespace }: { readonly namespace: string },
  data: Readonly<Record<string, string>>,
): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "web-config", namespace }, data };
}

export function service({ namespace }: ShopManifests): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace },
    spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "http" }] },
  };
}

/** A route to some backends with their weights, as it stands in Git. */
export function route(
  { namespace, host, parentRef }: Pick<ShopManifests, "namespace" | "host" | "parentRef">,
  backends: Readonly<Record<string, number>>,
  name = "web",
): object {
  const backendRefs = Object.entries(backends).map(([to, weight]) => {
    return { group: "", kind: "Service", name: to, port: 80, weight };
  });
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name, namespace },
    spec: { parentRefs: [parentRef], hostnames: [host], rules: [{ backendRefs }] },
  };
}

/** Times are short where production would have minutes; what is waited for is the same. */
export function canarySpec({ kind }: ShopManifests): object {
  const requests = 'envoy_cluster_upstream_rq{envoy_cluster_name="{{ namespace }}_{{ canary }}_80"';
  const errors = `sum(rate(${requests},envoy_response_code=~"5.."}[4s]))`;
  const total = `sum(rate(${requests}}[4s]))`;
  const errorRate = { query: `100 * (${errors} or 0 * ${total}) / ${total}`, max: 5, failureLimit: 1 };
  return {
    targetRef: { kind, name: "web" },
    traffic: { settle: "1s", drain: "3s", gatewayAPI: { routeRefs: [{ name: "web", addBackends: true }] } },
    strategy: { canary: { steps: [5, 10, 20, 30, 50].map((weight) => ({ weight, hold: "3s" })) } },
    analysis: { interval: "1s", checks: [{ name: "error-rate", threshold: errorRate }] },
  };
}
