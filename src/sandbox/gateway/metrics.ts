import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { clusterName, type RuleTarget, type ServiceAddress } from "./model.ts";

/** One answered request. */
export interface Answered {
  readonly target: RuleTarget;
  readonly service: ServiceAddress;
  readonly method: string;
  readonly host: string;
  readonly status: number;
  readonly durationMs: number;
  /** False when no pod was asked. */
  readonly forwarded: boolean;
}

/** What the gateway counts, named as Contour's Envoy and ingress-nginx name it. */
export interface GatewayMetrics {
  record(answered: Answered): void;
  readonly contentType: string;
  text(): Promise<string>;
}

/** Envoy's default bounds, in milliseconds. */
const ENVOY_BUCKETS = [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000];
/** ingress-nginx's default bounds, in seconds. */
const NGINX_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Recorder = (answered: Answered) => void;

export function createGatewayMetrics(): GatewayMetrics {
  const registry = new Registry();
  const envoy = envoyMetrics(registry);
  const nginx = nginxMetrics(registry);
  new Gauge({ name: "envoy_server_live", help: "1 while the proxy serves.", registers: [registry] }).set(1);
  return {
    record(answered) {
      if (answered.target.ingress === undefined) envoy(answered);
      else nginx(answered);
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}

function envoyMetrics(registry: Registry): Recorder {
  const registers = [registry];
  const labelNames = ["envoy_cluster_name"];
  const total = new Counter({
    name: "envoy_cluster_upstream_rq_total",
    help: "Requests sent to pods.",
    labelNames,
    registers,
  });
  const byClass = new Counter({
    name: "envoy_cluster_upstream_rq_xx",
    help: "Answers by class of status.",
    labelNames: [...labelNames, "envoy_response_code_class"],
    registers,
  });
  const byCode = new Counter({
    name: "envoy_cluster_upstream_rq",
    help: "Answers by status.",
    labelNames: [...labelNames, "envoy_response_code"],
    registers,
  });
  const time = new Histogram({
    name: "envoy_cluster_upstream_rq_time",
    help: "Time until the pod's answer, in milliseconds.",
    labelNames,
    buckets: ENVOY_BUCKETS,
    registers,
  });
  return ({ service, status, durationMs, forwarded }) => {
    const cluster = { envoy_cluster_name: clusterName(service) };
    byClass.inc({ ...cluster, envoy_response_code_class: String(Math.floor(status / 100)) });
    byCode.inc({ ...cluster, envoy_response_code: String(status) });
    if (!forwarded) return;
    total.inc(cluster);
    time.observe(cluster, durationMs);
  };
}

function nginxMetrics(registry: Registry): Recorder {
  const registers = [registry];
  const labelNames = ["namespace", "ingress", "service", "canary", "status", "method", "host"];
  const requests = new Counter({
    name: "nginx_ingress_controller_requests",
    help: "Requests by Ingress and upstream.",
    labelNames,
    registers,
  });
  const time = new Histogram({
    name: "nginx_ingress_controller_request_duration_seconds",
    help: "Time to answer a request.",
    labelNames,
    buckets: NGINX_BUCKETS,
    registers,
  });
  return ({ target, service, status, method, host, durationMs }) => {
    if (target.ingress === undefined) return;
    const { namespace, name } = target.ingress;
    const isCanary = target.backends[1]?.service === service;
    const labels = {
      namespace,
      ingress: name,
      service: service.name,
      // Empty for the primary; for the canary the name of its upstream.
      canary: isCanary ? `${service.namespace}-${service.name}-${service.port}` : "",
      status: String(status),
      method,
      host,
    };
    requests.inc(labels);
    time.observe(labels, durationMs / 1_000);
  };
}
