import { describe, expect, it } from "vitest";
import { KubeError } from "../../src/kube/errors.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { Pod } from "../../src/kube/objects.ts";
import { NAMESPACE } from "./life.ts";
import type { Life } from "./life.ts";
import { adopted, bad, conditionOf, good, outcomes, rulesOf, underWay, unreachable, watchLives } from "./lives.ts";
import { aCanary, withSteps } from "./manifests.ts";
import { all } from "./watchman.ts";

watchLives();

const target = { namespace: NAMESPACE, name: "web" };
const slow = withSteps([
  { weight: 10, hold: "5m" },
  { weight: 50, hold: "5m" },
]);

/** Where a rollout may be when something happens. */
const moments = ["waitForCanary", "shiftTraffic", "holdWeight", "drainPrimary", "waitForPrimary", "returnTraffic"];

async function untilRule(life: Life, rule: string): Promise<void> {
  await life.until(rule, ({ why }) => why?.rule === rule);
}

describe("Prometheus is down for ten minutes", () => {
  it("in the middle of a step: the weight is held, nothing is rolled back, and it goes on by itself", async () => {
    const life = await underWay();
    life.ask = unreachable;
    await life.pass(600_000);
    expect(life.status()).toMatchObject({ phase: "Paused", weight: 10 });
    expect(life.status().why?.message).toBe("step 1/2 is held: check success: no answer: connection refused");
    expect(conditionOf(life, "Reconciling")).toMatchObject({ reason: "MetricsUnavailable" });
    life.ask = good;
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("does not keep a canary that turned bad meanwhile", async () => {
    const life = await underWay();
    life.ask = unreachable;
    await life.pass(600_000);
    life.ask = bad;
    await life.until("roll back", ({ phase }) => phase === "Failed");
  });
});

describe("the API server is down for two minutes", () => {
  it.each(moments)("at %s: the rollout goes on where it was", async (rule) => {
    const life = await adopted();
    await life.release("2", { START_DELAY_MS: "3000" });
    await untilRule(life, rule);
    life.stopApi();
    await life.pass(120_000);
    life.startApi();
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    life.errors.length = 0;
  });

  it("is no reason to miss that the canary is bad: it is taken back as soon as that can be written", async () => {
    const life = await underWay({ spec: slow });
    life.stopApi();
    life.ask = bad;
    await life.pass(120_000);
    expect(life.weights()["web-canary"]).toBe(10);
    life.startApi();
    await life.until("weight 0", () => life.weights()["web-canary"] === 0, 60_000);
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.status().why?.message).toMatch(/^check success failed: 0.5 is below min 0.99/);
    life.errors.length = 0;
  });

  it("loses the lease of the leader too: the next one goes on, also after what Git applied meanwhile", async () => {
    const life = await underWay();
    life.stopApi();
    await life.pass(60_000);
    await life.release("3");
    await life.pass(60_000);
    life.startApi();
    await life.restart();
    await life.until("promotion of 3", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:3 Succeeded", "example/web:2 Superseded"]);
    life.errors.length = 0;
  });
});

describe("a webhook of somebody else's does not answer", () => {
  it("is told when a bad canary cannot be taken back for it, and taken back as soon as that can be written", async () => {
    const life = await underWay({ spec: slow });
    life.fault = ({ verb, kind }) => {
      if (verb !== "jsonPatch" || kind !== kinds.httpRoute) return;
      throw new KubeError({
        reason: "Unavailable",
        status: 500,
        message: 'failed calling webhook "routes.example.com"',
      });
    };
    life.ask = bad;
    await life.until("the stall", () => conditionOf(life, "Stalled")?.reason === "WriteRefused", 120_000);
    expect(conditionOf(life, "Stalled")?.message).toContain('failed calling webhook "routes.example.com"');
    life.fault = undefined;
    await life.until("roll back", ({ phase }) => phase === "Failed");
    life.errors.length = 0;
  });
});

describe("the clock of the controller's machine is set", () => {
  const hour = 3_600_000;

  it.each([hour, -hour, 90_000, -90_000])("by %i ms in a hold: it lasts as long as it should", async (by) => {
    const life = await underWay({ spec: slow });
    const since = life.clock.now();
    await life.pass(60_000);
    life.setTime(by);
    await life.until("the next step", ({ step }) => step === "2/2", 2 * hour);
    expect(life.clock.now() - since).toBeGreaterThanOrEqual(270_000);
    expect(life.clock.now() - since).toBeLessThanOrEqual(340_000);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(life.errors).toEqual([]);
  });

  it("forward while pods are awaited: they keep their time, and nothing fails for it", async () => {
    const life = await adopted({ spec: { progressDeadlineSeconds: 60 } });
    await life.release("2", { START_DELAY_MS: "20000" });
    await untilRule(life, "waitForCanary");
    life.setTime(hour);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
  });

  it.each([hour, -hour])("by %i ms: a bad canary is found out as fast as ever", async (by) => {
    const life = await underWay({ spec: slow });
    await life.pass(30_000);
    life.setTime(by);
    life.ask = bad;
    const since = life.clock.now();
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.clock.now() - since).toBeLessThanOrEqual(45_000);
  });

  it("back before a restart, so that what is remembered is still to come: waits begin anew, and no more", async () => {
    const life = await underWay({ spec: slow });
    await life.pass(60_000);
    life.setTime(-hour);
    await life.restart();
    const since = life.clock.now();
    await life.until("the next step", ({ step }) => step === "2/2", 2 * hour);
    expect(life.clock.now() - since).toBeLessThanOrEqual(330_000);
    life.setTime(-hour);
    await life.restart();
    life.ask = bad;
    const turned = life.clock.now();
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.clock.now() - turned).toBeLessThanOrEqual(45_000);
  });

  it("back before a restart in an adoption: it ends all the same", async () => {
    const life = await adopted();
    await life.kube.delete(kinds.canary, target);
    await life.until("the wait", ({ why }) => why?.message.includes("pods are known behind") === true);
    life.setTime(-hour);
    await life.restart();
    await life.pass(120_000);
    expect(life.exists()).toBe(false);
  });
});

