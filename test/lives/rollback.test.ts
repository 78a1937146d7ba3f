import { describe, expect, it } from "vitest";
import { adopted, bad, conditionOf, good, outcomes, rolledBack, underWay, watchLives } from "./lives.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { NAMESPACE, oneCheck, withAnalysis, withSteps } from "./manifests.ts";

watchLives();

function series(...values: number[]): () => { kind: "value"; value: number } {
  let asked = 0;
  return () => ({ kind: "value", value: values[Math.min(asked++, values.length - 1)] ?? 1 });
}

describe("a bad release", () => {
  it("is rolled back, and says why everywhere", async () => {
    const life = await rolledBack();
    const sentence = "check success failed: 0.5 is below min 0.99 (2 failed readings, 1 tolerated)";
    expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    expect(life.status().why?.message).toBe(sentence);
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: "RolledBack", message: sentence });
    expect(life.status().failed).toMatchObject({ images: ["example/web:2"], why: { rule: "failOnChecks" } });
    expect(life.status().targets?.[0]?.result).toBe("Failed");
    expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
    expect(life.status().history?.[0]?.weight).toBe(10);
    expect(life.deployment("web")?.spec).toMatchObject({ replicas: 0 });
    expect(life.events()).toContain("Warning FailOnChecks");
  });

  it.each([
    { name: "above max", check: { min: undefined, max: 1, failureLimit: 0 }, values: [2], outcome: "Failed" },
    { name: "at the bounds", check: { min: 1, max: 1, failureLimit: 0 }, values: [1], outcome: "Succeeded" },
    { name: "once below min, tolerated", check: { min: 1, failureLimit: 1 }, values: [0, 1], outcome: "Succeeded" },
    { name: "too often below min", check: { min: 1, failureLimit: 1 }, values: [0, 1, 0], outcome: "Failed" },
    {
      name: "too often in a row",
      check: { min: 1, failureLimit: 9, consecutiveFailureLimit: 1 },
      values: [1, 0, 0, 1],
      outcome: "Failed",
    },
    {
      name: "often, but never in a row",
      check: { min: 1, failureLimit: 9, consecutiveFailureLimit: 1 },
      values: [0, 1, 0, 1, 0, 1],
      outcome: "Succeeded",
    },
  ])("is judged by its readings: $name", async ({ check, values, outcome }) => {
    const life = await adopted({
      spec: { ...withAnalysis({}, check), ...withSteps([{ weight: 10, hold: "55s" }]) },
      ask: series(...values),
    });
    await life.release("2");
    await life.until("an end", ({ history }) => history !== undefined);
    expect(outcomes(life)).toEqual([`example/web:2 ${outcome}`]);
  });

  it("is not tried again by itself, and asks nothing of the API server", async () => {
    const life = await rolledBack();
    // Events come last.
    await life.pass(5_000);
    const before = life.traffic.requests;
    await life.pass(600_000);
    expect(life.traffic.requests - before).toBe(0);
    expect(life.status().phase).toBe("Failed");
  });

  it("is tried again on request", async () => {
    const life = await rolledBack();
    life.ask = good;
    expect(await life.act("Retry")).toMatch(/^Applied: revision \w+ is tried again$/);
    expect(life.status().targets?.[0]?.result).toBeUndefined();
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded", "example/web:2 Failed"]);
  });

  it("is followed by the next change of the target", async () => {
    const life = await rolledBack();
    life.ask = good;
    await life.release("3");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:3 Succeeded", "example/web:2 Failed"]);
    expect(life.status().failed).toBeUndefined();
  });

  it("is over when Git goes back to what is promoted", async () => {
    const life = await rolledBack();
    await life.release("1");
    await life.until("rest", ({ phase }) => phase === "Idle");
    expect(conditionOf(life, "Ready")?.status).toBe("True");
    expect(life.status().failed).toBeUndefined();
    expect(life.status().targets?.[0]?.result).toBe("Succeeded");
    expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
  });

  it("that gets bad during promotion is rolled back as long as the primary is untouched", async () => {
    const life = await underWay();
    await life.until("100 %", ({ weight }) => weight === 100);
    // Readings go on while the primary is drained, but the promotion is short: the next release would be too late.
    life.ask = bad;
    expect(await life.act("Abort")).toMatch(/^Applied/);
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.status().promoted?.images).toEqual(["example/web:1"]);
    expect(life.status().history?.[0]?.weight).toBe(100);
  });

  it("keeps a history of ten", async () => {
    const life = await rolledBack();
    for (let version = 3; version < 14; version++) {
      await life.release(String(version));
      const image = `example/web:${version}`;
      await life.until("roll back", ({ phase, failed }) => phase === "Failed" && failed?.images?.[0] === image);
    }
    expect(life.status().history).toHaveLength(10);
    expect(outcomes(life)[0]).toBe("example/web:13 Failed");
  });
});

describe("a canary that fails", () => {
  it("is rolled back although somebody has just made a mistake in the Canary", async () => {
    const life = await underWay();
    const missing = { name: "other", threshold: { query: "up", max: 1, providerRef: { name: "nobody" } } };
    await life.patchCanary({ analysis: { interval: "10s", checks: [{ ...oneCheck }, missing] } });
    await life.until("the mistake", () => conditionOf(life, "Stalled")?.reason === "NoMetricProvider");
    life.ask = bad;
    await life.until("rollback", ({ phase }) => phase === "Failed");
    expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
  });

  it("is rolled back by an Abort whose reason fills the whole field", async () => {
    const life = await underWay();
    const reason = "x".repeat(1_024);
    expect(await life.act("Abort", { reason, requestedBy: "alice" })).toContain("Applied");
    await life.until("rollback", ({ phase }) => phase === "Failed");
    expect(life.status().failed?.why.message).toHaveLength(1_024);
  });

  it("is told although its release annotation is longer than the status holds", async () => {
    const life = await underWay();
    const annotations = { "aviary.dev/release": "r".repeat(400) };
    await life.kube.mergePatch(kinds.deployment, { namespace: NAMESPACE, name: "web" }, { metadata: { annotations } });
    life.ask = bad;
    await life.until("rollback", ({ phase }) => phase === "Failed");
    expect(life.status().targets?.[0]).toMatchObject({ result: "Failed" });
    expect(life.status().target?.release).toHaveLength(256);
  });
});
