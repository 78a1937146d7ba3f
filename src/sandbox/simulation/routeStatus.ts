import type { Informers } from "../../kube/informer.ts";
import { kinds, versionsOf } from "../../kube/kinds.ts";
import type { GatewayRoute } from "../../kube/objects.ts";
import type { Kube } from "../../kube/port.ts";
import { kubeTime } from "../kinds.ts";

/** How a gateway says that it has taken over a route: at once, never, or by refusing it. */
export type Manner = "accepts" | "silent" | "rejects";

export interface RouteStatusOptions {
  readonly kube: Kube;
  readonly informers: Informers;
  /** The name by which the gateway's controller signs. */
  readonly controller: string;
  readonly manner: () => Manner;
  readonly now: () => number;
}

/** Whatever Aviary can move weights in, in every version. */
export const ROUTE_KINDS = [kinds.httpRoute, kinds.grpcRoute, ...versionsOf.tcpRoute, ...versionsOf.tlsRoute];

/** Writes the status of routes as a gateway's controller does, without any gateway. */
export function tellRouteStatus({ kube, informers, controller, manner, now }: RouteStatusOptions): void {
  for (const kind of ROUTE_KINDS) {
    informers.onChange<GatewayRoute>(kind, ({ before, after }) => {
      const by = manner();
      if (by === "silent" || after === undefined) return;
      if (before !== undefined && before.metadata.generation === after.metadata.generation) return;
      const { namespace = "", name, generation = 0 } = after.metadata;
      const status = { parents: [{ ...parentStatus(generation, by, now()), controllerName: controller }] };
      void kube.mergePatch(kind, { namespace, name }, { status }, { subresource: "status" }).catch(() => undefined);
    });
  }
}

function parentStatus(observedGeneration: number, manner: "accepts" | "rejects", nowMs: number): object {
  const yes = { status: "True", observedGeneration, lastTransitionTime: kubeTime(nowMs), message: "" };
  const accepted =
    manner === "accepts"
      ? { ...yes, type: "Accepted", reason: "Accepted" }
      : { ...yes, status: "False", type: "Accepted", reason: "NoMatchingParent", message: "no listener takes it" };
  const conditions = [accepted, { ...yes, type: "ResolvedRefs", reason: "ResolvedRefs" }];
  return { parentRef: { name: "gateway" }, conditions };
}
