import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInformers } from "../kube/informers.ts";
import { isKubeError } from "../kube/errors.ts";
import type { Kube } from "../kube/port.ts";
import { systemClock, type Clock } from "../lib/time.ts";
import { createApiServer, type ApiServer } from "./apiserver/apiServer.ts";
import { installGatewayApi } from "./apiserver/gatewayApi.ts";
import { kubeconfig, startApiServer } from "./apiserver/http.ts";
import type { PodLogs } from "./apiserver/resourceHandler.ts";
import type { ControllerContext } from "./controllers/controller.ts";
import { startControllers } from "./controllers/controllers.ts";
import { startGateway, type RunningGateway } from "./gateway/gateway.ts";
import { CONTROLLER_NAME } from "./gateway/status.ts";
import { installAviary } from "./installAviary.ts";
import { sandboxKinds } from "./kinds.ts";
import { createMemoryKube } from "./memoryKube.ts";
import { podRemover } from "./podRemover.ts";
import { startEmbeddedPrometheus } from "./prometheus/prometheus.ts";
import { createHttpRuntime, type HttpRuntime } from "./runtime/httpRuntime.ts";
import { scrapeTargets, startDiscovery } from "./scrapeTargets.ts";

export interface SandboxOptions {
  /** Time of the API server and the controllers; the machine's when left out. Pods always answer in real time. */
  readonly clock?: Clock;
  /** A real Prometheus, which has to scrape what `discoveryUrl` lists; the embedded one when left out. */
  readonly prometheusUrl?: string;
  /** Milliseconds by which the gateway follows changes of routes late. Default 0. */
  readonly lagMs?: number;
  /** Port of the Kubernetes API on 127.0.0.1; a free one when left out. */
  readonly port?: number;
  /** Port of `discoveryUrl`, for a real Prometheus that is configured beforehand; a free one when left out. */
  readonly discoveryPort?: number;
  /** Milliseconds between two scrapes by the embedded Prometheus. Default 1000. */
  readonly scrapeIntervalMs?: number;
  /** Numbers in [0, 1) for names, addresses and choices. */
  readonly random?: () => number;
  /** Hears of what the controllers cannot do. */
  readonly log?: (message: string) => void;
}

/** A Kubernetes API, a data plane and metrics, all in this process and on loopback addresses. */
export interface Sandbox {
  readonly apiUrl: string;
  /** A file that kubectl and client libraries read; removed by `stop`. */
  readonly kubeconfigPath: string;
  readonly gatewayUrl: string;
  readonly prometheusUrl: string;
  /** What a real Prometheus should scrape, for its `http_sd_configs`. */
  readonly discoveryUrl: string;
  /** The same API without HTTP. */
  readonly kube: Kube;
  /** Ends everything; resolves when all ports are free. */
  stop(): Promise<void>;
}

interface Part {
  stop(): Promise<void>;
}

/** Starts the sandbox: for trying, testing and simulating, not for production. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const parts: Part[] = [];
  const stop = async (): Promise<void> => {
    for (const part of parts.splice(0).reverse()) await part.stop();
  };
  const keep = <P extends Part>(part: P): P => {
    parts.push(part);
    return part;
  };
  try {
    return { ...(await startParts(options, keep)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(
  options: SandboxOptions,
  keep: <P extends Part>(part: P) => P,
): Promise<Omit<Sandbox, "stop">> {
  const { clock = systemClock, random = Math.random, log = () => undefined } = options;
  const core = createApiServer({ now: () => clock.now() });
  installGatewayApi(core);
  installAviary(core);
  const kube = createMemoryKube({ server: writingAs(core, "sandbox") });
  await createGatewayClass(kube);

  const informers = keep(createInformers(kube, clock));
  const context: ControllerContext = { kube, informers, clock, random, log };
  const runtime = createHttpRuntime({ random });
  keep(await startControllers({ ...context, runtime, removePod: podRemover(core) }));
  const gateway = keep(await startGateway({ ...context, dial: runtime.dial, lagMs: options.lagMs ?? 0 }));
  const discovery = keep(await startDiscovery(runtime, gateway, options.discoveryPort));
  const prometheusUrl = options.prometheusUrl ?? keep(await startMetrics(options, runtime, gateway)).url;
  const api = keep(await startApiServer({ core, port: options.port ?? 0, podLogs: podLogs(runtime) }));
  const config = keep(await writeKubeconfig(api.url));
  return {
    apiUrl: api.url,
    kubeconfigPath: config.path,
    gatewayUrl: gateway.url,
    prometheusUrl,
    discoveryUrl: discovery.url,
    kube,
  };
}

/** What `kubectl logs` shows. */
function podLogs(runtime: HttpRuntime): PodLogs {
  return (namespace, pod) =>
    runtime
      .targets()
      .find((target) => target.namespace === namespace && target.pod === pod)
      ?.log();
}

/** The API with another field manager, so that nobody takes the sandbox's own writes for Aviary's. */
function writingAs(core: ApiServer, fieldManager: string): ApiServer {
  return {
    ...core,
    create: (resource, namespace, body, options) =>
      core.create(resource, namespace, body, { ...options, fieldManager }),
    update: (resource, ref, body, options) => core.update(resource, ref, body, { ...options, fieldManager }),
    patch: (resource, ref, request, options) => core.patch(resource, ref, request, { ...options, fieldManager }),
  };
}

async function startMetrics(options: SandboxOptions, runtime: HttpRuntime, gateway: RunningGateway) {
  const { clock = systemClock, scrapeIntervalMs } = options;
  const prometheus = await startEmbeddedPrometheus({
    targets: () => scrapeTargets(runtime, gateway),
    now: () => clock.now(),
    ...(scrapeIntervalMs === undefined ? {} : { scrapeIntervalMs }),
  });
  return { url: prometheus.url, stop: () => prometheus.close() };
}

/** So that `gatewayClassName: sandbox` names something; Gateways of other classes are served as well. */
async function createGatewayClass(kube: Kube): Promise<void> {
  try {
    await kube.create(sandboxKinds.gatewayClass, {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "GatewayClass",
      metadata: { name: "sandbox" },
      ...{ spec: { controllerName: CONTROLLER_NAME } },
    });
  } catch (error) {
    if (!isKubeError(error, "AlreadyExists")) throw error;
  }
}

async function writeKubeconfig(url: string): Promise<Part & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), "aviary-sandbox-"));
  const path = join(folder, "kubeconfig");
  await writeFile(path, kubeconfig(url), { mode: 0o600 });
  return { path, stop: () => rm(folder, { recursive: true, force: true }) };
}
