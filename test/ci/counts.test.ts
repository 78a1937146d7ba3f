import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aviary-counts-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function counts(report: unknown, status: number): string {
  const path = join(folder, "report.json");
  writeFileSync(path, typeof report === "string" ? report : JSON.stringify(report));
  const script = join(import.meta.dirname, "../../.ci/counts.cjs");
  return execFileSync("node", [script, path, String(status)], { encoding: "utf8" }).trim();
}

const file = (status: string, ...tests: string[]) => ({ status, assertionResults: tests.map((s) => ({ status: s })) });

describe("the totals of a test run", () => {
  it.each([
    ["all passed", { numPassedTests: 3, numFailedTests: 0, testResults: [file("passed", "passed")] }, 0, "3 0"],
    ["one failed", { numPassedTests: 2, numFailedTests: 1, testResults: [file("failed", "failed")] }, 1, "2 1"],
    ["a file could not be loaded", { numPassedTests: 2, numFailedTests: 0, testResults: [file("failed")] }, 1, "2 1"],
    [
      "a file could not be loaded and a test failed in another",
      { numPassedTests: 2, numFailedTests: 1, testResults: [file("failed"), file("failed", "failed")] },
      1,
      "2 2",
    ],
    ["an error outside of the tests", { numPassedTests: 2, numFailedTests: 0, testResults: [] }, 1, "2 1"],
    ["stopped by the time limit, without a report", "", 124, "0 1"],
    ["half a report", '{"numPassedTests": 3', 137, "0 1"],
    ["no test at all", { numPassedTests: 0, numFailedTests: 0, testResults: [] }, 0, "0 1"],
  ])("%s", (_what, report, status, expected) => {
    expect(counts(report, status)).toBe(expected);
  });
});
