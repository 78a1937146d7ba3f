import { describe, expect, it } from "vitest";
import { adopted, bad, born, conditionOf, empty, good, outcomes, underWay, unreachable, watchLives } from "./lives.ts";
import { withAnalysis } from "./manifests.ts";

watchLives();

describe("a Prometheus that does not answer", () => {
  it("holds a rollout for as long as it is away, and never rolls it back", async () => {
    const life = await underWay({ ask: unreachable });
    await life.until("the question to a person", ({ phase }) => phase === "Paused");
    expect(conditionOf(life, "Reconciling")).toMatchObject({ reason: "MetricsUnavailable" });
    expect(life.status().why?.message).toContain("connection refused");
    await life.pass(600_000);
    expect(life.status()).toMatchObject({ phase: "Paused", weight: 10 });
    life.ask = good;
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
  });

  it("is asked no more often for that", async () => {
    let asked = 0;
    const life = await underWay({ ask: () => (asked++, unreachable()) });
    const before = asked;
    await life.pass(600_000);
    expect(asked - before).toBeLessThanOrEqual(61);
    expect(asked - before).toBeGreaterThan(50);
  });

  it.each(["Promote", "Rollback"])("is no reason to act, even with onUndecided %s", async (onUndecided) => {
    const life = await underWay({ ask: unreachable, spec: withAnalysis({ onUndecided, undecidedAfter: "30s" }) });
    await life.pass(600_000);
    expect(life.status()).toMatchObject({ phase: "Paused", weight: 10 });
  });
});

describe("a canary that nobody calls", () => {
  it.each([
    { onUndecided: "Pause", end: { phase: "Paused", weight: 10 } },
    { onUndecided: "Promote", end: { phase: "Succeeded" } },
    { onUndecided: "Rollback", end: { phase: "Failed" } },
  ])("has no data: $onUndecided", async ({ onUndecided, end }) => {
    const life = await underWay({ ask: empty, spec: withAnalysis({ onUndecided, undecidedAfter: "30s" }) });
    await life.pass(300_000);
    expect(life.status()).toMatchObject(end);
    expect(life.status().checks?.[0]).toMatchObject({ verdict: "NoData", failures: 0 });
  });

  it("and is asked about goes on as soon as there is data", async () => {
    const life = await underWay({ ask: empty, spec: withAnalysis({ undecidedAfter: "10s" }) });
    await life.until("the question", ({ phase }) => phase === "Paused");
    life.ask = good;
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });
});

describe("a wrong query", () => {
  it("is refused before anything is adopted, with the place", async () => {
    const life = await born({ spec: withAnalysis({}, { query: "sum(rate(requests[1m])" }) });
    await life.until("the sentence", () => conditionOf(life, "Stalled") !== undefined);
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: "InvalidQuery" });
    expect(conditionOf(life, "Stalled")?.message).toMatch(/check success: line 1, column \d+/);
    expect(life.deployment("web-primary")).toBeUndefined();
    await life.patchCanary(withAnalysis({}));
    await life.until("adoption", ({ phase }) => phase === "Idle");
  });

  it("that only Prometheus refuses holds the rollout and names the check", async () => {
    const life = await underWay({ ask: () => ({ kind: "badQuery", message: "1:5: unknown function" }) });
    await life.until("the sentence", () => conditionOf(life, "Stalled") !== undefined);
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: "InvalidQuery" });
    expect(conditionOf(life, "Stalled")?.message).toContain("1:5: unknown function");
    expect(conditionOf(life, "Stalled")?.message).toContain("spec.analysis.checks[success]");
    await life.pass(600_000);
    expect(life.status().weight).toBe(10);
    life.ask = good;
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });
});

describe("readings", () => {
  it("of an earlier weight do not count at the next one", async () => {
    const life = await underWay();
    const checks = life.status().checks ?? [];
    await life.until(
      "the next weight",
      ({ rollout }) => rollout?.weight === 50 && rollout.effectiveSince !== undefined,
    );
    life.ask = unreachable;
    await life.pass(120_000);
    expect(life.status()).toMatchObject({ weight: 50 });
    expect(checks).toHaveLength(2);
  });

  it("wait for minDuration after the last step", async () => {
    const life = await underWay({ spec: withAnalysis({ minDuration: "5m" }) });
    const since = life.clock.now();
    await life.until("promotion", ({ phase }) => phase === "Promoting");
    expect(life.clock.now() - since).toBeGreaterThanOrEqual(299_000);
  });

  it("in the wait for minDuration still roll back", async () => {
    const life = await underWay({ spec: withAnalysis({ minDuration: "5m" }) });
    await life.until("the wait", ({ why }) => why?.rule === "waitForMinDuration");
    life.ask = bad;
    await life.until("roll back", ({ phase }) => phase === "Failed");
  });

  it("are not needed when the Canary says so", async () => {
    const life = await adopted({ spec: { analysis: { unjudged: true } } });
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });
});

describe("a query that looks back", () => {
  it("is not asked about a release before its window is all of that release", async () => {
    const asked: number[] = [];
    const life = await adopted({ spec: withAnalysis({}, { query: "rate(success[45s])" }) });
    life.ask = () => {
      asked.push(life.clock.now());
      return { kind: "value", value: 1 };
    };
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    const first = Date.parse(life.status().history?.[0]?.startedAt ?? "");
    expect((asked[0] ?? 0) - first).toBeGreaterThanOrEqual(45_000);
    // Later weights are those of the same release: their first reading comes one interval after they are in effect.
    const gaps = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(45_000);
  });
});
