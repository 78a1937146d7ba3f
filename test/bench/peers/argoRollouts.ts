import type { CreateInput, KubeObject } from "../../cluster/harness/cluster.ts";
import { freePort, startProcess } from "../../cluster/harness/processes.ts";
import { deployment } from "../../cluster/harness/workloads.ts";
import { serviceOf } from "../fleet.ts";
import type { PeerBinaries } from "./binaries.ts";
import { type Contender, restsIn } from "./contender.ts";

/** Argo Rollouts with its router for ingress-nginx, the one built in that needs no kinds beside Kubernetes' own. */
export function argoRollouts({ controller, version }: PeerBinaries): Contender {
  return {
    name: "Argo Rollouts",
    version,
    serviceAccount: { namespace: "peers", name: "argo-rollouts" },
    start: async ({ kubeconfig, logFile }) =>
      startProcess({
        name: "argo-rollouts",
        command: controller,
        args: [
          ...["--kubeconfig", kubeconfig, "--leader-elect=false"],
          ...["--qps", "1000", "--burst", "2000"],
          ...["--rollout-threads", "50", "--service-threads", "50", "--ingress-threads", "50"],
          ...["--metricsPort", String(await freePort()), "--healthzPort", String(await freePort())],
        ],
        logFile,
      }),
    manifests: (name, namespace) => [
      serviceOf(name, namespace),
      canaryServiceOf(name, namespace),
      ingressOf(name, namespace),
      rolloutOf(name, namespace),
    ],
    rest: restsIn("Healthy", { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout" }),
    weight: { apiVersion: "networking.k8s.io/v1", kind: "Ingress", read: weightOfIngress },
    released: { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout" },
  };
}

/** Of the Ingress that the controller makes for a Rollout, which the Rollout owns. */
function weightOfIngress({ metadata }: KubeObject): { readonly member: string; readonly value: number } | undefined {
  const owners = metadata["ownerReferences"] as readonly { readonly name: string }[] | undefined;
  const member = owners?.[0]?.name;
  const value = Number(metadata.annotations?.["nginx.ingress.kubernetes.io/canary-weight"] ?? 0);
  return member === undefined ? undefined : { member, value };
}

function canaryServiceOf(name: string, namespace: string): CreateInput {
  return { ...serviceOf(name, namespace), metadata: { name: `${name}-canary`, namespace } };
}

function ingressOf(name: string, namespace: string): CreateInput {
  const backend = { service: { name, port: { number: 80 } } };
  const rules = [{ host: `${name}.test`, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }];
  const spec = { ingressClassName: "nginx", rules };
  return { apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name, namespace }, spec };
}

function rolloutOf(name: string, namespace: string): CreateInput {
  const canary = {
    stableService: name,
    canaryService: `${name}-canary`,
    trafficRouting: { nginx: { stableIngress: name } },
    steps: [{ setWeight: 20 }, { pause: {} }],
  };
  const { spec } = deployment({ name, namespace });
  const metadata = { name, namespace };
  return { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", metadata, spec: { ...spec, strategy: { canary } } };
}
