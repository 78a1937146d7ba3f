import { describe, expect, it } from "vitest";
import { KubeError } from "../../src/kube/errors.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { KubeObject } from "../../src/kube/port.ts";
import { ACTION_RETENTION_MS } from "./controllerProcess.ts";
import { NAMESPACE } from "./life.ts";
import type { Life } from "./life.ts";
import { adopted, bad, conditionOf, outcomes, rolledBack, rulesOf, underWay, watchLives } from "./lives.ts";
import { withSteps } from "./manifests.ts";
import { all } from "./watchman.ts";

watchLives();

const pauseAfterTen = withSteps([{ weight: 10, hold: "10s" }, { pause: {} }, { weight: 50, hold: "10s" }]);

describe("a pause step", () => {
  it("waits for as long as it takes, and goes on when it is approved", async () => {
    const life = await underWay({ spec: pauseAfterTen });
    await life.until("the pause", ({ phase }) => phase === "Paused");
    expect(conditionOf(life, "Reconciling")).toMatchObject({ status: "True", reason: "AwaitingApproval" });
    await life.pass(3_600_000);
    expect(life.status()).toMatchObject({ phase: "Paused", weight: 10, step: "2/3" });
    expect(await life.act("Approve", { requestedBy: "ann", reason: "looks fine" })).toBe(
      "Applied: step 2/3 approved by ann: looks fine",
    );
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("knows the step that is meant, counted from 1", async () => {
    const life = await underWay({ spec: pauseAfterTen });
    await life.until("the pause", ({ phase }) => phase === "Paused");
    expect(await life.act("Approve", { step: 3 })).toBe(
      "Refused: step 3 is not the one that waits; the current one is 2",
    );
    expect(life.status().why?.message).toBe("step 2/3 waits for an approval");
    expect(await life.act("Approve", { step: 2 })).toMatch(/^Applied/);
  });

  it("as the first step keeps everybody on the primary", async () => {
    const life = await adopted({ spec: withSteps([{ pause: {} }, { weight: 50, hold: "10s" }]) });
    await life.release("2");
    await life.until("the pause", ({ phase }) => phase === "Paused");
    expect(life.status().weight).toBe(0);
    await life.act("Approve");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("still rolls back a canary that gets bad meanwhile", async () => {
    const life = await underWay({ spec: pauseAfterTen });
    await life.until("the pause", ({ phase }) => phase === "Paused");
    life.ask = bad;
    await life.until("roll back", ({ phase }) => phase === "Failed");
  });

  it("is not approved by an earlier approval when the list of steps becomes shorter", async () => {
    const steps = [{ pause: {} }, { weight: 10, hold: "10s" }, { pause: {} }, { weight: 50, hold: "10m" }];
    const life = await adopted({ spec: withSteps(steps) });
    await life.release("2");
    await life.until("the first pause", ({ phase, step }) => phase === "Paused" && step === "1/4");
    await life.act("Approve");
    await life.until("the second pause", ({ phase, step }) => phase === "Paused" && step === "3/4");
    await life.act("Approve");
    await life.until("the last step", ({ weight }) => weight === 50);
    await life.patchCanary(withSteps([{ weight: 10, hold: "10s" }, { pause: {} }]));
    await life.until("the pause that is last now", ({ phase, step }) => phase === "Paused" && step === "2/2");
    await life.pass(1_200_000);
    expect(life.status().phase).toBe("Paused");
  });
});

describe("a list of steps that becomes shorter in the middle of a rollout", () => {
  it("does not promote by itself: its last step is held and judged in full", async () => {
    const life = await underWay({ spec: withSteps([10, 20, 30].map((weight) => ({ weight, hold: "10m" }))) });
    await life.until("the last step", ({ step }) => step === "3/3", 3_600_000);
    await life.patchCanary(withSteps([{ weight: 30, hold: "5m" }]));
    const since = life.clock.now();
    await life.until("promotion", ({ phase }) => phase === "Promoting");
    expect(life.clock.now() - since).toBeGreaterThanOrEqual(300_000);
    expect(rulesOf(life)).toContain("followShorterList");
  });
});

describe("two steps of the same weight", () => {
  it("are held one after the other", async () => {
    const life = await underWay({ spec: withSteps([10, 10].map((weight) => ({ weight, hold: "1m" }))) });
    const since = life.clock.now();
    await life.until("promotion", ({ phase }) => phase === "Promoting");
    expect(life.clock.now() - since).toBeGreaterThanOrEqual(118_000);
  });
});

describe("Pause and Resume", () => {
  it("hold a rollout at its weight and let it go on", async () => {
    const life = await underWay();
    expect(await life.act("Pause", { requestedBy: "ann", reason: "lunch" })).toBe("Applied: paused by ann: lunch");
    await life.pass(3_600_000);
    expect(life.status()).toMatchObject({ phase: "Paused", weight: 10 });
    expect(life.status().why?.message).toBe("paused by ann: lunch");
    expect(conditionOf(life, "Reconciling")).toMatchObject({ reason: "PausedByRequest" });
    expect(await life.act("Resume")).toBe("Applied: resumed");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("refuse to resume what nobody paused, and leave the reason as it was", async () => {
    const life = await underWay();
    const before = life.status().why;
    expect(await life.act("Resume")).toBe("Refused: the rollout is not paused by anybody");
    expect(life.status().why).toEqual(before);
  });
});

describe("Promote", () => {
  it("finishes the step, and the next one is judged like any other", async () => {
    const life = await underWay();
    expect(await life.act("Promote")).toBe("Applied: step 1/2 finished");
    await life.until("the next step", ({ weight }) => weight === 50);
    life.ask = bad;
    await life.until("roll back", ({ phase }) => phase === "Failed");
  });

  it("Full promotes unjudged, through 100 % as ever", async () => {
    const life = await underWay({ ask: bad });
    expect(await life.act("PromoteFull")).toMatch(/^Applied: promoted unjudged/);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
  });
});

describe("Skip", () => {
  const whoAndWhy = { requestedBy: "ann", reason: "prod is down" };
  const sentence = /^revision \w+ is promoted without analysis, as ann asked: prod is down$/;

  it("ships the revision under way without analysis, through 100 % as ever, and is recorded", async () => {
    const life = await underWay({ ask: bad });
    expect(await life.act("Skip", whoAndWhy)).toMatch(/^Applied: revision \w+ ships without analysis by ann: prod/);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:2 Skipped"]);
    expect(life.status().history?.[0]?.why.message).toMatch(sentence);
    expect(life.status().promoted?.images).toEqual(["example/web:2"]);
    expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    await life.pass(60_000);
    expect(life.status().phase).toBe("Succeeded");
  });

  it("ships a revision that was rolled back", async () => {
    const life = await rolledBack();
    expect(await life.act("Skip", whoAndWhy)).toMatch(/^Applied/);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:2 Skipped", "example/web:2 Failed"]);
    expect(life.status().failed).toBeUndefined();
  });

  it("still takes a revision back whose pods do not get ready", async () => {
    const life = await adopted({ spec: { progressDeadlineSeconds: 30 } });
    await life.release("2", { CRASH: "true" });
    await life.until("the wait", ({ why }) => why?.rule === "waitForCanary");
    expect(await life.act("Skip")).toMatch(/^Applied/);
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
  });

  it("is for one revision: the next one is judged", async () => {
    const life = await underWay();
    expect(await life.act("Skip")).toMatch(/^Applied/);
    await life.until("100 %", ({ weight }) => weight === 100);
    life.ask = bad;
    await life.release("3");
    await life.until("roll back of 3", ({ phase }) => phase === "Failed");
    expect(outcomes(life)).toEqual(["example/web:3 Failed", "example/web:2 Superseded"]);
  });

  it("has nothing to ship where everything is promoted", async () => {
    const life = await adopted();
    expect(await life.act("Skip")).toMatch(/^Refused: revision \w+ is promoted already$/);
  });
});

describe("Abort", () => {
  it.each(["Progressing", "suspended", "paused", "waiting for pods"])("rolls back at once: %s", async (state) => {
    const never = { START_DELAY_MS: "3600000" };
    const life = state === "waiting for pods" ? await adopted() : await underWay();
    if (state === "waiting for pods") {
      await life.release("2", never);
      await life.until("the wait", ({ why }) => why?.rule === "waitForCanary");
    }
    if (state === "suspended") await life.patchCanary({ suspend: true });
    if (state === "paused") await life.act("Pause");
    await life.pass(1_000);
    expect(await life.act("Abort", { requestedBy: "ann" })).toBe("Applied: aborted by ann");
    expect(life.weights()["web-canary"]).toBe(0);
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.status().why?.message).toMatch(/aborted by ann|the last revision was rolled back/);
    expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
  });

  it("and nothing else is obeyed once the primary has the revision", async () => {
    const life = await underWay();
    await life.until("the primary's change", ({ why }) => why?.rule === "updatePrimary");
    for (const action of ["Pause", "Promote", "Skip"])
      expect(await life.act(action)).toMatch(/^Refused: the primary already runs revision/);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("has nothing to do without a rollout", async () => {
    const life = await rolledBack();
    const { why } = life.status();
    expect(await life.act("Abort")).toBe("Refused: there is no rollout to abort");
    expect(life.status().why).toEqual(why);
  });
});

describe("answered actions", () => {
  const actionsOf = (life: Life) =>
    all<KubeObject>(life.server, kinds.canaryAction).map(({ metadata }) => metadata.name);

  it("are kept for the time that the flag says, and the last five for ever", async () => {
    const life = await adopted();
    for (let times = 0; times < 8; times++) await life.act("Resume");
    await life.pass(ACTION_RETENTION_MS - 60_000);
    expect(actionsOf(life)).toHaveLength(8);
    await life.pass(120_000);
    expect(actionsOf(life)).toHaveLength(5);
    await life.pass(ACTION_RETENTION_MS);
    expect(actionsOf(life)).toHaveLength(5);
    expect(life.traffic.writes.filter((write) => write === "delete CanaryAction")).toHaveLength(3);
  });

  it("stay when a GitOps tool applies them, which would create and so ask them again", async () => {
    const life = await adopted();
    const labels = { "kustomize.toolkit.fluxcd.io/name": "shop" };
    for (let times = 0; times < 7; times++) {
      await life.act("Resume");
      const name = actionsOf(life).at(-1) ?? "";
      await life.kube.mergePatch(kinds.canaryAction, { namespace: NAMESPACE, name }, { metadata: { labels } });
    }
    await life.pass(2 * ACTION_RETENTION_MS);
    expect(actionsOf(life)).toHaveLength(7);
  });

  it.each([
    { reason: "Forbidden", status: 403 },
    { reason: "Unavailable", status: 500 },
  ] as const)("that cannot be deleted stop nothing: $reason", async (refusal) => {
    const life = await adopted();
    for (let times = 0; times < 8; times++) await life.act("Resume");
    life.fault = ({ verb, kind }) => {
      if (verb === "delete" && kind === kinds.canaryAction) throw new KubeError({ ...refusal, message: "not now" });
    };
    await life.pass(ACTION_RETENTION_MS + 60_000);
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded", 120_000);
    expect(actionsOf(life)).toHaveLength(8);
  });
});

describe("an action that names another revision", () => {
  it.each(["Approve", "Pause", "Promote", "PromoteFull", "Skip", "Abort"])("%s is refused", async (action) => {
    const life = await underWay();
    expect(await life.act(action, { revision: "0123456789" })).toMatch(
      /^Refused: asked for revision 0123456789, but revision \w+ is under way$/,
    );
    expect(life.status().weight).toBe(10);
  });
});

describe("an answer that the API server refuses", () => {
  it.each(["Abort", "Approve"])(
    "to %s does not keep a rollback from its end, and is given when it can be",
    async (action) => {
      const life = await underWay();
      let refused = 0;
      life.fault = ({ verb, kind }) => {
        if (kind !== kinds.canaryAction || verb !== "jsonPatch") return;
        refused += 1;
        throw new KubeError({ reason: "Unavailable", status: 500, message: "failed calling webhook" });
      };
      expect(await life.act(action)).toBe("unanswered: ");
      life.ask = bad;
      await life.until("the rollback", ({ phase }) => phase === "Failed", 120_000);
      expect(outcomes(life)).toEqual([expect.stringContaining("Failed")]);
      // Now and then, not as often as it looks.
      expect(refused).toBeLessThan(20);
      life.fault = undefined;
      await life.pass(60_000);
      const [answered] = all<{ status?: { phase?: string } }>(life.server, kinds.canaryAction);
      expect(answered?.status?.phase).toBe(action === "Abort" ? "Applied" : "Refused");
    },
  );
});

describe("an action whose answer was never said", () => {
  /** Everything is written but answers. */
  const unsaid = (life: Life) => {
    life.fault = ({ verb, kind }) => {
      if (kind !== kinds.canaryAction || verb !== "jsonPatch") return;
      throw new KubeError({ reason: "Forbidden", status: 403, message: "may not" });
    };
  };
  const answersOf = (life: Life) =>
    all<{ status?: { phase?: string; message?: string } }>(life.server, kinds.canaryAction).map(
      ({ status }) => `${status?.phase ?? "unanswered"}: ${status?.message ?? ""}`,
    );

  it("is not obeyed again by the next controller, which says what was done", async () => {
    const life = await rolledBack();
    unsaid(life);
    expect(await life.act("Retry", { requestedBy: "ann" })).toBe("unanswered: ");
    await life.until("the second failure", () => outcomes(life).length === 2);
    await life.restart();
    await life.pass(120_000);
    expect(outcomes(life)).toEqual(["example/web:2 Failed", "example/web:2 Failed"]);
    life.fault = undefined;
    await life.restart();
    await life.pass(1_000);
    expect(answersOf(life)).toEqual([expect.stringMatching(/^Applied: revision \w+ is tried again by ann$/)]);
    life.errors.length = 0;
  });

  it("does not end a rollout that came later", async () => {
    const life = await underWay();
    unsaid(life);
    await life.act("Abort");
    await life.until("roll back", ({ phase }) => phase === "Failed");
    await life.release("3");
    await life.until("the next rollout", ({ weight }) => weight === 10);
    life.fault = undefined;
    await life.restart();
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(answersOf(life)).toEqual(["Applied: aborted"]);
    life.errors.length = 0;
  });
});

describe("an action that somebody makes anew under the same name while the one before is answered", () => {
  it("does not get that one's answer, and is obeyed", async () => {
    const life = await underWay();
    const resource = life.server.resource("aviary.dev", "v1beta1", "canaryactions");
    let remade: string | undefined;
    life.fault = ({ verb, kind, name = "" }) => {
      if (kind !== kinds.canaryAction || !verb.endsWith("Patch") || remade !== undefined) return;
      remade = name;
      life.server.delete(resource, { namespace: NAMESPACE, name });
      const spec = { canaryRef: { name: "web" }, action: "Pause" };
      life.server.create(resource, NAMESPACE, {
        apiVersion: "aviary.dev/v1beta1",
        kind: "CanaryAction",
        metadata: { name },
        spec,
      });
    };
    expect(await life.act("Resume")).toBe("Applied: paused");
    expect(life.status().phase).toBe("Paused");
  });
});
