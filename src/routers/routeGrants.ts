import { versionsOf } from "../kube/kinds.ts";
import type { KubeObject } from "../kube/port.ts";
import type { Backends, Neighbourhood, RouteInput, RouteProblem, RouteRef } from "./router.ts";

interface ReferenceGrant extends KubeObject {
  readonly spec?: {
    readonly from?: readonly { readonly group?: string; readonly kind?: string; readonly namespace?: string }[];
    readonly to?: readonly { readonly group?: string; readonly kind?: string; readonly name?: string }[];
  };
}

/** Where to look for the grants that routes of other namespaces need. */
export function grantsFor(
  refs: readonly { readonly namespace?: string | undefined }[],
  backends: Backends,
): readonly Neighbourhood[] {
  const foreign = refs.flatMap(({ namespace = backends.namespace }) =>
    namespace === backends.namespace ? [] : namespace,
  );
  return [...new Set(foreign)].flatMap((namespace) => versionsOf.referenceGrant.map((kind) => ({ kind, namespace })));
}

/** Whether Canaries of our namespace may touch a route: it is there too, or a ReferenceGrant beside it says so. */
export function isGranted(ref: RouteRef, { backends, objects }: RouteInput<unknown>): boolean {
  if (ref.namespace === backends.namespace) return true;
  return [...objects.values()].some(
    (object) =>
      object.kind === "ReferenceGrant" && object.metadata.namespace === ref.namespace && grants(object, ref, backends),
  );
}

function grants({ spec }: ReferenceGrant, { kind, name }: RouteRef, { namespace }: Backends): boolean {
  const from = spec?.from?.some(
    (by) => by.group === "aviary.dev" && by.kind === "Canary" && by.namespace === namespace,
  );
  const to = spec?.to?.some(
    (what) => what.group === kind.group && what.kind === kind.kind && (what.name ?? name) === name,
  );
  return from === true && to === true;
}

export function notGranted({ kind, namespace, name }: RouteRef, backends: Backends): RouteProblem {
  return {
    reason: "RouteNotGranted",
    message: `no ReferenceGrant in namespace ${namespace} lets Canaries of namespace ${backends.namespace} touch ${kind.kind} ${name}`,
    hint: `Whoever owns namespace ${namespace} can create one:\n${grantYaml({ kind, namespace, name }, backends)}`,
  };
}

function grantYaml({ kind, namespace, name }: RouteRef, backends: Backends): string {
  return [
    "apiVersion: gateway.networking.k8s.io/v1beta1",
    "kind: ReferenceGrant",
    `metadata: { name: ${backends.name}-canary, namespace: ${namespace} }`,
    "spec:",
    `  from: [{ group: aviary.dev, kind: Canary, namespace: ${backends.namespace} }]`,
    `  to: [{ group: ${kind.group}, kind: ${kind.kind}, name: ${name} }]`,
  ].join("\n");
}
