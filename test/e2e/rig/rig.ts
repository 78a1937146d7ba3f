import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Cluster, connect } from "../../cluster/harness/cluster.ts";
import { type ControlPlane, startControlPlane } from "../../cluster/harness/controlPlane.ts";
import { createParts, type Parts } from "../../cluster/harness/parts.ts";
import { type Kubelet, startKubelet } from "../kubelet/kubelet.ts";
import type { PodRun } from "../kubelet/podRun.ts";
import { ensureGatewayBinaries } from "./binaries.ts";
import { type ControllerProcess, createController, installAviary } from "./controller.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { type Load, type LoadOptions, startLoad } from "./load.ts";
import { assertInsideNamespace, NODE_ADDRESS } from "./network.ts";
import { type Prometheus, startPrometheus } from "./prometheus.ts";

/** A whole cluster with real traffic in it, as small as it can be. */
export interface Rig {
  readonly controlPlane: ControlPlane;
  readonly cluster: Cluster;
  readonly kubelet: Kubelet;
  readonly gateway: Gateway;
  readonly prometheus: Prometheus;
  /** Not started: a scenario says when. */
  readonly controller: ControllerProcess;
  /** Logs of everything. */
  readonly folder: string;
  /** Requests through the gateway. */
  loadGateway(options?: Partial<LoadOptions>): Promise<Load>;
  /** Requests of a client in the cluster to the address of a Service. */
  loadService(service: InCluster, options?: Partial<LoadOptions>): Promise<Load>;
  /** Ends everything in order. The folder stays; the launcher removes it when all went well. */
  stop(): Promise<void>;
}

export interface InCluster {
  readonly namespace: string;
  readonly name: string;
  /** How much later than the API server the node knows of a change of endpoints; 0 when left out. */
  readonly endpointLagMs?: number;
}

export interface RigOptions {
  /** More arguments for the controller. */
  readonly controllerArguments?: readonly string[];
}

/** Starts the rig, in seconds. Throws outside of the launcher's network namespace. */
export async function startRig(options: RigOptions = {}): Promise<Rig> {
  assertInsideNamespace();
  const binaries = await ensureGatewayBinaries();
  const controlPlane = await startControlPlane({
    kwok: false,
    // Without it the API server looks for an address by the default route, and there is none.
    apiServerArguments: [`--advertise-address=${NODE_ADDRESS}`],
  });
  const folder = join(controlPlane.folder, "rig");
  mkdirSync(folder);
  const parts = createParts(folder);
  const { url, caFile, adminToken: token } = controlPlane;
  const cluster = connect({ url, caFile, token });
  const [{ gateway, prometheus, kubelet }] = await Promise.all([
    startDataPlane({ controlPlane, cluster, parts, binaries }),
    installAviary(controlPlane),
  ]);
  const controller = await createController({
    controlPlane,
    folder,
    prometheusUrl: prometheus.url,
    arguments: options.controllerArguments ?? [],
  });
  const api = { url, caFile, token };
  const loads: Load[] = [];
  const load = async (target: LoadOptions): Promise<Load> => {
    const started = await startLoad(folder, target);
    loads.push(started);
    return started;
  };
  return {
    controlPlane,
    cluster,
    kubelet,
    gateway,
    prometheus,
    controller,
    folder,
    loadGateway: (more = {}) => {
      const { address, port } = gateway;
      return load({ name: "gateway", target: { kind: "address", address, port }, ...more });
    },
    loadService: ({ namespace, name, endpointLagMs = 0 }, more = {}) => {
      const target = { kind: "service", namespace, name, endpointLagMs, api } as const;
      return load({ name: `service-${name}`, target, rps: 100, ...more });
    },
    stop: async () => {
      await Promise.all(loads.map((one) => one.stop()));
      await controller.stop();
      await Promise.all([gateway.stop(), prometheus.stop(), kubelet.stop()]);
      await cluster.close();
      await controlPlane.stop({ keepFolder: true });
    },
  };
}

interface DataPlane {
  readonly controlPlane: ControlPlane;
  readonly cluster: Cluster;
  readonly parts: Parts;
  readonly binaries: Awaited<ReturnType<typeof ensureGatewayBinaries>>;
}

async function startDataPlane({ controlPlane, cluster, parts, binaries }: DataPlane): Promise<{
  readonly gateway: Gateway;
  readonly prometheus: Prometheus;
  readonly kubelet: Kubelet;
}> {
  const gateway = await startGateway({
    binaries,
    parts,
    cluster,
    controlPlane,
  });
  const prometheus = await startPrometheus({ command: binaries.prometheus, parts, gatewayMetrics: gateway.metrics });
  const kubelet = await startKubelet({
    cluster,
    nodeName: "node-1",
    folder: parts.folder,
    // The controller's own pods: it runs as a process that the rig can kill.
    ignoredNamespaces: ["aviary"],
    onChange: (running) => prometheus.setTargets(targetsOf(running)),
  });
  return { gateway, prometheus, kubelet };
}

function targetsOf(running: readonly PodRun[]): { address: string; labels: Record<string, string> }[] {
  return running.map(({ pod, address }) => {
    const { name, namespace = "default" } = pod.metadata;
    const port = pod.spec.containers[0].ports?.[0]?.containerPort ?? 8080;
    return { address: `${address}:${port}`, labels: { pod: name, namespace } };
  });
}
