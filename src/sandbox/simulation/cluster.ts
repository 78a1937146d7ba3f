import { createInformers } from "../../kube/informers.ts";
import type { Pod } from "../../kube/objects.ts";
import { isObject } from "../apiserver/json.ts";
import type { JsonObject } from "../apiserver/json.ts";
import { createApiServer } from "../apiserver/apiServer.ts";
import type { ApiServer } from "../apiserver/apiServer.ts";
import { installGatewayApi } from "../apiserver/gatewayApi.ts";
import { startControllers } from "../controllers/controllers.ts";
import type { PodTrouble } from "../controllers/pods.ts";
import { CONTROLLER_NAME } from "../gateway/status.ts";
import { installAviary } from "../installAviary.ts";
import { kindNamed } from "../kinds.ts";
import { createMemoryKube } from "../memoryKube.ts";
import { podRemover } from "../podRemover.ts";
import { seededRandom } from "../random.ts";
import { createInstantRuntime } from "../runtime/instantRuntime.ts";
import type { VirtualClock } from "../virtualClock.ts";
import { tellRouteStatus } from "./routeStatus.ts";

/** Who writes what the user does. */
export const USER = { fieldManager: "simulation" } as const;

export interface SimulatedCluster {
  readonly core: ApiServer;
  /** Creates an object, unless it is there. False when nobody here knows its kind. @throws ApiError when it is refused. */
  create(object: JsonObject): boolean;
  stop(): Promise<void>;
}

export interface ClusterOptions {
  readonly clock: VirtualClock;
  /** Where objects are that do not say it. */
  readonly namespace: string;
  /** Other namespaces that are there. */
  readonly namespaces: readonly string[];
  readonly trouble: (pod: Pod) => PodTrouble;
}

/** A cluster in memory on virtual time: pods are ready at once but for their troubles, and a gateway takes every route over. */
export async function startCluster(options: ClusterOptions): Promise<SimulatedCluster> {
  const { clock, namespace, namespaces, trouble } = options;
  const core = createApiServer({ now: () => clock.now(), namespaces: ["aviary", ...namespaces] });
  installGatewayApi(core);
  installAviary(core);
  const kube = createMemoryKube({ server: core });
  const informers = createInformers(kube, clock, { random: () => 0 });
  const controllers = await startControllers({
    kube,
    informers,
    clock,
    random: seededRandom(1),
    log: () => undefined,
    runtime: createInstantRuntime(),
    removePod: podRemover(core),
    trouble,
  });
  tellRouteStatus({ kube, informers, controller: CONTROLLER_NAME, manner: () => "accepts", now: () => clock.now() });
  return {
    core,
    create: (object) => create(core, object, namespace),
    async stop() {
      await controllers.stop();
      await informers.stop();
    },
  };
}

function create(core: ApiServer, object: JsonObject, fallback: string): boolean {
  const { apiVersion = "", kind = "", metadata } = object;
  const known = kindNamed(String(apiVersion), String(kind));
  if (known === undefined || !isObject(metadata)) return false;
  const namespace = known.namespaced ? String(metadata["namespace"] ?? fallback) : undefined;
  if (namespace !== undefined) {
    create(core, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }, fallback);
  }
  const version = String(apiVersion).slice(String(apiVersion).indexOf("/") + 1);
  const resource = core.resource(known.group, version, known.plural);
  if (core.find(resource, { namespace, name: String(metadata["name"]) }) === undefined) {
    core.create(resource, namespace, object, USER);
  }
  return true;
}
