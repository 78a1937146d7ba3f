import { describe, expect, it } from "vitest";
import { KubeError } from "../../src/kube/errors.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { Life } from "./life.ts";
import { NAMESPACE } from "./life.ts";
import { aRoute, backend } from "./manifests.ts";
import { adopted, bad, conditionOf, outcomes, rulesOf, watchLives } from "./lives.ts";

watchLives();

const target = { namespace: NAMESPACE, name: "web" };
const spec = { progressDeadlineSeconds: 60 };
const unready = { UNREADY_IN: "web-primary" };

/** A life whose release 2 was judged good, and whose primary does not get ready with it. */
async function stuck(): Promise<Life> {
  const life = await adopted({ spec });
  await life.release("2", unready);
  await life.until("the stall", () => conditionOf(life, "Stalled")?.reason === "PrimaryNotReady");
  return life;
}

describe("a primary that does not get ready with the promoted revision", () => {
  it("leaves everyone on the canary, for as long as it takes, and says why and what to do", async () => {
    const life = await stuck();
    await life.pass(3_600_000);
    expect(life.status()).toMatchObject({ phase: "Promoting", weight: 100 });
    expect(life.status().promoted?.images).toEqual(["example/web:1"]);
    expect(conditionOf(life, "Stalled")?.message).toMatch(
      /^pod web-primary-\S+: container web is running but not ready; Aviary goes on by itself .* release a fix.* or create a CanaryAction Abort: either puts revision \w+ back/,
    );
    expect(conditionOf(life, "Reconciling")).toBeUndefined();
    expect(life.deployment("web")?.spec.paused).toBe(true);
  });

  it("takes up a fix like any revision, once the version before serves again", async () => {
    const life = await stuck();
    await life.release("3");
    await life.until("promotion of 3", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:3 Succeeded", "example/web:2 Superseded"]);
    expect(life.status().promoted?.images).toEqual(["example/web:3"]);
    const rules = rulesOf(life);
    const from = rules.indexOf("restartOnNewRevision");
    expect(rules.slice(from, from + 8)).toEqual([
      "restartOnNewRevision",
      "restorePrimary",
      "waitForRestoredPrimary",
      "withdrawTraffic",
      "drainWithdrawn",
      "finishWithdrawal",
      "waitForCanary",
      "waitUntilReachable",
    ]);
    expect(life.timeline.filter((line) => line.includes("w=10 shiftTraffic"))).toHaveLength(2);
  });

  it("takes up a fix that came before the deadline", async () => {
    const life = await adopted({ spec });
    await life.release("2", unready);
    await life.until(
      "the primary's change",
      ({ why }) => why?.rule === "updatePrimary" || why?.rule === "waitForPrimary",
    );
    await life.release("3");
    await life.until("promotion of 3", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:3 Succeeded", "example/web:2 Superseded"]);
  });

  it("takes a bad fix back, too, to the version before", async () => {
    const life = await stuck();
    life.ask = bad;
    await life.release("3");
    await life.until("roll back of 3", ({ phase }) => phase === "Failed");
    expect(outcomes(life)).toEqual(["example/web:3 Failed", "example/web:2 Superseded"]);
    expect(life.status().promoted?.images).toEqual(["example/web:1"]);
    expect(life.deployment("web-primary")?.spec.template.spec.containers[0]?.image).toBe("example/web:1");
  });

  it("gives the version before back when the target goes back to it", async () => {
    const life = await stuck();
    await life.release("1");
    await life.until("rest", ({ phase }) => phase === "Idle");
    expect(outcomes(life)).toEqual(["example/web:2 Reverted"]);
    expect(life.deployment("web-primary")?.spec.template.spec.containers[0]?.image).toBe("example/web:1");
    expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
  });

  it("gives the version before back to who aborts", async () => {
    const life = await stuck();
    expect(await life.act("Abort", { requestedBy: "ann" })).toBe("Applied: aborted by ann");
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
    expect(life.status().promoted?.images).toEqual(["example/web:1"]);
    expect(life.deployment("web")?.spec).toMatchObject({ replicas: 0 });
    expect(life.deployment("web-primary")?.spec.template.spec.containers[0]?.image).toBe("example/web:1");
    // What the primary had before was noted there, and is gone with it.
    expect(Object.keys(life.deployment("web-primary")?.metadata.annotations ?? {})).not.toContain("aviary.dev/before");
    await life.pass(600_000);
    expect(life.status().phase).toBe("Failed");
  });

  it("holds on the canary when the version before does not get ready either, and says so", async () => {
    const life = await stuck();
    // Whoever else it was: the pods of the version before are gone, and no node takes new ones.
    const env = [
      { name: "VERSION", value: "1" },
      { name: "UNREADY_IN", value: "web-primary" },
    ];
    const noted = JSON.parse(life.deployment("web-primary")?.metadata.annotations?.["aviary.dev/before"] ?? "{}") as {
      template: { spec: { containers: { env: unknown }[] } };
    };
    const [container] = noted.template.spec.containers;
    if (container !== undefined) container.env = env;
    const annotations = { "aviary.dev/before": JSON.stringify(noted) };
    await life.kube.mergePatch(kinds.deployment, { ...target, name: "web-primary" }, { metadata: { annotations } });
    expect(await life.act("Abort")).toBe("Applied: aborted");
    await life.until("the stall", ({ phase }) => phase === "RollingBack" && conditionOf(life, "Stalled") !== undefined);
    await life.pass(600_000);
    expect(life.weights()).toEqual({ "web-primary": 0, "web-canary": 100 });
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: "PrimaryNotReady" });
  });

  it.each(["the note of the version before", "the primary"])(
    "leaves everyone on the canary when somebody removes %s in the middle, and takes what the target is put back to",
    async (what) => {
      const life = await stuck();
      const primary = { ...target, name: "web-primary" };
      life.fault = ({ verb, kind }) => {
        if (verb === "apply" && kind === kinds.deployment)
          throw new KubeError({ reason: "Unavailable", status: 503, message: "not now" });
      };
      expect(await life.act("Abort")).toBe("Applied: aborted");
      const annotations = { "aviary.dev/before": null };
      if (what === "the primary") await life.kube.delete(kinds.deployment, primary);
      else await life.kube.mergePatch(kinds.deployment, primary, { metadata: { annotations } });
      life.fault = undefined;
      await life.pass(600_000);
      expect(conditionOf(life, "Stalled")).toMatchObject({
        reason: what === "the primary" ? "PrimaryMissing" : "VersionBeforeLost",
        message: expect.stringMatching(/; put the target back to (that )?revision/) as string,
      });
      expect(life.weights()).toEqual({ "web-primary": 0, "web-canary": 100 });
      expect(life.deployment("web")?.spec).toMatchObject({ replicas: 3, paused: true });
      await life.release("1");
      await life.until("rest", ({ phase }) => phase === "Idle");
      // Clients of the Service itself have lost the primary's pods to whoever deleted them.
      if (what === "the primary") life.outages.length = 0;
      expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
      expect(life.deployment("web-primary")?.spec.template.spec.containers[0]?.image).toBe("example/web:1");
      expect(life.status().promoted?.images).toEqual(["example/web:1"]);
    },
  );

  it("gives the canary its pods back when somebody takes them away meanwhile", async () => {
    const life = await stuck();
    await life.kube.mergePatch(kinds.deployment, target, { spec: { replicas: 1 } });
    await life.pass(5_000);
    expect(life.deployment("web")?.spec.replicas).toBe(3);
    expect(life.weights()).toEqual({ "web-primary": 0, "web-canary": 100 });
  });

  it("keeps the only good pods while their route is gone, though it was to be taken back", async () => {
    const life = await stuck();
    await life.kube.delete(kinds.httpRoute, target);
    expect(await life.act("Abort")).toBe("Applied: aborted");
    await life.pass(60_000);
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: "RouteNotFound" });
    expect(life.deployment("web")?.spec).toMatchObject({ replicas: 3, paused: true });
    await life.kube.create(kinds.httpRoute, aRoute([backend("web-primary", 0), backend("web-canary", 100)]));
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.deployment("web-primary")?.spec.template.spec.containers[0]?.image).toBe("example/web:1");
  });

  it("freezes the only good pods again when somebody thaws them, although a fix waits", async () => {
    const life = await adopted({ spec });
    await life.release("2", unready);
    await life.until(
      "the primary's change",
      ({ why }) => why?.rule === "updatePrimary" || why?.rule === "waitForPrimary",
    );
    await life.kube.mergePatch(kinds.deployment, target, { spec: { paused: null } });
    await life.pass(100);
    expect(life.deployment("web")?.spec.paused).toBe(true);
    expect(rulesOf(life)).toContain("keepFrozen");
  });

  it("is told that there is no way back when nobody noted the version before", async () => {
    const life = await stuck();
    const annotations = { "aviary.dev/before": "not ours" };
    await life.kube.mergePatch(kinds.deployment, { ...target, name: "web-primary" }, { metadata: { annotations } });
    expect(await life.act("Abort")).toMatch(/^Refused: .*the version before it was not noted there/);
    await life.release("3");
    await life.pass(60_000);
    expect(life.status()).toMatchObject({ phase: "Promoting", weight: 100 });
  });
});

