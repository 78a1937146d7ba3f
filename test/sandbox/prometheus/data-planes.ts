import { every10s, series, type WrittenSeries } from "./samples.ts";

/** The queries that canaries ask of each data plane, over samples in the form that the data plane exposes. */
export interface DataPlaneQuery {
  readonly plane: string;
  readonly query: string;
  /** The value that the canary's samples below give. */
  readonly gives: number;
}

interface Plane {
  readonly name: string;
  readonly traffic: string;
  readonly latency: string;
  readonly scope: string;
  readonly ok: string;
  readonly error: string;
  /** Matches the errors, as a label matcher. */
  readonly errorFilter: string;
  /** Upper bounds of three finite buckets, in the data plane's unit. */
  readonly bounds: readonly [string, string, string];
}

const MILLISECONDS: Plane["bounds"] = ["10.0", "100.0", "1000.0"];
const SECONDS: Plane["bounds"] = ["0.01", "0.1", "1.0"];

const PLANES: readonly Plane[] = [
  {
    name: "Istio",
    traffic: "istio_requests_total",
    latency: "istio_request_duration_milliseconds",
    scope: 'reporter="destination",destination_workload_namespace="shop",destination_workload="podinfo"',
    ok: 'response_code="200"',
    error: 'response_code="503"',
    errorFilter: 'response_code=~"5.."',
    bounds: MILLISECONDS,
  },
  {
    name: "Envoy Gateway",
    traffic: "envoy_cluster_upstream_rq_xx",
    latency: "envoy_cluster_upstream_rq_time",
    scope: 'envoy_cluster_name="httproute/shop/podinfo/rule/0/backend/1"',
    ok: 'envoy_response_code_class="2"',
    error: 'envoy_response_code_class="5"',
    errorFilter: 'envoy_response_code_class="5"',
    bounds: MILLISECONDS,
  },
  {
    name: "Contour",
    traffic: "envoy_cluster_upstream_rq",
    latency: "envoy_cluster_upstream_rq_time",
    scope: 'envoy_cluster_name=~"shop_podinfo-canary_[0-9a-zA-Z-]+"',
    ok: 'envoy_response_code="200"',
    error: 'envoy_response_code="502"',
    errorFilter: 'envoy_response_code=~"5.."',
    bounds: MILLISECONDS,
  },
  {
    name: "Traefik",
    traffic: "traefik_service_requests_total",
    latency: "traefik_service_request_duration_seconds",
    scope: 'service=~"httproute-shop-podinfo-gw-.*-svc-shop-podinfo-canary-[0-9]+@kubernetesgateway"',
    ok: 'code="200",method="GET",protocol="http"',
    error: 'code="500",method="GET",protocol="http"',
    errorFilter: 'code=~"5.."',
    bounds: SECONDS,
  },
  {
    name: "ingress-nginx",
    traffic: "nginx_ingress_controller_requests",
    latency: "nginx_ingress_controller_response_duration_seconds",
    scope: 'namespace="shop",ingress="podinfo",canary!=""',
    ok: 'status="200"',
    error: 'status="504"',
    errorFilter: 'status=~"5.."',
    bounds: SECONDS,
  },
  {
    name: "OpenTelemetry",
    traffic: "http_server_request_duration_seconds_count",
    latency: "http_server_request_duration_seconds",
    scope: 'k8s_deployment_name="podinfo"',
    ok: 'http_response_status_code="200"',
    error: 'http_response_status_code="500"',
    errorFilter: 'http_response_status_code=~"5.."',
    bounds: SECONDS,
  },
];

/** The labels that a scope's matchers find. */
const FOUND_AS: Readonly<Record<string, string>> = {
  'envoy_cluster_name=~"shop_podinfo-canary_[0-9a-zA-Z-]+"': 'envoy_cluster_name="shop_podinfo-canary_9898"',
  'service=~"httproute-shop-podinfo-gw-.*-svc-shop-podinfo-canary-[0-9]+@kubernetesgateway"':
    'service="httproute-shop-podinfo-gw-infra-gw-ep-web-0-svc-shop-podinfo-canary-9898@kubernetesgateway"',
  'namespace="shop",ingress="podinfo",canary!=""': 'namespace="shop",ingress="podinfo",canary="podinfo-canary"',
};

function samplesOf({ traffic, latency, scope, ok, error, bounds }: Plane): WrittenSeries[] {
  const labels = FOUND_AS[scope] ?? scope;
  // 9 good and 1 bad request a second; nine tenths take at most the second bound, the rest at most the third.
  const buckets = [...bounds, "+Inf"].map((bound, index) =>
    series(
      `${latency}_bucket{${labels},le="${bound}"}`,
      every10s((i) => i * ([50, 90, 100, 100][index] ?? 0)),
    ),
  );
  return [
    series(
      `${traffic}{${labels},${ok}}`,
      every10s((i) => i * 90),
    ),
    series(
      `${traffic}{${labels},${error}}`,
      every10s((i) => i * 10),
    ),
    ...buckets,
  ];
}

