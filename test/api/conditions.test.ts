import { describe, expect, it } from "vitest";
import { conditionsFor } from "../../src/api/conditions.ts";
import type { ConditionsInput } from "../../src/api/conditions.ts";
import type { Condition, Phase } from "../../src/api/status.ts";
import { phases } from "../../src/api/status.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** Statuses by type, T or F; `-` is absent. In the order Ready, Reconciling, Stalled, Promoted. */
const table: readonly { readonly phase: Phase; readonly alone: string; readonly stalled: string }[] = [
  { phase: "Initializing", alone: "FT--", stalled: "F-T-" },
  { phase: "Idle", alone: "T--T", stalled: "F-TT" },
  { phase: "Succeeded", alone: "T--T", stalled: "F-TT" },
  { phase: "Progressing", alone: "FT-F", stalled: "F-TF" },
  { phase: "Promoting", alone: "FT-F", stalled: "F-TF" },
  { phase: "RollingBack", alone: "FT-F", stalled: "F-TF" },
  { phase: "Paused", alone: "FT-F", stalled: "F-TF" },
  { phase: "Failed", alone: "F-TF", stalled: "F-TF" },
  { phase: "Terminating", alone: "FT--", stalled: "F-T-" },
];

const input = (fields: Partial<ConditionsInput>): ConditionsInput => ({
  phase: "Idle",
  message: "all is well",
  generation: 3,
  now: NOW,
  ...fields,
});

function shape(conditions: readonly Condition[]): string {
  return ["Ready", "Reconciling", "Stalled", "Promoted"]
    .map((type) => conditions.find((condition) => condition.type === type)?.status[0] ?? "-")
    .join("");
}

describe("the conditions of a Canary", () => {
  it("are laid down for every phase", () => {
    expect(table.map(({ phase }) => phase).sort()).toEqual([...phases].sort());
  });

  it.each(table)("say for kstatus what $phase means", ({ phase, alone, stalled }) => {
    expect(shape(conditionsFor(input({ phase })))).toBe(alone);
    const cause = { reason: "RouteNotFound", message: "create it" };
    expect(shape(conditionsFor(input({ phase, stalled: cause })))).toBe(stalled);
  });

  it("name the user's mistake wherever somebody may look", () => {
    const cause = { reason: "RouteNotFound", message: "HTTPRoute shop is missing" };
    const conditions = conditionsFor(input({ phase: "Progressing", stalled: cause }));
    expect(conditions.filter(({ type }) => type !== "Promoted")).toMatchObject([
      { type: "Ready", ...cause },
      { type: "Stalled", ...cause },
    ]);
  });

  it("say RolledBack when the phase is Failed, with the sentence of why", () => {
    const conditions = conditionsFor(input({ phase: "Failed", message: "latency was above 0.5" }));
    expect(conditions[1]).toMatchObject({ type: "Stalled", reason: "RolledBack", message: "latency was above 0.5" });
  });

  it("say who is waited for while paused", () => {
    const awaiting = { reason: "AwaitingApproval", message: "step 2 waits for an Approve" };
    const conditions = conditionsFor(input({ phase: "Paused", awaiting }));
    expect(conditions[1]).toMatchObject({ type: "Reconciling", status: "True", ...awaiting });
  });

  it("keep the time of transition as long as the status stays, whatever the reason says", () => {
    const before = conditionsFor(input({ phase: "Progressing" }));
    const after = conditionsFor(input({ phase: "Promoting", now: NOW + 60_000, generation: 4, previous: before }));
    expect(after.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual(
      before.map(({ lastTransitionTime }) => lastTransitionTime),
    );
    expect(after[0]).toMatchObject({ reason: "Promoting", observedGeneration: 4 });
  });

  it("move the time of transition when the status changes, and when a condition comes back", () => {
    const before = conditionsFor(input({ phase: "Progressing" }));
    const after = conditionsFor(input({ phase: "Succeeded", now: NOW + 60_000, previous: before }));
    expect(after.map(({ type, lastTransitionTime }) => [type, lastTransitionTime])).toEqual([
      ["Ready", "2026-01-02T03:05:05Z"],
      ["Promoted", "2026-01-02T03:05:05Z"],
    ]);
  });
});
