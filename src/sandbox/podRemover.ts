import type { Pod } from "../kube/objects.ts";
import { kinds } from "../kube/kinds.ts";
import type { ApiServer } from "./apiserver/apiServer.ts";
import { ApiError } from "./apiserver/status.ts";
import type { RemovePod } from "./controllers/pods.ts";

/** Ends pods in this process's API, as a kubelet does once the containers have ended. */
export function podRemover(server: ApiServer): RemovePod {
  return async ({ metadata }: Pod) => {
    await Promise.resolve();
    const { group, version, plural } = kinds.pod;
    const { name, namespace, uid } = metadata;
    try {
      server.delete(server.resource(group, version, plural), { name, namespace }, { uid, gracePeriodSeconds: 0 });
    } catch (error) {
      // Gone already, or another pod has the name by now.
      if (!(error instanceof ApiError && (error.code === 404 || error.code === 409))) throw error;
    }
  };
}
