import { type Condition, conditionOf, type GatewayRoute, type ParentReference } from "../kube/objects.ts";
import type { Acceptance } from "./router.ts";

/**
 * Whether every parent of a route has taken over the route's current generation.
 *
 * Accepted and ResolvedRefs must be True for this generation. That is necessary for a weight to be in effect, never
 * sufficient: control planes write it before, or apart from, what the data plane gets.
 */
export function routeAcceptance(route: GatewayRoute): Acceptance {
  const parents = route.spec.parentRefs ?? [];
  if (parents.length === 0) return { state: "unknown", message: `${describe(route)} has no parentRefs` };
  return worst(parents.map((parent) => parentAcceptance(route, parent)));
}

/** Rejected before unknown before accepted. */
export function worst(states: readonly Acceptance[]): Acceptance {
  return (
    states.find((acceptance) => acceptance.state === "rejected") ??
    states.find((acceptance) => acceptance.state === "unknown") ?? { state: "accepted" }
  );
}

/**
 * Several controllers may write about one parent, and one that is gone may have left its entry behind, so one of them
 * that accepts is enough.
 */
function parentAcceptance(route: GatewayRoute, parent: ParentReference): Acceptance {
  const wanted = parentKey(parent, route);
  const entries = (route.status?.parents ?? []).filter((entry) => parentKey(entry.parentRef, route) === wanted);
  const states = entries.map((entry) => entryAcceptance(route, parent, entry.conditions ?? []));
  return (
    states.find((acceptance) => acceptance.state === "accepted") ??
    states.find((acceptance) => acceptance.state === "rejected") ??
    states[0] ?? {
      state: "unknown",
      message: `${describe(route)}: no controller has said anything about parent ${parent.name}`,
    }
  );
}

function entryAcceptance(route: GatewayRoute, parent: ParentReference, conditions: readonly Condition[]): Acceptance {
  const isCurrent = (condition: Condition) => (condition.observedGeneration ?? -1) >= (route.metadata.generation ?? 0);
  for (const type of ["Accepted", "ResolvedRefs"]) {
    const condition = conditionOf(conditions, type);
    if (condition === undefined || !isCurrent(condition) || condition.status === "Unknown") {
      return {
        state: "unknown",
        message: `${describe(route)}: parent ${parent.name} has not reported ${type} for generation ${route.metadata.generation ?? 0}`,
      };
    }
    if (condition.status === "False") return rejection(route, parent, condition);
  }
  const partly = conditionOf(conditions, "PartiallyInvalid");
  if (partly?.status === "True" && isCurrent(partly)) return rejection(route, parent, partly);
  return { state: "accepted" };
}

function rejection(route: GatewayRoute, parent: ParentReference, condition: Condition): Acceptance {
  const reason = condition.reason ?? condition.type;
  const detail = condition.message === undefined || condition.message === "" ? reason : condition.message;
  return {
    state: "rejected",
    reason,
    message: `${describe(route)}: parent ${parent.name} reports ${condition.type}=${condition.status}: ${detail}`,
  };
}

/** A parent with the defaults of the Gateway API filled in, so that two ways of writing the same one are equal. */
function parentKey(parent: ParentReference, route: GatewayRoute): string {
  return JSON.stringify([
    parent.group ?? "gateway.networking.k8s.io",
    parent.kind ?? "Gateway",
    parent.namespace ?? route.metadata.namespace,
    parent.name,
    parent.sectionName ?? "",
    parent.port ?? 0,
  ]);
}

function describe(route: GatewayRoute): string {
  return `${route.kind} ${route.metadata.name}`;
}
