import type { BackendRef, GatewayRoute, Service } from "../../kube/objects.ts";
import type { Cache } from "../../kube/informer.ts";
import type { KubeObject, ResourceKind } from "../../kube/port.ts";
import type { RefProblem } from "./status.ts";

export interface ReferenceGrant extends KubeObject {
  readonly spec: {
    readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[];
    readonly to: readonly { readonly group: string; readonly kind: string; readonly name?: string }[];
  };
}

export const referenceGrantKind: ResourceKind = {
  group: "gateway.networking.k8s.io",
  version: "v1beta1",
  kind: "ReferenceGrant",
  plural: "referencegrants",
  namespaced: true,
};

export interface Known {
  readonly services: Cache<Service>;
  readonly grants: Cache<ReferenceGrant>;
}

/** Whether a reference may be followed at all: a Service, in the route's namespace or granted to it. */
export function refusal(route: GatewayRoute, ref: BackendRef, { grants }: Known): RefProblem | undefined {
  if ((ref.group ?? "") !== "" || (ref.kind ?? "Service") !== "Service") {
    return { reason: "InvalidKind", message: `${ref.kind ?? "Service"} ${ref.name} is not a Service` };
  }
  const { namespace = "" } = route.metadata;
  const where = ref.namespace ?? namespace;
  if (where === namespace || grants.list(where).some((grant) => permits(grant, route, ref))) return undefined;
  return { reason: "RefNotPermitted", message: `no ReferenceGrant in ${where} permits the use of Service ${ref.name}` };
}

function permits({ spec }: ReferenceGrant, route: GatewayRoute, ref: BackendRef): boolean {
  const from = spec.from.some(
    ({ group, kind, namespace }) =>
      group === "gateway.networking.k8s.io" && kind === route.kind && namespace === route.metadata.namespace,
  );
  return (
    from &&
    spec.to.some(({ group, kind, name }) => group === "" && kind === "Service" && (name ?? ref.name) === ref.name)
  );
}

/** The first thing that is wrong with the backend references of a route. */
export function refProblem(route: GatewayRoute, known: Known): RefProblem | undefined {
  for (const ref of (route.spec.rules ?? []).flatMap(({ backendRefs = [] }) => backendRefs)) {
    const refused = refusal(route, ref, known);
    if (refused !== undefined) return refused;
    const key = `${ref.namespace ?? route.metadata.namespace ?? ""}/${ref.name}`;
    if (known.services.get(key) === undefined) {
      return { reason: "BackendNotFound", message: `Service ${key} does not exist` };
    }
  }
  return undefined;
}
