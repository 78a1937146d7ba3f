import { createKube } from "../../src/kube/client.ts";
import { connect } from "../../src/kube/config.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { kubeContract } from "../kube/contract.ts";
import { namespaceMaker } from "../kube/sandboxHarness.ts";
import { startControlPlane } from "./harness/controlPlane.ts";

kubeContract("the client against a real API server", async () => {
  const controlPlane = await startControlPlane({ controllerManager: false, scheduler: false, kwok: false });
  const connection = await connect({ kubeconfig: controlPlane.adminKubeconfig });
  const kube = createKube(connection);
  const namespace = namespaceMaker(kube);
  return {
    kube,
    namespace,
    async expiredVersion() {
      const { resourceVersion } = await kube.list(kinds.ingress);
      await namespace();
      await controlPlane.restartApiServer();
      return resourceVersion;
    },
    // Bookmarks come some two seconds before the end.
    bookmarkSeconds: 5,
    async close() {
      await connection.close();
      await controlPlane.stop();
    },
  };
});
