import { describe, expect, it } from "vitest";
import { decide } from "../../src/decide/decide.ts";
import type { CanaryStatus, HistoryEntry } from "../../src/api/status.ts";
import { newsOf } from "../../src/report/news.ts";
import { whatCanWait, nextStatus, sameStatus } from "../../src/report/status.ts";
import { ago, atTen, rested, rolling, scene, serving, workload } from "../decide/scenes.ts";
import type { SceneOptions } from "../decide/scenes.ts";

function statusOf(options: SceneOptions): CanaryStatus {
  const observation = scene(options);
  return nextStatus(observation, decide(observation));
}

const failed = { revision: "b", time: ago(9), why: { rule: "failOnChecks", message: "bad" } };
const holding: SceneOptions = { status: rolling(atTen(5)), ...serving(10) };

describe("the status", () => {
  it("has no result for a revision that is not decided, and one as soon as it is", () => {
    expect(statusOf(holding).targets).toEqual([{ kind: "Deployment", name: "web", generation: 1, revision: "b" }]);
    expect(statusOf({}).targets?.[0]?.result).toBe("Succeeded");
    const rolledBack = { status: { ...rested, failed }, see: { target: workload("b", { replicas: 0 }) } };
    expect(statusOf(rolledBack).targets?.[0]).toMatchObject({ revision: "b", result: "Failed" });
    expect(statusOf({ see: { target: workload("c", { replicas: 0 }) } }).targets?.[0]?.result).toBeUndefined();
  });

  it("keeps the newest ten ends, the newest first", () => {
    const entry = (index: number): HistoryEntry => ({
      ...failed,
      outcome: "Failed",
      startedAt: ago(9),
      finishedAt: ago(9),
      weight: 0,
      revision: `r${index}`,
    });
    const history = Array.from({ length: 10 }, (_, index) => entry(index));
    const withdrawal = { outcome: "Failed", rule: "failOnChecks", message: "bad" } as const;
    const status = statusOf({ status: { ...rolling({ withdrawal }), history }, ...serving(0) });
    expect(status.history).toHaveLength(10);
    expect(status.history?.[0]).toMatchObject({ revision: "b", outcome: "Failed", why: { rule: "failOnChecks" } });
    expect(status.history?.at(-1)?.revision).toBe("r8");
  });

  it("says step, weight and why", () => {
    expect(statusOf(holding)).toMatchObject({
      phase: "Progressing",
      step: "1/3",
      weight: 10,
      why: { rule: "holdWeight", message: "step 1/3: holding weight 10 for 30s" },
    });
  });

  it("is not written again while nothing changes", () => {
    const status = statusOf({});
    expect(sameStatus(statusOf({ status }), status)).toBe(true);
    const held = statusOf(holding);
    expect(sameStatus(statusOf({ ...holding, status: held }), held)).toBe(true);
  });

  it("is the same whatever the order of its keys", () => {
    expect(sameStatus({ weight: 0, phase: "Idle" }, { phase: "Idle", weight: 0 })).toBe(true);
    expect(sameStatus({ weight: 0, phase: "Idle" }, { phase: "Idle", weight: 1 })).toBe(false);
  });

  it("cuts sentences of others to what the schema allows", () => {
    const problem = { reason: "X", message: "x".repeat(3_000), hint: "y", blocksTraffic: false };
    expect(statusOf({ see: { problem } }).why?.message).toHaveLength(1_024);
  });
});

describe("an event", () => {
  const news = (options: SceneOptions): string => {
    const observation = scene(options);
    return newsOf(observation.canary.status, decide(observation));
  };
  it.each<readonly [string, SceneOptions, string]>([
    ["a new revision", { see: { target: workload("b", { replicas: 0 }) } }, "event"],
    ["a new weight", { status: rolling({ podsReadySince: ago(9) }), ...serving(0) }, "event"],
    ["a hold", holding, "log"],
    ["the same hold", { ...holding, status: statusOf(holding) }, "nothing"],
    ["rest", { status: statusOf({}) }, "nothing"],
    ["a problem", { see: { problem: { reason: "X", message: "x", hint: "y", blocksTraffic: false } } }, "event"],
  ])("tells of what a person cares about: %s", (_name, options, expected) => {
    expect(news(options)).toBe(expected);
  });
});

describe("what can wait in a status", () => {
  const ready = statusOf({});
  const begun = statusOf({ status: ready, see: { target: workload("b", { replicas: 0 }) } });
  it.each<[string, ReturnType<typeof whatCanWait>, CanaryStatus | undefined, CanaryStatus]>([
    ["another sentence", "words", ready, { ...ready, why: { rule: "rest", message: "b is promoted" } }],
    ["a rollout that has begun", "beginning", ready, begun],
    ["pods on their way", "words", begun, { ...begun, why: { rule: "waitForCanary", message: "0 of 1 pods" } }],
    ["another generation of the Canary", undefined, ready, { ...ready, observedGeneration: 7 }],
    ["the first weight", undefined, begun, statusOf({ status: rolling(atTen(0)), ...serving(10) })],
    ["what failed", undefined, ready, { ...ready, failed }],
    ["the first status of all", undefined, undefined, ready],
    [
      "another phase of a rollout with traffic",
      undefined,
      statusOf(holding),
      { ...statusOf(holding), phase: "Paused" },
    ],
  ])("%s: %s", (_what, expected, stored, next) => {
    expect(whatCanWait(stored, next)).toBe(expected);
  });
});
