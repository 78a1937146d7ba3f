import { describe, expect, it } from "vitest";
import type { Condition, GatewayRoute, ParentReference, RouteParentStatus } from "../../src/kube/objects.ts";
import { routeAcceptance } from "../../src/routers/routeStatus.ts";
import { route } from "./samples.ts";

const GENERATION = 3;
const gateway: ParentReference = { name: "gateway" };

function condition(
  type: string,
  status: Condition["status"],
  observedGeneration = GENERATION,
  reason = type,
): Condition {
  return { type, status, observedGeneration, reason, message: `${type} is ${status}` };
}

const good = [condition("Accepted", "True"), condition("ResolvedRefs", "True")];

function entry(
  parentRef: ParentReference,
  conditions: readonly Condition[],
  controllerName = "a/b",
): RouteParentStatus {
  return { parentRef, controllerName, conditions };
}

function reported(parentRefs: readonly ParentReference[], parents: readonly RouteParentStatus[]): GatewayRoute {
  const base = route([]);
  return { ...base, spec: { ...base.spec, parentRefs }, status: { parents } };
}

const spelledOut: ParentReference = {
  group: "gateway.networking.k8s.io",
  kind: "Gateway",
  namespace: "shop",
  name: "gateway",
};
const service: ParentReference = { group: "", kind: "Service", name: "podinfo", port: 80 };

describe("acceptance of a route", () => {
  it.each([
    { why: "both conditions hold for this generation", parents: [entry(gateway, good)], state: "accepted" },
    { why: "the status spells out the defaults", parents: [entry(spelledOut, good)], state: "accepted" },
    { why: "nobody has said anything", parents: [], state: "unknown" },
    { why: "the status is of another parent", parents: [entry({ name: "other" }, good)], state: "unknown" },
    {
      why: "the status is of another section",
      parents: [entry({ ...gateway, sectionName: "tls" }, good)],
      state: "unknown",
    },
    {
      why: "Accepted is of an older generation",
      parents: [entry(gateway, [condition("Accepted", "True", 2), condition("ResolvedRefs", "True")])],
      state: "unknown",
    },
    { why: "ResolvedRefs is missing", parents: [entry(gateway, [condition("Accepted", "True")])], state: "unknown" },
    {
      why: "Accepted is Unknown",
      parents: [entry(gateway, [condition("Accepted", "Unknown"), condition("ResolvedRefs", "True")])],
      state: "unknown",
    },
    {
      why: "an older generation was rejected",
      parents: [entry(gateway, [condition("Accepted", "False", 2)])],
      state: "unknown",
    },
    {
      why: "this generation was rejected",
      parents: [entry(gateway, [condition("Accepted", "False", 3, "NotAllowedByListeners")])],
      state: "rejected",
      reason: "NotAllowedByListeners",
    },
    {
      why: "a backend cannot be found",
      parents: [
        entry(gateway, [condition("Accepted", "True"), condition("ResolvedRefs", "False", 3, "BackendNotFound")]),
      ],
      state: "rejected",
      reason: "BackendNotFound",
    },
    {
      why: "some rules were dropped",
      parents: [entry(gateway, [...good, condition("PartiallyInvalid", "True", 3, "UnsupportedValue")])],
      state: "rejected",
      reason: "UnsupportedValue",
    },
    {
      why: "some rules of an older generation were dropped",
      parents: [entry(gateway, [...good, condition("PartiallyInvalid", "True", 2)])],
      state: "accepted",
    },
    {
      why: "a controller that is gone has left a rejection behind",
      parents: [entry(gateway, [condition("Accepted", "False")], "old/one"), entry(gateway, good)],
      state: "accepted",
    },
  ])("is $state when $why", ({ parents, state, reason }) => {
    const acceptance = routeAcceptance(reported([gateway], parents));
    expect(acceptance).toMatchObject(reason === undefined ? { state } : { state, reason });
    if (acceptance.state !== "accepted") expect(acceptance.message).toContain("HTTPRoute podinfo");
  });

  it("needs every parent, a Service in a mesh as well", () => {
    const parents = [entry(gateway, good), entry(service, good)];
    expect(routeAcceptance(reported([gateway, service], parents)).state).toBe("accepted");
    expect(routeAcceptance(reported([gateway, service], parents.slice(0, 1))).state).toBe("unknown");
    const rejected = [entry(service, [condition("Accepted", "False")])];
    expect(routeAcceptance(reported([gateway, service], rejected)).state).toBe("rejected");
  });

  it("is unknown for a route that is attached to nothing", () => {
    expect(routeAcceptance(reported([], [])).state).toBe("unknown");
  });
});