function queriesOf({ name, traffic, latency, scope, errorFilter, bounds }: Plane): DataPlaneQuery[] {
  const total = `sum(rate(${traffic}{${scope}}[1m]))`;
  const errors = `sum(rate(${traffic}{${scope},${errorFilter}}[1m]))`;
  const none = `sum(rate(${traffic}{${scope},unheard="of"}[1m]))`;
  const quantile = (q: number): string =>
    `histogram_quantile(${q}, sum by (le)(rate(${latency}_bucket{${scope}}[1m])))`;
  const [, second, third] = bounds.map(Number);
  return [
    { plane: name, query: total, gives: 10 },
    { plane: name, query: `${errors}\n/ ${total}`, gives: 0.1 },
    { plane: name, query: `(${none} or 0 * ${total}) / ${total}`, gives: 0 },
    { plane: name, query: quantile(0.9), gives: second ?? NaN },
    // The tenth tenth lies between the second and the third bound: nine tenths of the way up at 0.99.
    { plane: name, query: quantile(0.99), gives: (second ?? NaN) + 0.9 * ((third ?? NaN) - (second ?? NaN)) },
    { plane: name, query: `${total} / (${total} + ${total})`, gives: 0.5 },
  ];
}

const POD = 'namespace="shop",pod="podinfo-5d9c-x2v7k"';
const PODS = 'namespace="shop",pod=~"podinfo-[a-z0-9]+-[a-z0-9]{5}"';

const SATURATION_SAMPLES: readonly WrittenSeries[] = [
  series(
    `container_cpu_usage_seconds_total{${POD},container="app"}`,
    every10s((i) => i * 2),
  ),
  series(
    `container_cpu_usage_seconds_total{${POD}}`,
    every10s((i) => i * 2),
  ),
  series(
    `kube_pod_container_resource_limits{${POD},container="app",resource="cpu"}`,
    every10s(() => 0.5),
  ),
  series(
    `kube_pod_container_resource_limits{${POD},container="app",resource="memory"}`,
    every10s(() => 1000),
  ),
  series(
    `container_cpu_cfs_throttled_periods_total{${POD},container="app"}`,
    every10s((i) => i * 10),
  ),
  series(
    `container_cpu_cfs_periods_total{${POD},container="app"}`,
    every10s((i) => i * 100),
  ),
  series(
    `container_memory_working_set_bytes{${POD},container="app"}`,
    every10s(() => 250),
  ),
  series(
    `kube_pod_container_status_restarts_total{${POD},container="app"}`,
    every10s((i) => i + 10),
  ),
  series(
    'http_requests_seen_total{job="otel",instance="1",code="200"}',
    every10s((i) => i * 30),
  ),
  series(
    'target_info{job="otel",instance="1",k8s_deployment_name="podinfo"}',
    every10s(() => 1),
  ),
  series(
    'istio_requests_total{reporter="source",destination_service_name="podinfo-canary",response_flags="UH"}',
    every10s((i) => i * 4),
  ),
];

const SATURATION_QUERIES: readonly DataPlaneQuery[] = [
  {
    plane: "cAdvisor",
    query: `sum(rate(container_cpu_usage_seconds_total{${PODS},container!=""}[1m])) / sum(kube_pod_container_resource_limits{${PODS},resource="cpu"})`,
    gives: 0.4,
  },
  {
    plane: "cAdvisor",
    query: `sum(rate(container_cpu_cfs_throttled_periods_total{${PODS}}[1m])) / sum(rate(container_cpu_cfs_periods_total{${PODS}}[1m]))`,
    gives: 0.1,
  },
  {
    plane: "cAdvisor",
    query: `max(container_memory_working_set_bytes{${PODS},container!=""} / on(namespace,pod,container) kube_pod_container_resource_limits{resource="memory"})`,
    gives: 0.25,
  },
  {
    plane: "kube-state-metrics",
    query: `sum(increase(kube_pod_container_status_restarts_total{${PODS}}[1m]))`,
    gives: 6,
  },
  {
    plane: "OpenTelemetry resource attributes",
    query:
      "sum by (k8s_deployment_name) (rate(http_requests_seen_total[1m]) * on (job, instance) group_left (k8s_deployment_name) target_info)",
    gives: 3,
  },
  {
    plane: "Istio route health",
    query:
      'sum(rate(istio_requests_total{reporter="source",destination_service_name="podinfo-canary",response_flags=~"UH|UF|NR|NC|URX|UC|UT"}[1m]))',
    gives: 0.4,
  },
];

export const DATA_PLANE_SAMPLES: readonly WrittenSeries[] = [...PLANES.flatMap(samplesOf), ...SATURATION_SAMPLES];
export const DATA_PLANE_QUERIES: readonly DataPlaneQuery[] = [...PLANES.flatMap(queriesOf), ...SATURATION_QUERIES];
