import { readFileSync } from "node:fs";
import type { KubeObject } from "../../cluster/harness/cluster.ts";
import { deployment } from "../../cluster/harness/workloads.ts";
import { startAviary } from "../controller.ts";
import { canaryOf, routeOf, serviceOf } from "../fleet.ts";
import { canaryWeight, type Route } from "../fleetObserver.ts";
import { type Contender, restsIn, type Told } from "./contender.ts";

/** Aviary as `bench:reaction` runs it: the compiled controller under the rights that deploy/ ships. */
export function aviary(main: string): Contender {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version: string };
  return {
    name: "Aviary",
    version: `v${version}`,
    serviceAccount: { namespace: "aviary", name: "aviary" },
    start: async (where) => (await startAviary({ main, ...where })).process,
    manifests: (name, namespace) => [
      deployment({ name, namespace }),
      serviceOf(name, namespace),
      routeOf(name, namespace),
      canaryOf(name, namespace),
    ],
    rest: restsIn("Idle", { apiVersion: "aviary.dev/v1beta1", kind: "Canary" }),
    weight: weightOfRoute,
    released: { apiVersion: "apps/v1", kind: "Deployment" },
  };
}

export const weightOfRoute: Told<number> = {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  read: (object: KubeObject) => ({ member: object.metadata.name, value: canaryWeight(object as Route) }),
};
