import { readdirSync, readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { createInformers } from "../../src/kube/informers.ts";
import { kinds, versionsOf } from "../../src/kube/kinds.ts";
import type { GatewayRoute } from "../../src/kube/objects.ts";
import type { ApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import { startControllers } from "../../src/sandbox/controllers/controllers.ts";
import { createMemoryKube } from "../../src/sandbox/memoryKube.ts";
import { podRemover } from "../../src/sandbox/podRemover.ts";
import { seededRandom } from "../../src/sandbox/random.ts";
import { createInstantRuntime } from "../../src/sandbox/runtime/instantRuntime.ts";
import type { VirtualClock } from "../virtualClock.ts";

/** How the gateway says that it has taken over a route: at once, never, or by refusing it. */
export type Manner = "accepts" | "silent" | "rejects";

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

/** Whatever Aviary can move weights in, in every version. */
export const ROUTE_KINDS = [kinds.httpRoute, kinds.grpcRoute, ...versionsOf.tcpRoute, ...versionsOf.tlsRoute];

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
  for (const kind of ROUTE_KINDS) {
    informers.onChange<GatewayRoute>(kind, ({ before, after }) => {
      if (cluster.gateway === "silent" || after === undefined) return;
      if (before !== undefined && before.metadata.generation === after.metadata.generation) return;
      const { namespace = "", name, generation = 0 } = after.metadata;
      const status = { parents: [{ ...parentStatus(generation, cluster.gateway), controllerName: controller }] };
      void kube.mergePatch(kind, { namespace, name }, { status }, { subresource: "status" }).catch(() => undefined);
    });
  }
  return cluster;
}

function parentStatus(observedGeneration: number, manner: "accepts" | "rejects"): object {
  const yes = { status: "True", observedGeneration, lastTransitionTime: "2026-01-01T00:00:00Z", message: "" };
  const accepted =
    manner === "accepts"
      ? { ...yes, type: "Accepted", reason: "Accepted" }
      : { ...yes, status: "False", type: "Accepted", reason: "NoMatchingParent", message: "no listener takes it" };
  const conditions = [accepted, { ...yes, type: "ResolvedRefs", reason: "ResolvedRefs" }];
  return { parentRef: { name: "gateway" }, conditions };
}

let definitions: readonly { readonly metadata: { readonly name: string } }[] | undefined;

/** Installs the CustomResourceDefinitions that `wanted` takes, by their names. */
export function install(server: ApiServer, wanted: (name: string) => boolean = () => true): void {
  definitions ??= ["crds", "src/sandbox/apiserver/crds"].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".yaml"))
      .flatMap((name) => parseAllDocuments(readFileSync(`${folder}/${name}`, "utf8")))
      .map((document) => document.toJS() as { metadata: { name: string } }),
  );
  const resource = server.resource("apiextensions.k8s.io", "v1", "customresourcedefinitions");
  for (const definition of definitions) {
    if (!wanted(definition.metadata.name)) continue;
    server.create(resource, undefined, structuredClone(definition), {});
  }
}