describe("all replicas of the controller are paused for ten minutes", () => {
  it.each(moments)("at %s: the rollout goes on where it was", async (rule) => {
    const life = await adopted();
    await life.release("2", { START_DELAY_MS: "3000" });
    await untilRule(life, rule);
    await life.withoutController(600_000);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
  });

  it("reaches no user with what Git applies meanwhile, though pods of the canary die", async () => {
    const life = await underWay();
    await life.release("3");
    await life.withoutController(600_000);
    await life.until("promotion of 3", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:3 Succeeded", "example/web:2 Superseded"]);
  });
});

describe("a full work queue", () => {
  it("delays nobody's rollback for long: 300 Canaries in trouble beside the one that is rolled out", async () => {
    const life = await underWay({ spec: slow });
    const nowhere = { targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "nowhere" } };
    for (let index = 0; index < 300; index++) await life.kube.create(kinds.canary, aCanary(nowhere, `other-${index}`));
    life.ask = bad;
    const since = life.clock.now();
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.clock.now() - since).toBeLessThanOrEqual(45_000);
    expect(life.status("other-299").conditions?.find(({ type }) => type === "Stalled")?.reason).toBe("TargetNotFound");
  });
});

describe("a quota refuses the new pods of the primary", () => {
  it("at promotion: the canary goes on serving everyone, and says why", async () => {
    const life = await underWay({ spec: { progressDeadlineSeconds: 30 } });
    await untilRule(life, "drainPrimary");
    const primary = { namespace: NAMESPACE, name: "web-primary" };
    // As a quota would: the Deployment's controller makes no pod of the new template, and says why.
    await life.kube.mergePatch(kinds.deployment, primary, { spec: { paused: true } });
    const message = 'pods "web-primary-x" is forbidden: exceeded quota: compute';
    const conditions = [{ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message }];
    for (let second = 0; second < 45; second++) {
      await life.kube.mergePatch(kinds.deployment, primary, { status: { conditions } }, { subresource: "status" });
      await life.pass(1_000);
    }
    expect(life.status().why?.message).toBe(
      `the canary goes on serving everyone: the primary does not get ready (FailedCreate: ${message})`,
    );
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: "PrimaryNotReady" });
    expect(life.weights()).toEqual({ "web-primary": 0, "web-canary": 100 });
    await life.kube.mergePatch(kinds.deployment, primary, { spec: { paused: null } });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });
});

describe("pods are evicted", () => {
  /** Users notice until the endpoints have changed, which is nobody's doing. */
  async function evict(life: Life, app: string, count: number): Promise<void> {
    const pods = all<Pod>(life.server, kinds.pod).filter(({ metadata }) => metadata.labels?.["app"] === app);
    const known = life.outages.length;
    for (const { metadata } of pods.slice(0, count)) {
      await life.kube.delete(kinds.pod, { namespace: NAMESPACE, name: metadata.name });
    }
    await life.pass(0);
    life.outages.length = known;
  }

  it("all of the canary's: users go to the primary at once, and come back", async () => {
    const life = await underWay({ spec: slow });
    await evict(life, "web", 9);
    expect(life.weights()["web-canary"]).toBe(0);
    await life.pass(3_000);
    expect(
      life.told().some((note) => note.startsWith("no canary pod is ready: all traffic goes to the primary (")),
    ).toBe(true);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(rulesOf(life)).toContain("protectUsers");
  });

  it("all of the canary's while the primary does not get ready: who answers there is better than nobody", async () => {
    const life = await adopted();
    await life.release("2", { UNREADY_IN: "web-primary", START_DELAY_MS: "20000" });
    await untilRule(life, "waitForPrimary");
    await life.pass(30_000);
    await evict(life, "web", 9);
    expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    await life.until("the canary's pods", ({ weight }) => weight === 100);
    await life.pass(60_000);
    expect(life.status()).toMatchObject({ phase: "Promoting", weight: 100 });
    expect(life.status().promoted?.images).toEqual(["example/web:1"]);
  });

  it("all of the canary's after a kubectl rollout restart: those that come follow that", async () => {
    const life = await underWay({ spec: { ...slow, progressDeadlineSeconds: 60 } });
    const annotations = { "kubectl.kubernetes.io/restartedAt": "2026-01-01T10:00:00Z" };
    await life.kube.mergePatch(kinds.deployment, target, { spec: { template: { metadata: { annotations } } } });
    await life.pass(5_000);
    await evict(life, "web", 9);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("one of the primary's: nothing changes", async () => {
    const life = await underWay({ spec: slow });
    await evict(life, "web-primary", 1);
    await life.pass(5_000);
    expect(life.status()).toMatchObject({ phase: "Progressing", weight: 10 });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });
});
