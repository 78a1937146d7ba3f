import { describe, expect, it } from "vitest";
import type { CanaryStatus } from "../../src/api/status.ts";
import type { DemoRollout } from "../../src/sandbox/demo/events.ts";
import { createJsonView } from "../../src/sandbox/demo/json.ts";
import { changesOf } from "../../src/sandbox/demo/observer.ts";
import { between } from "../../src/sandbox/demo/story.ts";
import { summarize } from "../../src/sandbox/demo/summary.ts";
import { createTerminalView } from "../../src/sandbox/demo/view.ts";
import type { LoadCounts } from "../../src/sandbox/load.ts";

const counts = (change: Partial<LoadCounts> = {}): LoadCounts => ({
  requests: 100,
  byVersion: { "1": { requests: 90, errors: 0 }, "2": { requests: 10, errors: 3 } },
  byStatus: { 200: 97, 500: 3 },
  failedByGateway: 0,
  skipped: 0,
  ...change,
});

const rollout = (revision: string, outcome: DemoRollout["outcome"]): DemoRollout => ({
  revision,
  outcome,
  version: revision,
  seconds: 1,
  why: "because",
});

const good = rollout("good", "Succeeded");
const bad = rollout("bad", "Failed");

describe("the summary of the demo", () => {
  it.each([
    { what: "all went as it must", ending: {}, ok: true },
    { what: "the good release is not promoted", ending: { rollouts: [rollout("good", "Failed")] }, ok: false },
    { what: "nothing was decided", ending: { rollouts: [] }, ok: false },
    { what: "the bad release is not decided", ending: { rollouts: [good] }, ok: false },
    { what: "the bad release is promoted", ending: { rollouts: [good, rollout("bad", "Succeeded")] }, ok: false },
    { what: "the bad revision serves, whatever its outcome", ending: { promoted: "bad" }, ok: false },
    { what: "the gateway fails a request", ending: { counts: counts({ failedByGateway: 1 }) }, ok: false },
  ])("is ok: $ok when $what", ({ ending, ok }) => {
    const summary = summarize({ rollouts: [good, bad], promoted: "good", counts: counts(), seconds: 1, ...ending });
    expect(summary.ok).toBe(ok);
    expect(summary.problems.length === 0).toBe(ok);
  });

  it("is the last line in JSON, with the outcomes and what the gateway failed", () => {
    const lines: string[] = [];
    const view = createJsonView((text) => lines.push(text));
    view.show({ type: "outcome", ...good }, 12.345);
    view.summary(summarize({ rollouts: [good, bad], promoted: "good", counts: counts(), seconds: 1 }));
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { at: 12.35, type: "outcome", seconds: 1 },
      {
        summary: {
          rollouts: [
            { revision: "good", outcome: "Succeeded" },
            { revision: "bad", outcome: "Failed" },
          ],
          requests: 100,
          failedByGateway: 0,
        },
      },
    ]);
  });
});

describe("what the demo tells", () => {
  it("is each change of the status once", () => {
    const check = {
      name: "errors",
      verdict: "Pass",
      message: "1 is fine",
      readings: 1,
      failures: 0,
      consecutiveFailures: 0,
    } as const;
    const before: CanaryStatus = {
      phase: "Progressing",
      weight: 10,
      step: "1/3",
      checks: [check],
      why: { rule: "a", message: "x" },
    };
    const after: CanaryStatus = {
      phase: "RollingBack",
      weight: 0,
      step: "1/3",
      checks: [{ ...check, verdict: "Fail", message: "9 is not", value: 9 }],
      why: { rule: "failOnChecks", message: "check errors failed" },
    };
    expect(changesOf(before, before)).toEqual([]);
    expect(changesOf(before, after)).toEqual([
      { type: "phase", phase: "RollingBack" },
      { type: "weight", weight: 0, step: "1/3" },
      { type: "check", name: "errors", verdict: "Fail", message: "9 is not", value: 9 },
      { type: "why", rule: "failOnChecks", message: "check errors failed" },
    ]);
  });

  it("is the traffic between two looks", () => {
    const before = counts({ requests: 50, byVersion: { "1": { requests: 50, errors: 0 } }, failedByGateway: 0 });
    expect(between(before, counts({ failedByGateway: 2 }))).toEqual({
      byVersion: { "1": { requests: 40, errors: 0 }, "2": { requests: 10, errors: 3 } },
      errorShare: 0.06,
      failedByGateway: 2,
    });
  });

  it("has no control characters where there is no terminal, and erases what it redraws where there is one", () => {
    const draw = (isTTY: boolean): string => {
      let text = "";
      const view = createTerminalView({ isTTY, columns: 80, write: (part) => (text += part) });
      view.show({ type: "weight", weight: 30, step: "1/3" }, 1);
      view.show({ type: "why", rule: "holdWeight", message: "x".repeat(200) }, 2);
      view.summary(summarize({ rollouts: [good, bad], promoted: "good", counts: counts(), seconds: 1 }));
      return text;
    };
    const escape = "\u001b";
    expect(draw(false)).not.toContain(escape);
    expect(draw(true)).toContain(`${escape}[4A${escape}[J`);
    expect(draw(false)).toContain("no request was dropped");
  });
});
