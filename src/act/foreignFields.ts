import type { PatchOperation, ResourceKind } from "../kube/port.ts";
import { workloads } from "../workloads/index.ts";
import { InvariantError } from "./invariants.ts";

/**
 * The closed list of what Aviary changes in objects that it did not make. Everything else in them is the user's, byte
 * for byte. docs/architecture.md shows this table; a test compares the two.
 */
export const foreignFields: readonly { readonly kind: string; readonly path: RegExp; readonly why: string }[] = [
  { kind: "Canary", path: /^\/metadata\/finalizers(\/|$)/, why: "the finalizer that hands traffic back" },
  ...workloads.flatMap(({ kind, foreignFields: fields }) => fields.map((field) => ({ kind: kind.kind, ...field }))),
  { kind: "Service", path: /^\/spec\/selector$/, why: "where the apex Service points" },
  ...["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"].map((kind) => ({
    kind,
    path: /^\/spec\/rules\/\d+\/backendRefs(\/\d+\/weight|\/\d+|\/-)?$/,
    why: "the pair's weights, and the pair with addBackends",
  })),
  ...["HTTPRoute", "GRPCRoute"].map((kind) => ({
    kind,
    path: /^\/spec\/rules\/\d+\/filters(\/\d+|\/-)?$/,
    why: "the filter that mirrors requests to the canary",
  })),
  ...["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"].map((kind) => ({
    kind,
    path: /^\/metadata\/annotations(\/aviary\.dev~1weights)?$/,
    why: "the annotation that holds the weights",
  })),
  {
    kind: "ScaledObject",
    path: /^\/metadata\/annotations(\/autoscaling\.keda\.sh~1paused)?$/,
    why: "the pause of an idle target's autoscaler",
  },
];

/**
 * Refuses a patch of somebody else's object that touches more than the closed list.
 * @throws InvariantError
 */
export function assertForeignPatch(kind: ResourceKind, operations: readonly PatchOperation[]): void {
  for (const operation of operations) {
    if (operation.op === "test") continue;
    if (foreignFields.some((field) => field.kind === kind.kind && field.path.test(operation.path))) continue;
    throw new InvariantError(
      "a closed list of fields moves in foreign objects",
      `${operation.op} ${operation.path} of a ${kind.kind}`,
    );
  }
}
