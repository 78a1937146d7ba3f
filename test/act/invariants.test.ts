import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { assertForeignPatch } from "../../src/act/foreignFields.ts";
import { assertInvariants } from "../../src/act/invariants.ts";
import type { Action } from "../../src/decide/actions.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { ResourceKind } from "../../src/kube/port.ts";
import { scene, service, serving, workload } from "../decide/scenes.ts";
import type { SceneOptions } from "../decide/scenes.ts";

const nobody = { primary: service({ ready: 0 }) };
const change: Action = { kind: "ensurePrimary", replicas: 3, revision: "b" };
const full = serving(100);

const refused: readonly (readonly [string, Action, SceneOptions])[] = [
  ["a weight above 100", { kind: "setWeight", weight: 101 }, {}],
  ["half a percent", { kind: "setWeight", weight: 0.5 }, {}],
  ["weight for a canary without endpoints", { kind: "setWeight", weight: 10 }, {}],
  [
    "traffic to a primary without endpoints",
    { kind: "setWeight", weight: 0 },
    { ...full, services: { ...full.services, ...nobody } },
  ],
  [
    "taking pods away while a route that may not be read can still lead to them",
    { kind: "parkTarget", replicas: 0 },
    { see: { route: { weight: 0, uniform: true, acceptance: { state: "accepted" }, managers: [], closed: ["a"] } } },
  ],
  ["taking pods away at weight 10", { kind: "parkTarget", replicas: 0 }, serving(10)],
  ["a thaw at weight 10", { kind: "thawTarget" }, serving(10)],
  ["a change of the primary at weight 50", change, serving(50)],
  ["a change of the primary when no canary answers", change, { ...full, services: {} }],
  [
    "a change of the primary while one rule of the route lags behind",
    change,
    {
      ...full,
      see: { ...full.see, route: { weight: 100, uniform: false, acceptance: { state: "accepted" }, managers: [] } },
    },
  ],
  [
    "a change in place with nobody beside the primary in its Services",
    change,
    { ...full, see: { ...full.see, primary: workload("a", { inPlace: true }) } },
  ],
  ["a primary put back at weight 50", { kind: "restorePrimary", revision: "b" }, serving(50)],
  ["a Service pointed at kept pods that are not ready", { kind: "pointService", service: "apex", at: "previous" }, {}],
  [
    "deleting kept pods that serve",
    { kind: "deletePrevious" },
    { services: { primary: service({ selects: "previous" }), previous: service() } },
  ],
  [
    "a primary put back while the apex Service still selects it",
    { kind: "restorePrimary", revision: "b" },
    { services: { primary: service({ selects: "previous" }), previous: service() } },
  ],
  ["a freeze of a template that was not looked at", { kind: "freezeTarget", generation: 7 }, serving(0)],
  ["fewer pods for a canary", { kind: "scaleTarget", replicas: 2 }, serving(0)],
  ["taking the primary's autoscaler while the primary serves", { kind: "removeCompanions" }, {}],
  ["a Service pointed at nobody", { kind: "pointService", service: "apex", at: "target" }, {}],
  ["deleting a primary that is in use", { kind: "deletePrimary" }, {}],
  [
    "a primary of another revision than was looked at",
    { ...change, revision: "c" },
    { ...full, see: { ...full.see, target: workload("b") } },
  ],
  [
    "deleting copies while pods of the template before may need them",
    { kind: "removeCopies", which: "stale" },
    { see: { primary: workload("a", { settled: false }) } },
  ],
  ["deleting the copies that the primary stands on", { kind: "removeCopies", which: "all" }, {}],
  ["fewer pods for the primary", { kind: "scalePrimary", replicas: 2 }, {}],
  ["fewer pods for a primary that changes", { ...change, replicas: 2 }, full],
  [
    "taking a list from a Service that has nobody else behind it",
    { kind: "stopFeed", service: "primary" },
    { services: { primary: service({ ready: 0, feed: { ageMs: 9e3, current: true } }) } },
  ],
  [
    "another template for a target that has users",
    { kind: "restoreTarget", replicas: 3, template: "promoted" },
    serving(10),
  ],
  [
    "the target's freeze lifted while it has users",
    { kind: "restoreTarget", replicas: 3, template: "keep" },
    serving(10),
  ],
];

