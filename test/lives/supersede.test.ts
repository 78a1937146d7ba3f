import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import { NAMESPACE } from "./life.ts";
import { adopted, good, outcomes, rulesOf, underWay, watchLives } from "./lives.ts";

watchLives();

const target = { namespace: NAMESPACE, name: "web" };

describe("a new revision in the middle of a rollout", () => {
  it("starts over: weight 0, drained, then its pods, from the first step", async () => {
    const life = await underWay({}, 50);
    await life.release("3");
    await life.until("promotion of 3", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:3 Succeeded", "example/web:2 Superseded"]);
    const rules = rulesOf(life);
    const from = rules.indexOf("restartOnNewRevision");
    expect(rules.slice(from, from + 7)).toEqual([
      "restartOnNewRevision",
      "withdrawTraffic",
      "drainWithdrawn",
      "finishWithdrawal",
      "waitForCanary",
      "waitUntilReachable",
      "shiftTraffic",
    ]);
    expect(life.timeline.filter((line) => line.includes("w=10 shiftTraffic"))).toHaveLength(2);
  });

  it("reaches no user while the controller is down", async () => {
    const life = await underWay();
    // Nothing of the controller runs while Git changes the target and a pod of the canary dies.
    await life.kube.mergePatch(kinds.canary, target, { spec: { suspend: true } });
    await life.release("3");
    await life.pass(60_000);
    expect(life.weights()["web-canary"]).toBe(10);
    await life.patchCanary({ suspend: false });
    await life.until("promotion of 3", ({ phase }) => phase === "Succeeded");
  });

  it("is thawed by nobody else for long", async () => {
    const life = await underWay();
    await life.kube.mergePatch(kinds.deployment, target, { spec: { paused: null } });
    await life.pass(1_000);
    expect(life.deployment("web")?.spec.paused).toBe(true);
    expect(rulesOf(life)).toContain("keepFrozen");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("that goes back to the promoted one ends the rollout without analysis", async () => {
    const life = await underWay();
    await life.release("1");
    await life.until("rest", ({ phase }) => phase === "Idle");
    expect(outcomes(life)).toEqual(["example/web:2 Reverted"]);
    expect(life.status().targets?.[0]?.result).toBe("Succeeded");
    expect(life.deployment("web")?.spec).toMatchObject({ replicas: 0 });
  });

  it("that goes back while the canary is withdrawn for a newer one ends it too", async () => {
    const life = await underWay();
    await life.release("3");
    await life.pass(1_000);
    await life.release("1");
    await life.until("rest", ({ phase }) => phase === "Idle");
    expect(outcomes(life)).toEqual(["example/web:2 Reverted"]);
  });

  it("before the first weight is the same rollout", async () => {
    const life = await adopted();
    for (const version of ["2", "3", "4"]) {
      await life.release(version, { START_DELAY_MS: "1000" });
      await life.pass(500);
    }
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:4 Succeeded"]);
  });

  it("while everything moves to the canary starts over", async () => {
    const life = await underWay();
    await life.until("100 %", ({ weight }) => weight === 100);
    await life.release("3");
    await life.until("promotion of 3", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:3 Succeeded", "example/web:2 Superseded"]);
  });

  it("after the primary has changed waits until the promotion has ended", async () => {
    const life = await underWay();
    await life.until("the primary's change", ({ why }) => why?.rule === "updatePrimary");
    await life.release("3");
    await life.until("promotion of 3", ({ history }) => history?.length === 2);
    expect(outcomes(life)).toEqual(["example/web:3 Succeeded", "example/web:2 Succeeded"]);
  });

  it("that is only a restart goes on, and ends with the restart in the primary", async () => {
    const life = await underWay({ spec: { progressDeadlineSeconds: 20 } });
    const annotations = { "kubectl.kubernetes.io/restartedAt": "2026-01-01T00:05:00Z" };
    await life.kube.mergePatch(kinds.deployment, target, { spec: { template: { metadata: { annotations } } } });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    expect(life.deployment("web-primary")?.spec.template.metadata?.annotations).toMatchObject(annotations);
  });
});

describe("a suspended canary", () => {
  it("keeps its weight, and goes on later", async () => {
    const life = await underWay();
    await life.patchCanary({ suspend: true });
    await life.pass(3_600_000);
    expect(life.status()).toMatchObject({ phase: "Paused", weight: 10 });
    await life.patchCanary({ suspend: false });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("does not fail for pods that were awaited when it was suspended and have long been ready", async () => {
    const life = await adopted({ spec: { progressDeadlineSeconds: 60 } });
    await life.release("2", { START_DELAY_MS: "5000" });
    await life.until("the wait", ({ why }) => why?.rule === "waitForCanary");
    await life.patchCanary({ suspend: true });
    await life.pass(3_600_000);
    await life.patchCanary({ suspend: false });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("starts no rollout, and says that one waits", async () => {
    const life = await adopted({ spec: {} });
    await life.patchCanary({ suspend: true });
    await life.release("2");
    await life.pass(60_000);
    expect(life.status().phase).toBe("Paused");
    expect(life.status().targets?.[0]?.result).toBeUndefined();
    expect(life.deployment("web")?.spec.replicas).toBe(0);
    life.ask = good;
    await life.patchCanary({ suspend: false });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });
});
