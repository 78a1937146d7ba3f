import type { GatewayRoute, WorkloadObject } from "../kube/objects.ts";
import type { Subject } from "../metrics/dataPlanes/dataPlane.ts";
import { routeKey } from "../routers/router.ts";
import type { Scene } from "./scene.ts";

/** The canary as data planes know it. */
export function subjectOf({ canary, names, ports, routeRefs }: Scene): Subject {
  return {
    namespace: names.namespace,
    kind: canary.spec.targetRef.kind,
    workload: { canary: names.target, primary: names.primary },
    service: { canary: names.canaryService, primary: [names.primary, names.target] },
    port: ports[0]?.port ?? 80,
    routes: routeRefs.map(({ kind, namespace, name }) => ({ kind: kind.kind, namespace, name })),
  };
}

/**
 * Who runs the data planes that the canary's requests go through: the controllers that say in the status of its routes
 * that they have taken them over, which are those of the GatewayClasses of their parents; that of the Ingress; and the
 * mesh that the pods ask for.
 */
export function controllersOf({ router, routeRefs, routeInput, target }: Scene): readonly string[] {
  const parents = routeRefs.flatMap((ref) => {
    const route = routeInput.objects.get(routeKey(ref)) as GatewayRoute | undefined;
    return route?.status?.parents?.map(({ controllerName }) => controllerName) ?? [];
  });
  return [...new Set([...parents, ...(router.controllers ?? []), ...meshOf(target)])];
}

const MESHES = [
  { key: "linkerd.io/inject", values: ["enabled", "ingress"], controller: "linkerd.io/policy-controller" },
  { key: "sidecar.istio.io/inject", values: ["true"], controller: "istio.io/mesh-controller" },
] as const;

function meshOf(target: WorkloadObject | undefined): readonly string[] {
  const { labels = {}, annotations = {} } = target?.spec.template.metadata ?? {};
  const says = (key: string) => annotations[key] ?? labels[key] ?? "";
  return MESHES.filter(({ key, values }) => values.some((value) => value === says(key))).map(
    ({ controller }) => controller,
  );
}