describe("an Abort while the primary changes", () => {
  it("puts the version before back before anybody is sent there", async () => {
    const life = await adopted();
    await life.release("2", { START_DELAY_MS: "8000" });
    await life.until(
      "the primary's change",
      ({ why }) => why?.rule === "updatePrimary" || why?.rule === "waitForPrimary",
    );
    expect(await life.act("Abort")).toBe("Applied: aborted");
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.status().promoted?.images).toEqual(["example/web:1"]);
    expect(life.status().history?.[0]).toMatchObject({ outcome: "Failed", weight: 100 });
  });

  it("takes everyone back to the canary first when the traffic was returning", async () => {
    const canary = { steps: [{ weight: 10, hold: "10s" }], returnSteps: [{ weight: 50, hold: "10m" }] };
    const life = await adopted({ spec: { strategy: { canary } } });
    await life.release("2");
    await life.until("the return", ({ phase, weight }) => phase === "Promoting" && weight === 50);
    expect(await life.act("Abort")).toBe("Applied: aborted");
    await life.until("everyone on the canary", ({ weight }) => weight === 100);
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.deployment("web-primary")?.spec.template.spec.containers[0]?.image).toBe("example/web:1");
    expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
  });

  it("leaves nobody on a canary that cannot carry everyone: it asks for its pods, and tells a person when they are late", async () => {
    const canary = { steps: [{ weight: 10, hold: "10s" }], returnSteps: [{ weight: 50, hold: "1h" }] };
    const life = await adopted({ spec: { strategy: { canary }, progressDeadlineSeconds: 120 } });
    await life.release("2", { START_DELAY_MS: "90000" });
    await life.until("the return", ({ phase, weight }) => phase === "Promoting" && weight === 50);
    await life.patchCanary({ progressDeadlineSeconds: 30 });
    await life.kube.mergePatch(kinds.deployment, target, { spec: { replicas: 1 } });
    await life.pass(1_000);
    expect(await life.act("Abort")).toBe("Applied: aborted");
    await life.until("the stall", () => conditionOf(life, "Stalled")?.reason === "CanaryNotReady", 40_000);
    expect(conditionOf(life, "Stalled")?.message).toMatch(
      /^1 of 3 canary pods ready \(.+\)\. Nobody leaves the primary/,
    );
    expect(life.weights()).toEqual({ "web-primary": 50, "web-canary": 50 });
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.deployment("web-primary")?.spec.template.spec.containers[0]?.image).toBe("example/web:1");
  });

  it("finds the judged pods again when all traffic has returned already, although a fix waits", async () => {
    const traffic = { settle: "500ms", drain: "1m", gatewayAPI: { routeRefs: [{ name: "web" }] } };
    const life = await adopted({ spec: { traffic } });
    await life.release("2");
    await life.until("the drain", ({ why, weight }) => why?.rule === "drainCanary" && weight === 0);
    await life.release("3");
    await life.pass(1_000);
    expect(await life.act("Abort")).toBe("Applied: aborted");
    await life.until("the end of 2", () => outcomes(life).includes("example/web:2 Failed"));
    await life.until("promotion of 3", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:3 Succeeded", "example/web:2 Failed"]);
  });
});
