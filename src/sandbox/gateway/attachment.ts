import type { Condition, GatewayRoute, ParentReference } from "../../kube/objects.ts";
import type { Cache } from "../../kube/informer.ts";
import type { Namespace } from "../../kube/objects.ts";
import { matchesSelector } from "../../kube/labelSelector.ts";
import type { Gateway, Listener } from "../kinds.ts";
import { intersectHostnames } from "./matching.ts";

/** What a route's reference to a parent comes to. */
export interface Attachment {
  readonly parentRef: ParentReference;
  readonly gateway: Gateway;
  readonly listeners: readonly Listener[];
  /** Hostnames on which the route is served there; empty when it is not accepted. */
  readonly hostnames: readonly (string | undefined)[];
  readonly accepted: Pick<Condition, "status" | "reason" | "message">;
}

export interface Parents {
  readonly gateways: Cache<Gateway>;
  readonly namespaces: Cache<Namespace>;
}

const GATEWAY_GROUP = "gateway.networking.k8s.io";

/** Attaches a route to the Gateways that it names; parents that do not exist or are no Gateways are left out. Pure. */
export function attach(route: GatewayRoute, parents: Parents): readonly Attachment[] {
  return (route.spec.parentRefs ?? []).flatMap((parentRef) => {
    if ((parentRef.group ?? GATEWAY_GROUP) !== GATEWAY_GROUP || (parentRef.kind ?? "Gateway") !== "Gateway") return [];
    const namespace = parentRef.namespace ?? route.metadata.namespace ?? "";
    const gateway = parents.gateways.get(`${namespace}/${parentRef.name}`);
    return gateway === undefined ? [] : [attachTo(gateway, parentRef, route, parents)];
  });
}

function attachTo(gateway: Gateway, parentRef: ParentReference, route: GatewayRoute, parents: Parents): Attachment {
  const refuse = (reason: string, message: string): Attachment => ({
    parentRef,
    gateway,
    listeners: [],
    hostnames: [],
    accepted: { status: "False", reason, message },
  });
  const named = gateway.spec.listeners.filter(
    ({ name, port }) =>
      (parentRef.sectionName ?? name) === name && (parentRef.port === undefined || parentRef.port === port),
  );
  if (named.length === 0) return refuse("NoMatchingParent", "the Gateway has no such listener");
  const allowed = named.filter((listener) => allows(listener, gateway, route, parents));
  if (allowed.length === 0)
    return refuse("NotAllowedByListeners", "no listener allows routes of this namespace and kind");
  const served = allowed.map((listener) => ({
    listener,
    hostnames: intersectHostnames(listener.hostname, route.spec.hostnames),
  }));
  const hostnames = [...new Set(served.flatMap((each) => each.hostnames))];
  if (hostnames.length === 0) return refuse("NoMatchingListenerHostname", "no listener has a hostname of this route");
  const listeners = served.filter((each) => each.hostnames.length > 0).map(({ listener }) => listener);
  const accepted = { status: "True", reason: "Accepted", message: "the route is attached" } as const;
  return { parentRef, gateway, listeners, hostnames, accepted };
}

function allows({ allowedRoutes }: Listener, gateway: Gateway, route: GatewayRoute, { namespaces }: Parents): boolean {
  const wanted = allowedRoutes?.kinds;
  if (wanted !== undefined && wanted.length > 0 && !wanted.some(({ kind }) => kind === route.kind)) return false;
  const { from = "Same", selector } = allowedRoutes?.namespaces ?? {};
  const { namespace = "" } = route.metadata;
  switch (from) {
    case "All":
      return true;
    case "Same":
      return namespace === gateway.metadata.namespace;
    case "Selector":
      return matchesSelector(selector, namespaces.get(namespace)?.metadata.labels);
    case "None":
      return false;
  }
}
