import { createInformers } from "../../src/kube/informers.ts";
import type { ApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import { installDefinitions } from "../../src/sandbox/apiserver/gatewayApi.ts";
import { nameOf } from "../../src/sandbox/apiserver/json.ts";
import { startControllers } from "../../src/sandbox/controllers/controllers.ts";
import { definitions } from "../../src/sandbox/definitions.ts";
import { createMemoryKube } from "../../src/sandbox/memoryKube.ts";
import { podRemover } from "../../src/sandbox/podRemover.ts";
import { seededRandom } from "../../src/sandbox/random.ts";
import { createInstantRuntime } from "../../src/sandbox/runtime/instantRuntime.ts";
import { tellRouteStatus } from "../../src/sandbox/simulation/routeStatus.ts";
import type { Manner } from "../../src/sandbox/simulation/routeStatus.ts";
import type { VirtualClock } from "../virtualClock.ts";

export type { Manner } from "../../src/sandbox/simulation/routeStatus.ts";
export { ROUTE_KINDS } from "../../src/sandbox/simulation/routeStatus.ts";

export interface Cluster {
  gateway: Manner;
  stop(): Promise<void>;
}

interface ClusterOptions {
  readonly server: ApiServer;
  readonly clock: VirtualClock;
  readonly gateway: Manner;
  readonly controller?: string | undefined;
  /** Called after every write of the cluster's own controllers. */
  readonly look: () => void;
}

/** The controllers of Kubernetes and of a gateway, on virtual time. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { server, clock, gateway, look, controller = "example.com/gateway" } = options;
  const kube = createMemoryKube({ server, after: look });
  const informers = createInformers(kube, clock, { random: () => 0 });
  const context = { kube, informers, clock, random: seededRandom(1), log: () => undefined };
  const running = await startControllers({
    ...context,
    runtime: createInstantRuntime(),
    removePod: podRemover(server),
  });
  const cluster: Cluster = {
    gateway,
    async stop() {
      await running.stop();
      await informers.stop();
    },
  };
  tellRouteStatus({ kube, informers, controller, manner: () => cluster.gateway, now: () => clock.now() });
  return cluster;
}

/** Installs the CustomResourceDefinitions that `wanted` takes, by their names. */
export function install(server: ApiServer, wanted: (name: string) => boolean = () => true): void {
  const { aviary, gatewayApi } = definitions();
  const installed = [...aviary, ...gatewayApi].filter((definition) => wanted(nameOf(definition)));
  installDefinitions(server, installed, { trusted: true });
}
