import { Environment } from "@marcbachmann/cel-js";
import { LuaFactory } from "wasmoon";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { conditionsFor } from "../../src/api/conditions.ts";
import type { ConditionsInput } from "../../src/api/conditions.ts";
import { phases } from "../../src/api/status.ts";
import { readText } from "./manifests.ts";

/*
 * What Argo CD and Flux make of a Canary: the Lua and the CEL that deploy/health ships, run on the conditions that the
 * controller writes. Argo CD runs Lua 5.1, this is 5.4; the script uses nothing that the two have not in common.
 */

const argocd = parse(readText("deploy/health/argocd.yaml")) as { readonly data: Readonly<Record<string, string>> };
const script = argocd.data["resource.customizations.health.aviary.dev_Canary"] ?? "";

const flux = parse(readText("deploy/health/flux.yaml")) as {
  readonly spec: {
    readonly healthCheckExprs: readonly [
      { apiVersion: string; kind: string; inProgress: string; failed: string; current: string },
    ];
  };
};
const [expressions] = flux.spec.healthCheckExprs;

/** Its WebAssembly is compiled once; each engine of it is a state of its own. */
const factory = new LuaFactory();

async function argoHealth(obj: object): Promise<{ readonly status: string; readonly message: string }> {
  const lua = await factory.createEngine();
  try {
    // As Argo CD does: the object is a table, and the script returns one.
    const literal = (value: unknown): string => {
      if (Array.isArray(value)) return `{ ${value.map(literal).join(", ")} }`;
      if (typeof value !== "object" || value === null) return JSON.stringify(value);
      return `{ ${Object.entries(value)
        .map(([key, held]) => `[${JSON.stringify(key)}] = ${literal(held)}`)
        .join(", ")} }`;
    };
    return (await lua.doString(`obj = ${literal(obj)}\n${script}`)) as { status: string; message: string };
  } finally {
    lua.global.close();
  }
}

/** In the order in which Flux asks, and with the top-level fields as variables; from fluxcd/pkg/runtime/cel. */
function fluxHealth(object: Readonly<Record<string, unknown>>): string {
  const cel = new Environment({ unlistedVariablesAreDyn: true });
  const holds = (expression: string) => cel.evaluate(expression, { status: {}, ...object }) === true;
  if (holds(expressions.inProgress)) return "InProgress";
  if (holds(expressions.failed)) return "Failed";
  return holds(expressions.current) ? "Current" : "InProgress";
}

const SENTENCE = 'a sentence with "quotes"';

function aCanary(phase: ConditionsInput["phase"], causes: Partial<ConditionsInput> = {}, observedGeneration = 3) {
  const input = { phase, message: SENTENCE, generation: 3, now: 0, ...causes };
  const metadata = { name: "web", generation: 3 };
  return {
    metadata,
    status: { observedGeneration, phase, why: { message: SENTENCE }, conditions: conditionsFor(input) },
  };
}

const cause = (reason: string) => ({ reason, message: SENTENCE });

describe("deploy/health", () => {
  it.each([
    ["nothing that was looked at", { metadata: { name: "web", generation: 1 } }, "Progressing", "InProgress"],
    ["a change of the Canary that was not seen yet", aCanary("Succeeded", {}, 2), "Progressing", "InProgress"],
    ["adoption", aCanary("Initializing"), "Progressing", "InProgress"],
    ["rest after adoption", aCanary("Idle"), "Healthy", "Current"],
    ["a rollout", aCanary("Progressing"), "Progressing", "InProgress"],
    ["an approval", aCanary("Paused", { awaiting: cause("AwaitingApproval") }), "Suspended", "InProgress"],
    ["a pause by a person", aCanary("Paused", { awaiting: cause("PausedByRequest") }), "Suspended", "InProgress"],
    ["suspension", aCanary("Paused", { awaiting: cause("Suspended") }), "Suspended", "InProgress"],
    [
      "metrics that do not answer",
      aCanary("Paused", { awaiting: cause("MetricsUnavailable") }),
      "Progressing",
      "InProgress",
    ],
    ["a promotion", aCanary("Promoting"), "Progressing", "InProgress"],
    ["a promoted revision", aCanary("Succeeded"), "Healthy", "Current"],
    ["a rollback under way", aCanary("RollingBack"), "Progressing", "InProgress"],
    ["a revision that was rolled back", aCanary("Failed"), "Degraded", "Failed"],
    ["a mistake in a rollout", aCanary("Progressing", { stalled: cause("RouteNotFound") }), "Degraded", "Failed"],
    ["a mistake at rest", aCanary("Succeeded", { stalled: cause("RouteNotFound") }), "Degraded", "Failed"],
    ["deletion", aCanary("Terminating"), "Progressing", "InProgress"],
  ])("tells Argo CD and Flux of %s", async (_what, canary, argo, inFlux) => {
    expect([(await argoHealth(canary)).status, fluxHealth(canary)]).toEqual([argo, inFlux]);
  });

  it.each(phases)("has an answer with the Canary's own sentence in phase %s", async (phase) => {
    expect((await argoHealth(aCanary(phase))).message).toContain(SENTENCE);
  });

  it("is about the kind that Aviary serves", () => {
    expect(expressions).toMatchObject({ apiVersion: "aviary.dev/v1beta1", kind: "Canary" });
  });
});
