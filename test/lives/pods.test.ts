import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { Pod } from "../../src/kube/objects.ts";
import { NAMESPACE } from "./life.ts";
import type { Life } from "./life.ts";
import { adopted, conditionOf, outcomes, rulesOf, underWay, watchLives } from "./lives.ts";
import { all } from "./watchman.ts";

watchLives();

const soon = { spec: { progressDeadlineSeconds: 30 } };

/** The canary's pods; those of the primary have another label. */
function canaryPods(life: Life): Pod[] {
  return all<Pod>(life.server, kinds.pod).filter(({ metadata }) => metadata.labels?.["app"] === "web");
}

async function writePodStatus(life: Life, { metadata }: Pod, status: object): Promise<void> {
  const ref = { namespace: NAMESPACE, name: metadata.name };
  await life.kube.mergePatch(kinds.pod, ref, { status }, { subresource: "status" });
}

const outOfMemory = { terminated: { reason: "OOMKilled", exitCode: 137 } };

/** What a kubelet writes of containers that the kernel has killed, whatever they do now. */
async function killForMemory(life: Life): Promise<void> {
  await life.pass(5_000);
  for (const pod of canaryPods(life)) {
    const containerStatuses = pod.status?.containerStatuses?.map((one) => ({ ...one, lastState: outOfMemory }));
    await writePodStatus(life, pod, { containerStatuses });
  }
}

/** What a node that dies does to the canary's pods; users notice until Aviary has acted, which is not its fault. */
async function killCanaryPods(life: Life, { recover }: { readonly recover: boolean }): Promise<void> {
  const pods = canaryPods(life);
  const known = life.outages.length;
  for (const pod of pods) await writePodStatus(life, pod, { conditions: [{ type: "Ready", status: "False" }] });
  await life.pass(0);
  expect(life.outages.slice(known).every((outage) => outage.endsWith("nobody is behind web-canary"))).toBe(true);
  life.outages.length = known;
  if (!recover) return;
  await life.pass(20_000);
  for (const { metadata } of pods) await life.kube.delete(kinds.pod, { namespace: NAMESPACE, name: metadata.name });
}

describe("canary pods that do not get ready", () => {
  it.each([
    {
      why: "image is missing",
      env: { IMAGE: "example/missing:2" },
      sentence: /container web ImagePullBackOff.*missing/,
    },
    { why: "crash", env: { CRASH: "true" }, sentence: /container web CrashLoopBackOff \(Error, exit code 1\)/ },
    { why: "are not ready", env: { READY: "false" }, sentence: /container web is running but not ready/ },
    {
      why: "are killed for want of memory, again and again",
      env: { CRASH: "true" },
      befall: killForMemory,
      sentence: /container web CrashLoopBackOff \(OOMKilled, exit code 137\)/,
    },
    {
      why: "were killed for want of memory, and start anew",
      env: { READY: "false" },
      befall: killForMemory,
      sentence: /container web OOMKilled, exit code 137$/,
    },
  ])("are given up at the deadline with their reason: they $why", async ({ env, befall, sentence }) => {
    const life = await adopted(soon);
    await life.release("2", env);
    await befall?.(life);
    await life.until("the reason", ({ why }) => sentence.test(why?.message ?? ""));
    expect(life.status().phase).toBe("Progressing");
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.status().failed?.why.message).toMatch(/^the canary's pods were not ready within 30 s: /);
    expect(life.status().failed?.why.message).toMatch(sentence);
    expect(life.status().history?.[0]).toMatchObject({ outcome: "Failed", weight: 0 });
    expect(life.timeline.every((line) => line.includes("w=0"))).toBe(true);
  });

  it("for want of quota are given up with what the Deployment says", async () => {
    const life = await adopted(soon);
    const message = 'pods "web-x" is forbidden: exceeded quota: compute';
    const condition = { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message };
    await life.release("2", { START_DELAY_MS: "3600000" });
    for (let second = 0; second < 40; second++) {
      const conditions = [condition];
      await life.kube.mergePatch(
        kinds.deployment,
        { namespace: NAMESPACE, name: "web" },
        { status: { conditions } },
        { subresource: "status" },
      );
      await life.pass(1_000);
    }
    expect(life.status().failed?.why.message).toContain("FailedCreate: pods");
  });

  it("make way for a version whose pods do", async () => {
    const life = await adopted(soon);
    await life.release("2", { CRASH: "true" });
    await life.pass(20_000);
    await life.release("3");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:3 Succeeded"]);
  });
});

describe("canary pods that die in the middle of a step", () => {
  it("lose their traffic at once, and get it back when they are ready again", async () => {
    const life = await underWay(soon);
    await killCanaryPods(life, { recover: true });
    expect(rulesOf(life)).toContain("protectUsers");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("are given up at the deadline", async () => {
    const life = await underWay(soon);
    await killCanaryPods(life, { recover: false });
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(life.status().why?.message).toMatch(/not ready within 30 s/);
  });

  it("lose their traffic even while the Canary itself is in trouble", async () => {
    const life = await underWay(soon);
    const query = "sum(rate(";
    await life.patchCanary({ analysis: { checks: [{ name: "success", threshold: { query, min: 1 } }] } });
    await life.pass(1_000);
    expect(conditionOf(life, "Stalled")?.reason).toBe("InvalidQuery");
    await killCanaryPods(life, { recover: false });
    await life.pass(1_000);
    expect(life.weights()["web-canary"]).toBe(0);
  });
});

describe("a primary that does not get ready at promotion", () => {
  it("gets nobody: the canary goes on serving, and the promotion ends when its pods get ready", async () => {
    const life = await underWay({ spec: { progressDeadlineSeconds: 30 } });
    await life.until("100 %", ({ why }) => why?.rule === "drainPrimary");
    // The node has no room: pods of the primary start, and stay unready.
    const stop = keepUnready(life);
    await life.until("the sentence", () => conditionOf(life, "Stalled")?.reason === "PrimaryNotReady");
    expect(life.weights()).toEqual({ "web-primary": 0, "web-canary": 100 });
    expect(life.status().why?.message).toMatch(/^the canary goes on serving everyone/);
    await life.restart();
    await life.pass(5_000);
    expect(life.weights()["web-canary"]).toBe(100);
    await stop();
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });
});

/** Holds the primary at its old pods by a freeze of somebody else's, as a quota would. */
function keepUnready(life: Life): () => Promise<void> {
  const ref = { namespace: NAMESPACE, name: "web-primary" };
  const paused = life.kube.mergePatch(kinds.deployment, ref, { spec: { paused: true } });
  return async () => {
    await paused;
    await life.kube.mergePatch(kinds.deployment, ref, { spec: { paused: null } });
  };
}
