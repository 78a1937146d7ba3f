import { conditionOf, type Condition, type GatewayRoute, type RouteParentStatus } from "../../kube/objects.ts";
import { kubeTime, type Gateway, type Listener, type ListenerStatus } from "../kinds.ts";
import type { Attachment } from "./attachment.ts";

/** How the sandbox's gateway signs what it writes into status. */
export const CONTROLLER_NAME = "sandbox.aviary.dev/gateway";

/** A problem with a backend reference of a route. */
export interface RefProblem {
  readonly reason: "BackendNotFound" | "InvalidKind" | "RefNotPermitted";
  readonly message: string;
}

type Draft = Omit<Condition, "lastTransitionTime">;

/** Keeps the transition time of a condition whose status stays. */
function stamp(draft: Draft, before: readonly Condition[] | undefined, nowMs: number): Condition {
  const known = conditionOf(before, draft.type);
  const lastTransitionTime = known?.status === draft.status ? known.lastTransitionTime : undefined;
  return { ...draft, lastTransitionTime: lastTransitionTime ?? kubeTime(nowMs) };
}

export interface RouteStatusInput {
  readonly route: GatewayRoute;
  readonly attachments: readonly Attachment[];
  /** Filters that the gateway does not honour. */
  readonly unsupported: readonly string[];
  readonly problem: RefProblem | undefined;
  readonly nowMs: number;
}

/** `status.parents` of a route: an entry for each parent of ours, and those of others as they are. Pure. */
export function routeParents(input: RouteStatusInput): readonly RouteParentStatus[] {
  const { route, attachments, unsupported, problem, nowMs } = input;
  const known = route.status?.parents ?? [];
  const observed = route.metadata.generation === undefined ? {} : { observedGeneration: route.metadata.generation };
  const others = known.filter(({ controllerName }) => controllerName !== CONTROLLER_NAME);
  const ours = attachments.map(({ parentRef, accepted }) => {
    const before = known.find(
      (parent) => parent.controllerName === CONTROLLER_NAME && sameRef(parent.parentRef, parentRef),
    );
    const verdict =
      unsupported.length === 0
        ? accepted
        : {
            status: "False" as const,
            reason: "UnsupportedValue",
            message: `filters not supported: ${unsupported.join()}`,
          };
    const resolved =
      problem === undefined
        ? { status: "True" as const, reason: "ResolvedRefs", message: "all references are resolved" }
        : { status: "False" as const, ...problem };
    const conditions = [
      stamp({ type: "Accepted", ...verdict, ...observed }, before?.conditions, nowMs),
      stamp({ type: "ResolvedRefs", ...resolved, ...observed }, before?.conditions, nowMs),
    ];
    return { parentRef, controllerName: CONTROLLER_NAME, conditions };
  });
  return [...others, ...ours];
}

function sameRef(a: Attachment["parentRef"], b: Attachment["parentRef"]): boolean {
  return a.name === b.name && a.namespace === b.namespace && a.sectionName === b.sectionName && a.port === b.port;
}

/** Status of a Gateway: programmed, with the routes counted that hang on each listener. Pure. */
export function gatewayStatus(
  gateway: Gateway,
  attachedTo: (listener: Listener) => number,
  nowMs: number,
): NonNullable<Gateway["status"]> {
  const observed = gateway.metadata.generation === undefined ? {} : { observedGeneration: gateway.metadata.generation };
  const holds = (type: string, before: readonly Condition[] | undefined): Condition =>
    stamp({ type, status: "True", reason: type, message: "", ...observed }, before, nowMs);
  const listeners = gateway.spec.listeners.map((listener): ListenerStatus => {
    const before = gateway.status?.listeners?.find(({ name }) => name === listener.name)?.conditions;
    return {
      name: listener.name,
      attachedRoutes: attachedTo(listener),
      supportedKinds: ["HTTPRoute", "GRPCRoute"].map((kind) => ({ group: "gateway.networking.k8s.io", kind })),
      conditions: ["Accepted", "Programmed", "ResolvedRefs"].map((type) => holds(type, before)),
    };
  });
  const conditions = ["Accepted", "Programmed"].map((type) => holds(type, gateway.status?.conditions));
  return { addresses: [{ type: "IPAddress", value: "127.0.0.1" }], conditions, listeners };
}
