import type { CreateInput } from "../../cluster/harness/cluster.ts";
import { freePort, startProcess } from "../../cluster/harness/processes.ts";
import { deployment } from "../../cluster/harness/workloads.ts";
import { weightOfRoute } from "./aviary.ts";
import type { PeerBinaries } from "./binaries.ts";
import { type Contender, restsIn } from "./contender.ts";

/** Flagger with its router for the Gateway API, and the interval of 10 s that its own examples use most. */
export function flagger({ controller, version }: PeerBinaries): Contender {
  return {
    name: "Flagger",
    version,
    serviceAccount: { namespace: "peers", name: "flagger" },
    start: async ({ kubeconfig, prometheusUrl, logFile }) =>
      startProcess({
        name: "flagger",
        command: controller,
        args: [
          ...["-kubeconfig", kubeconfig, "-mesh-provider", "gatewayapi:v1", "-log-level", "info"],
          ...["-kubeconfig-qps", "1000", "-kubeconfig-burst", "2000", "-threadiness", "50"],
          ...["-metrics-server", prometheusUrl, "-control-loop-interval", "10s", "-port", String(await freePort())],
        ],
        logFile,
      }),
    manifests: (name, namespace) => [deployment({ name, namespace }), canaryOf(name, namespace)],
    rest: restsIn("Initialized", { apiVersion: "flagger.app/v1beta1", kind: "Canary" }),
    weight: weightOfRoute,
    released: { apiVersion: "apps/v1", kind: "Deployment" },
  };
}

function canaryOf(name: string, namespace: string): CreateInput {
  const gatewayRefs = [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "gateway", namespace }];
  const spec = {
    targetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
    service: { port: 80, targetPort: 8080, hosts: [`${name}.test`], gatewayRefs },
    analysis: { interval: "10s", threshold: 5, stepWeight: 20, maxWeight: 80 },
  };
  return { apiVersion: "flagger.app/v1beta1", kind: "Canary", metadata: { name, namespace }, spec };
}
