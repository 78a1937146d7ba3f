import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { request } from "undici";
import { stringify } from "yaml";
import type { Cluster, KubeObject } from "../../cluster/harness/cluster.ts";
import type { ControlPlane } from "../../cluster/harness/controlPlane.ts";
import { writeKubeconfig } from "../../cluster/harness/credentials.ts";
import { type Parts, waitUntilReady } from "../../cluster/harness/parts.ts";
import { waitFor } from "../../cluster/harness/polling.ts";
import { freePort } from "../../cluster/harness/processes.ts";
import { startApiProxy } from "./apiProxy.ts";
import type { GatewayBinaries } from "./binaries.ts";
import { startDelayProxy } from "./delayProxy.ts";
import { NODE_ADDRESS } from "./network.ts";

/** Contour as control plane, and one Envoy. */
export interface Gateway {
  /** Where Envoy takes requests. */
  readonly address: string;
  readonly port: number;
  /** `host:port` of Envoy's metrics, which are at `/stats/prometheus`. */
  readonly metrics: string;
  /** What a route names in `parentRefs`. */
  readonly parentRef: { readonly namespace: string; readonly name: string };
  /** How late the data plane hears of changes from now on. */
  setLag(lag: GatewayLag): void;
  stop(): Promise<void>;
}

export interface GatewayLag {
  /**
   * Envoy hears of listeners, routes with their weights, and clusters so many milliseconds after Contour has sent them.
   * Contour does not know: it writes the routes' status at once, as control planes do.
   */
  readonly routesMs: number;
  /** Contour hears of every change of an EndpointSlice so much later; what it makes of it goes to Envoy at once. */
  readonly endpointsMs: number;
}

export interface GatewayOptions {
  readonly binaries: GatewayBinaries;
  readonly parts: Parts;
  readonly cluster: Cluster;
  readonly controlPlane: ControlPlane;
}

const PARENT = { namespace: "gateway", name: "gateway" };
/** Contour gives a listener's port plus 8000 to Envoy, and these are its defaults: the network is ours alone. */
const LISTENER_PORT = 8080;
const METRICS_PORT = 8002;

/** Returns when the Gateway is programmed and Envoy listens. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { binaries, parts, cluster, controlPlane } = options;
  await cluster.installCrds(controlPlane.binaries.gatewayCrds);
  await cluster.installCrds(binaries.contourCrds);
  await cluster.apply(gatewayObjects());
  let lag: GatewayLag = { routesMs: 0, endpointsMs: 0 };
  const delayMs = (said: string): number => (said.includes("ClusterLoadAssignment") ? 0 : lag.routesMs);
  const { url, caFile, adminToken: token } = controlPlane;
  const api = await startApiProxy({
    url,
    caFile,
    token,
    delayMs: (resource) => (resource === "endpointslices" ? lag.endpointsMs : 0),
  });
  const kubeconfig = writeKubeconfig(join(parts.folder, "contour.kubeconfig"), { url: api.url });
  const xdsPort = await startContour(options, kubeconfig);
  const proxy = await startDelayProxy({ port: xdsPort, delayMs });
  const envoy = parts.start("envoy", binaries.envoy, envoyArguments(options, proxy.port));
  const metrics = `${NODE_ADDRESS}:${METRICS_PORT}`;
  await waitUntilReady(envoy, () => assertAnswers(`http://${metrics}/ready`));
  await waitForProgrammed(cluster);
  return {
    address: NODE_ADDRESS,
    port: LISTENER_PORT,
    metrics,
    parentRef: PARENT,
    setLag: (next) => {
      lag = next;
    },
    stop: async () => {
      await Promise.all([parts.stop("envoy", { graceMs: 500 }), parts.stop("contour", { graceMs: 2000 })]);
      await Promise.all([proxy.close(), api.close()]);
    },
  };
}

function gatewayObjects(): object[] {
  const apiVersion = "gateway.networking.k8s.io/v1";
  const listener = { name: "http", port: 80, protocol: "HTTP", allowedRoutes: { namespaces: { from: "All" } } };
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: PARENT.namespace } },
    {
      apiVersion,
      kind: "GatewayClass",
      metadata: { name: "contour" },
      spec: { controllerName: "projectcontour.io/gateway-controller" },
    },
    { apiVersion, kind: "Gateway", metadata: PARENT, spec: { gatewayClassName: "contour", listeners: [listener] } },
  ];
}

async function startContour({ binaries, parts }: GatewayOptions, kubeconfig: string): Promise<number> {
  const config = join(parts.folder, "contour.yaml");
  writeFileSync(config, stringify({ gateway: { gatewayRef: PARENT }, "ingress-status-address": NODE_ADDRESS }));
  const [xds, http, health, debug] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const contour = parts.start("contour", binaries.contour, [
    "serve",
    `--config-path=${config}`,
    `--kubeconfig=${kubeconfig}`,
    "--insecure",
    "--disable-leader-election",
    "--xds-address=127.0.0.1",
    `--xds-port=${xds}`,
    "--http-address=127.0.0.1",
    `--http-port=${http}`,
    // Not on every address: the ports of the pods' addresses are the pods'.
    `--envoy-service-http-address=${NODE_ADDRESS}`,
    `--stats-address=${NODE_ADDRESS}`,
    `--stats-port=${METRICS_PORT}`,
    "--health-address=127.0.0.1",
    `--health-port=${health}`,
    "--debug-http-address=127.0.0.1",
    `--debug-http-port=${debug}`,
    // Their versions in the newest CRDs are not those that this Contour watches.
    "--disable-feature=tlsroutes",
    "--disable-feature=tcproutes",
    "--disable-feature=backendtlspolicies",
  ]);
  await waitUntilReady(contour, () => assertAnswers(`http://127.0.0.1:${health}/healthz`));
  return xds;
}

function envoyArguments({ binaries, parts }: GatewayOptions, xdsPort: number): string[] {
  const bootstrap = join(parts.folder, "envoy.json");
  const xds = ["--xds-address=127.0.0.1", `--xds-port=${xdsPort}`];
  execFileSync(binaries.contour, ["bootstrap", bootstrap, ...xds, `--admin-address=${join(parts.folder, "admin")}`], {
    stdio: "ignore",
  });
  separateStreams(bootstrap);
  return [
    ...["--config-path", bootstrap],
    ...["--service-cluster", "projectcontour", "--service-node", "envoy"],
    ...["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"],
  ];
}

/** Gives every kind of resource a connection of its own, so that they can be held back one by one. */
function separateStreams(bootstrap: string): void {
  const config = readFileSync(bootstrap, "utf8");
  const http2 = '"http2_protocol_options":';
  const changed = config.replaceAll(/"http2_protocol_options":\s*\{/g, `${http2} {"max_concurrent_streams": 1`);
  if (changed === config) throw new Error(`${bootstrap} has no ${http2}`);
  writeFileSync(bootstrap, changed);
}

async function assertAnswers(url: string): Promise<void> {
  const { statusCode, body } = await request(url);
  await body.dump();
  if (statusCode !== 200) throw new Error(`${url} answers ${statusCode}`);
}

interface GatewayObject extends KubeObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function waitForProgrammed(cluster: Cluster): Promise<void> {
  const ref = { apiVersion: "gateway.networking.k8s.io/v1", kind: "Gateway", ...PARENT };
  await waitFor("the Gateway to be programmed", () => cluster.get<GatewayObject>(ref), {
    until: (gateway) =>
      gateway?.status?.conditions?.some(({ type, status }) => type === "Programmed" && status === "True") ?? false,
  });
}
