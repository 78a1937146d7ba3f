import { describe, expect, it } from "vitest";
import type { Check } from "../../src/api/canary.ts";
import { failedCheck, judge, notPassing, refusedCheck } from "../../src/decide/checks/index.ts";
import type { CheckStatus } from "../../src/api/status.ts";
import type { Reading } from "../../src/metrics/provider.ts";
import { ago, NOW, passing } from "./scenes.ts";

const value = (number: number): Reading => ({ kind: "value", value: number });
const nothing: Reading = { kind: "empty" };
const away: Reading = { kind: "unreachable", message: "refused" };

function check(threshold: object, basics: object = {}): Check {
  const block = { query: "q", failureLimit: 0, minReadings: 1, ...threshold };
  return { name: "c", mode: "Gate", onNoData: "Undecided", threshold: block, ...basics };
}

function after(threshold: object, readings: readonly Reading[], basics: object = {}) {
  const checks = [check(threshold, basics)];
  const states = readings.reduce(
    (before, reading, index) =>
      judge({ checks, previous: before, readings: { c: { query: "q", at: NOW + index, reading } } }),
    judge({ checks, previous: [], readings: {} }),
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

function open(checks: readonly Check[], statuses: readonly CheckStatus[], since = NOW - 4_000) {
  return notPassing({ checks, statuses, since, countedUntil: since, mayAdvance: false, lastStep: false });
}

describe("a check that got no data", () => {
  it.each([
    ["counts against the canary where it says so", { failureLimit: 0 }, [nothing], "Fail"],
    ["is tolerated as often as a failed reading", { failureLimit: 1 }, [nothing, value(1)], "Pass"],
    ["counts together with failed readings", { failureLimit: 1 }, [nothing, value(0)], "Fail"],
    ["was not answered at all, which is nobody's fault", { failureLimit: 0 }, [away], "Error"],
  ] as const)("%s", (_name, threshold, readings, verdict) => {
    expect(after({ min: 1, ...threshold }, readings, { onNoData: "Fail" })?.verdict).toBe(verdict);
  });
});

it("does not pass before it has its minimum of readings", () => {
  const first = after({ min: 1, minReadings: 2 }, [value(1)]);
  expect(first).toMatchObject({ verdict: "Undecided", message: "1 is within min 1 (1 of at least 2 readings)" });
  expect(after({ min: 1, minReadings: 2 }, [value(1), nothing, value(1)])?.verdict).toBe("Pass");
});

describe("a check that only reports", () => {
  it("shows its verdict, and neither fails a canary nor holds it", () => {
    const failed = after({ min: 1 }, [value(0)], { mode: "Report" });
    expect(failed).toMatchObject({ verdict: "Fail", mode: "Report" });
    const refused = { ...passing, mode: "Report", verdict: "Error", cause: "BadQuery" } as const;
    expect(failedCheck(failed === undefined ? [] : [failed])).toBeUndefined();
    expect(open([], failed === undefined ? [] : [failed])).toEqual([]);
    expect(refusedCheck([refused])).toBeUndefined();
  });

  it("acts again when it becomes a gate", () => {
    const before = after({ min: 1 }, [value(1)], { mode: "Report" });
    expect(
      judge({ checks: [check({ min: 1 })], previous: before === undefined ? [] : [before], readings: {} })[0]?.mode,
    ).toBeUndefined();
  });
});

describe("a step", () => {
  it("waits for a Pass that is as new as its weight", () => {
    expect(open([], [{ ...passing, lastReading: ago(5) }])).toHaveLength(1);
    expect(open([], [{ ...passing, lastReading: ago(3) }])).toEqual([]);
    expect(open([], [{ ...passing, verdict: "NoData" }])).toHaveLength(1);
  });

  it("leaves silence out where it is to be ignored, but not when there is nothing else", () => {
    const checks = [check({}, { name: "silent", onNoData: "Ignore" }), check({}, { name: "success" })];
    const silent = { ...passing, name: "silent", verdict: "NoData" } as const;
    const heard = { ...passing, name: "success", lastReading: ago(3) };
    expect(open(checks, [silent, heard])).toEqual([]);
    expect(open(checks, [silent])).toEqual([silent]);
    expect(open(checks, [silent, { ...heard, verdict: "Undecided" }])).toHaveLength(2);
  });

  it("is not over because pods run, while all that measures is silent", () => {
    const pods: Check = {
      name: "pods",
      mode: "Gate",
      onNoData: "Undecided",
      pods: { maxRestarts: 1, unreadyFor: "1m" },
    };
    const silent = { ...passing, name: "silent", verdict: "NoData" } as const;
    const run = { ...passing, name: "pods", lastReading: ago(3) };
    expect(open([check({}, { name: "silent", onNoData: "Ignore" }), pods], [silent, run])).toEqual([silent]);
    expect(open([pods], [run])).toEqual([]);
  });
});
