import { describe, expect, it } from "vitest";
import type { Check } from "../../src/api/canary.ts";
import { judge, notPassing } from "../../src/decide/checks.ts";
import type { Reading } from "../../src/metrics/provider.ts";
import { ago, NOW, passing } from "./scenes.ts";

const value = (number: number): Reading => ({ kind: "value", value: number });
const nothing: Reading = { kind: "empty" };
const away: Reading = { kind: "unreachable", message: "refused" };

function check(threshold: object): Check {
  return { name: "c", threshold: { query: "q", failureLimit: 0, ...threshold } };
}

function after(threshold: object, readings: readonly Reading[]) {
  const checks = [check(threshold)];
  const states = readings.reduce(
    (before, reading, index) => judge(checks, before, { c: { query: "q", at: NOW + index, reading } }),
    judge(checks, [], {}),
  );
  return states[0];
}

describe("a threshold check", () => {
  it.each([
    ["was never asked", { min: 1 }, [], "Undecided"],
    ["within min", { min: 1 }, [value(1)], "Pass"],
    ["below min", { min: 1 }, [value(0.99)], "Fail"],
    ["within max", { max: 1 }, [value(1)], "Pass"],
    ["above max", { max: 1 }, [value(1.01)], "Fail"],
    ["between both", { min: 0, max: 1 }, [value(0.5)], "Pass"],
    ["tolerated", { min: 1, failureLimit: 1 }, [value(0)], "Undecided"],
    ["tolerated, then good", { min: 1, failureLimit: 1 }, [value(0), value(1)], "Pass"],
    ["once too often", { min: 1, failureLimit: 1 }, [value(0), value(1), value(0)], "Fail"],
    ["too often in a row", { min: 1, failureLimit: 9, consecutiveFailureLimit: 1 }, [value(0), value(0)], "Fail"],
    [
      "often, not in a row",
      { min: 1, failureLimit: 9, consecutiveFailureLimit: 1 },
      [value(0), value(1), value(0)],
      "Undecided",
    ],
    ["failed for good", { min: 1 }, [value(0), value(1), nothing, away], "Fail"],
    ["without data", { min: 1 }, [value(1), nothing], "NoData"],
    ["without an answer", { min: 1 }, [value(1), away], "Error"],
    ["without an answer between failures", { min: 1, failureLimit: 1 }, [value(0), away, nothing, value(0)], "Fail"],
  ] as const)("%s", (_name, threshold, readings, verdict) => {
    expect(after(threshold, readings)?.verdict).toBe(verdict);
  });

  it("never counts a missing answer as a failure", () => {
    expect(after({ min: 1 }, [away, nothing, away])).toMatchObject({ failures: 0, readings: 0, cause: "Unreachable" });
  });

  it("says in numbers what it compared", () => {
    expect(after({ max: 0.5, failureLimit: 2 }, [value(0.6123456)])?.message).toBe(
      "0.61235 is above max 0.5 (1 failed reading, 2 tolerated)",
    );
  });
});

describe("a step", () => {
  it("waits for a Pass that is as new as its weight", () => {
    expect(notPassing([{ ...passing, lastReading: ago(5) }], NOW - 4_000)).toHaveLength(1);
    expect(notPassing([{ ...passing, lastReading: ago(3) }], NOW - 4_000)).toEqual([]);
    expect(notPassing([{ ...passing, verdict: "NoData" }], NOW - 4_000)).toHaveLength(1);
  });
});
