import { describe, expect, it } from "vitest";
import type { Canary } from "../../src/api/canary.ts";
import { claimsOf } from "../../src/kube/claims.ts";
import type { StoredCanary } from "../../src/kube/claims.ts";
import type { FreshReads } from "../../src/kube/fresh.ts";
import { MANAGED_BY, namesOf } from "../../src/lib/names.ts";
import { sharedRoute, sharedTarget } from "../../src/observe/rivals.ts";
import { parseCanary } from "../../src/reconcile.ts";
import { deployment } from "../../src/workloads/deployment.ts";
import { aDeployment } from "../lives/manifests.ts";

interface Claims {
  readonly name?: string;
  readonly namespace?: string;
  readonly target?: string;
  readonly routes?: readonly object[];
  readonly at?: string;
  readonly status?: object;
}

const adopted = { promoted: { revision: "a", time: "2026-01-01T00:00:00Z" } };

function canary({ name = "mine", namespace = "shop", target = "web", routes, at, status }: Claims): Canary {
  const parsed = parseCanary({
    apiVersion: "aviary.dev/v1beta1",
    kind: "Canary",
    metadata: { name, namespace, creationTimestamp: at ?? "2026-01-01T00:00:00Z" },
    spec: {
      targetRef: { kind: "Deployment", name: target },
      ...(routes === undefined ? {} : { traffic: { gatewayAPI: { routeRefs: routes } } }),
      analysis: { unjudged: true },
    },
    status,
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.canary;
}

/** As it is stored: what was parsed knows its router by name. */
function stored(claims: Claims): StoredCanary {
  const { metadata, spec, status } = canary(claims);
  const { router, block } = spec.traffic;
  return { ...{ metadata, status }, spec: { ...spec, traffic: { [router]: block } } } as unknown as StoredCanary;
}

function problems(mine: Claims, other: Claims, trafficChanged = false) {
  const own = canary(mine);
  const rival = stored({ name: "other", ...other });
  const reads = {
    related: (_kind, place) =>
      claimsOf(rival).some((one) => one.namespace === place.namespace && one.name === place.name) ? [rival] : [],
  } as Pick<FreshReads, "related">;
  const scene = { canary: own, names: namesOf(own), target: aDeployment(3), workload: deployment, trafficChanged };
  return [sharedTarget({ scene, reads })?.reason, sharedRoute({ scene, reads })?.reason].filter(Boolean);
}

const older = "2025-12-31T00:00:00Z";
const younger = "2026-01-02T00:00:00Z";

describe("a Canary beside another one", () => {
  it.each<readonly [string, Claims, Claims, readonly string[]]>([
    ["has its target to itself", {}, { target: "api", at: older }, []],
    ["waits for an older one on its target", {}, { at: older }, ["TargetShared"]],
    ["has its target before a younger one", {}, { at: younger }, []],
    ["waits for a younger one that is adopted: clocks differ", {}, { at: younger, status: adopted }, ["TargetShared"]],
    ["keeps its target when it is adopted", { status: adopted }, { at: older }, []],
    ["has another namespace's names for itself", {}, { namespace: "edge", at: older }, []],
    ["may not have a target of a name that the other makes", { target: "web-canary" }, { at: older }, ["NameTaken"]],
    ["may not make a name that the other's target has", {}, { target: "web-primary", at: older }, ["NameTaken"]],
    ["may not keep its version before where the other is", {}, { target: "web-previous", at: older }, ["NameTaken"]],
    ["may have names that only begin alike", { target: "web" }, { target: "web-canaries", at: older }, []],
  ])("%s", (_name, mine, other, expected) => {
    expect(problems(mine, other)).toEqual(expected);
  });

  it.each<readonly [string, Claims, Claims, readonly string[]]>([
    ["in its namespace", { routes: [{ name: "r" }] }, { routes: [{ name: "r" }] }, ["RouteShared"]],
    [
      "however its namespace is written",
      { routes: [{ name: "r" }] },
      { routes: [{ namespace: "shop", name: "r" }] },
      ["RouteShared"],
    ],
    [
      "of a third namespace",
      { routes: [{ namespace: "gw", name: "r" }] },
      { namespace: "edge", routes: [{ namespace: "gw", name: "r" }] },
      ["RouteShared"],
    ],
    [
      "of the other's namespace",
      { routes: [{ namespace: "gw", name: "r" }] },
      { namespace: "gw", routes: [{ name: "r" }] },
      ["RouteShared"],
    ],
    [
      "that has the other's traffic for now",
      { routes: [{ name: "r" }] },
      {
        routes: [{ name: "s" }],
        status: {
          ...adopted,
          traffic: { router: "gatewayAPI", block: { routeRefs: [{ kind: "HTTPRoute", name: "r" }] } },
        },
      },
      ["RouteShared"],
    ],
    [
      "of that name only, and of another kind",
      { routes: [{ name: "r" }] },
      { routes: [{ kind: "GRPCRoute", name: "r" }] },
      [],
    ],
    [
      "of that name only, and of another namespace",
      { routes: [{ name: "r" }] },
      { namespace: "edge", routes: [{ name: "r" }] },
      [],
    ],
  ])("and a route %s", (_name, mine, other, expected) => {
    expect(problems({ target: "api", ...mine }, { at: older, ...other })).toEqual(expected);
  });

  it("may not have a target that Aviary made, also when whoever made it is gone", () => {
    const own = canary({ target: "web-primary" });
    const target = { ...aDeployment(3), metadata: { namespace: "shop", name: "web-primary", labels: MANAGED_BY } };
    const scene = { canary: own, names: namesOf(own), target, workload: deployment, trafficChanged: false };
    expect(sharedTarget({ scene, reads: { related: () => [] } })).toMatchObject({ reason: "TargetUnsupported" });
  });

  it("may not move to a route of the other's, adopted or not", () => {
    const mine = { target: "api", status: adopted, routes: [{ name: "r" }] };
    expect(problems(mine, { at: younger, routes: [{ name: "r" }] }, true)).toEqual(["RouteShared"]);
    expect(problems(mine, { at: younger, routes: [{ name: "r" }] })).toEqual([]);
  });
});