describe("what must always be true", () => {
  it.each(refused)("refuses %s", (_name, action, options) => {
    expect(() => {
      assertInvariants(action, scene(options));
    }).toThrow(/^refused to break/);
  });

  it.each<readonly [string, Action, SceneOptions]>([
    ["weight for a canary that answers", { kind: "setWeight", weight: 10 }, serving(0)],
    ["a change of the primary at 100 %", change, full],
    ["more pods for a canary", { kind: "scaleTarget", replicas: 4 }, serving(10)],
    ["the same primary again", { ...change, revision: "a" }, {}],
    [
      "another template for a target whose users nobody can take back",
      { kind: "restoreTarget", replicas: 3, template: "promoted" },
      { ...serving(10), services: { ...serving(10).services, ...nobody } },
    ],
    [
      "weights for nobody on either side",
      { kind: "setWeight", weight: 0 },
      { ...full, services: { canary: service({ ready: 0 }), ...nobody } },
    ],
    ["taking pods away at weight 0", { kind: "parkTarget", replicas: 0 }, serving(0)],
    [
      "deleting a primary that was handed back",
      { kind: "deletePrimary" },
      { services: { primary: service({ selects: "target" }) } },
    ],
    [
      "the first primary of an adoption",
      change,
      { status: {}, see: { primary: workload("a"), target: workload("b") } },
    ],
  ])("lets %s pass", (_name, action, options) => {
    expect(() => {
      assertInvariants(action, scene(options));
    }).not.toThrow();
  });
});

describe("in objects that Aviary did not make", () => {
  it.each<readonly [ResourceKind, string, boolean]>([
    [kinds.deployment, "/spec/replicas", true],
    [kinds.deployment, "/spec/paused", true],
    [kinds.deployment, "/spec/template", true],
    [kinds.deployment, "/spec/template/spec/containers/0/image", false],
    [kinds.deployment, "/metadata/labels/x", false],
    [kinds.daemonSet, "/spec/updateStrategy/type", true],
    [kinds.daemonSet, "/spec/updateStrategy/rollingUpdate", false],
    [kinds.daemonSet, "/spec/template/spec/nodeSelector/aviary.dev~1idle", true],
    [kinds.daemonSet, "/spec/template/spec/nodeSelector/pool", false],
    [kinds.statefulSet, "/spec/replicas", true],
    [kinds.statefulSet, "/spec/updateStrategy/rollingUpdate/partition", true],
    [kinds.statefulSet, "/spec/updateStrategy/type", false],
    [kinds.statefulSet, "/spec/volumeClaimTemplates", false],
    [kinds.service, "/spec/selector", true],
    [kinds.service, "/spec/ports", false],
    [kinds.httpRoute, "/spec/rules/0/backendRefs/1/weight", true],
    [kinds.httpRoute, "/spec/rules/0/backendRefs/1/name", false],
    [kinds.httpRoute, "/spec/hostnames", false],
    [kinds.httpRoute, "/metadata/annotations/aviary.dev~1weights", true],
    [kinds.httpRoute, "/metadata/annotations/other", false],
    [kinds.grpcRoute, "/spec/rules/2/backendRefs/-", true],
    [kinds.ingress, "/metadata/annotations", false],
    [kinds.canary, "/metadata/finalizers/0", true],
    [kinds.canary, "/spec/suspend", false],
    [kinds.scaledObject, "/metadata/annotations/autoscaling.keda.sh~1paused", true],
    [kinds.scaledObject, "/spec/minReplicaCount", false],
    [kinds.horizontalPodAutoscaler, "/spec/minReplicas", false],
  ])("%o %s may change: %s", (kind, path, allowed) => {
    const patch = () => {
      assertForeignPatch(kind, [{ op: "add", path, value: 1 }]);
    };
    if (allowed) expect(patch).not.toThrow();
    else expect(patch).toThrow(/a closed list of fields/);
  });

  it("what GitOps tools are told to leave alone is of that list", () => {
    interface Entry {
      readonly kind?: string;
      readonly jsonPointers?: readonly string[];
      readonly target?: { readonly kind: string };
      readonly paths?: readonly string[];
    }
    interface Example {
      readonly spec: {
        readonly ignoreDifferences?: readonly Entry[];
        readonly driftDetection?: { readonly ignore: readonly Entry[] };
      };
    }
    const files = ["argocd", "flux"].map(
      (name) => parse(readFileSync(`examples/gitops/${name}.yaml`, "utf8")) as Example,
    );
    const told = files.map(({ spec }) =>
      (spec.ignoreDifferences ?? spec.driftDetection?.ignore ?? []).map((entry) => ({
        kind: entry.kind ?? entry.target?.kind ?? "",
        paths: entry.jsonPointers ?? entry.paths ?? [],
      })),
    );
    expect(told[0]).toHaveLength(5);
    expect(told[1]).toEqual(told[0]);
    for (const { kind: name, paths } of told.flat()) {
      const kind = Object.values(kinds).find((one) => one.kind === name);
      if (kind === undefined) throw new Error(`${name} is not known`);
      for (const path of paths) {
        expect(() => {
          assertForeignPatch(kind, [{ op: "add", path, value: 1 }]);
        }).not.toThrow();
      }
    }
  });

  it("anything may be tested", () => {
    expect(() => {
      assertForeignPatch(kinds.deployment, [{ op: "test", path: "/metadata/generation", value: 1 }]);
    }).not.toThrow();
  });
});
