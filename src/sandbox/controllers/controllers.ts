import type { Controller } from "./controller.ts";
import { startDaemonSets } from "./daemonSets.ts";
import { startDeployments } from "./deployments.ts";
import { startEndpointSlices } from "./endpointSlices.ts";
import { startJobs } from "./jobs.ts";
import { startPods, type PodsOptions } from "./pods.ts";
import { startReplicaSets } from "./replicaSets.ts";
import { startStatefulSets } from "./statefulSets.ts";

export type ControllersOptions = PodsOptions;

/**
 * Starts what a cluster's controller manager and its nodes do, as far as the sandbox needs it (the collection of
 * orphans and the emptying of namespaces are the API server's here). Resolves when all caches are filled. `stop` ends
 * the controllers and the pods; the informers stay the caller's.
 */
export async function startControllers(options: ControllersOptions): Promise<Controller> {
  const controllers = [
    startDeployments(options),
    startReplicaSets(options),
    startDaemonSets(options),
    startStatefulSets(options),
    startJobs(options),
    startPods(options),
    startEndpointSlices(options),
  ];
  await options.informers.ready();
  return {
    async stop() {
      await Promise.all(controllers.map((controller) => controller.stop()));
      await options.runtime.stop();
    },
  };
}
