import { kinds } from "../../src/kube/kinds.ts";
import type { Kube } from "../../src/kube/port.ts";
import type { ApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import type { KubeHarness } from "./contract.ts";

/** A harness for the sandbox's API, reached in whatever way. */
export function sandboxHarness(
  server: ApiServer,
  kube: Kube,
  close = (): Promise<void> => Promise.resolve(),
): KubeHarness {
  const namespace = namespaceMaker(kube);
  return {
    kube,
    namespace,
    bookmarkSeconds: 1,
    close,
    async expiredVersion() {
      const { resourceVersion } = await kube.list(kinds.ingress);
      await namespace();
      server.store.compact();
      return resourceVersion;
    },
  };
}

/** Makes namespaces named `contract-1` and so on. */
export function namespaceMaker(kube: Kube): () => Promise<string> {
  let made = 0;
  return async () => {
    const name = `contract-${++made}`;
    await kube.create(kinds.namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    return name;
  };
}
