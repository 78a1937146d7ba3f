import { execFile } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitFor } from "./harness/polling.ts";
import { userWith } from "./scenario/requests.ts";
import type { User } from "./scenario/requests.ts";
import { adopted, expectUnharmed } from "./scenario/rollouts.ts";
import { imageOf, stepsOf } from "./scenario/shop.ts";
import type { Shop } from "./scenario/shop.ts";
import { type Bench, startBench } from "./scenario.ts";

/*
 * The command `aviary` as people and pipelines run it: as a process, with the rights of a user, on a real API server with
 * its own authorizer, admission policies, watches and restarts.
 */

let bench: Bench;

beforeAll(async () => {
  bench = await startBench();
  await bench.launch().said("the controller is running");
});

afterAll(async () => {
  await bench.stop();
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function aviary(shop: Shop, { kubeconfig }: User, line: string): Promise<Ran> {
  const args = ["src/aviary.ts", ...line.split(" "), "-n", shop.namespace, "--kubeconfig", kubeconfig];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: join(import.meta.dirname, "../..") }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

const PAUSED = stepsOf({ weight: 20, hold: "1s" }, { pause: {} }, { weight: 50, hold: "1s" });
const LONG = stepsOf({ weight: 20, hold: "60s" });

describe.concurrent("aviary", () => {
  test("a viewer looks and waits, an approver approves, and each is told what they may not do", async () => {
    const shop = await adopted(bench, { spec: PAUSED });
    const viewer = await userWith(bench, shop, ["view"]);
    const approver = await userWith(bench, shop, ["view", "aviary-approve"]);
    await shop.release("2");
    expect(await aviary(shop, viewer, "wait deploy/web --timeout 60s")).toMatchObject({
      code: 4,
      out: expect.stringContaining("held: AwaitingApproval") as string,
    });
    expect((await aviary(shop, viewer, "get web")).out).toMatch(/web +Paused +20 +2\/3/);
    expect((await aviary(shop, viewer, "status web")).out).toContain("pause ●");
    expect((await aviary(shop, viewer, "explain web")).out).toContain("decided by    waitForApproval");
    const asViewer = await aviary(shop, viewer, "approve web");
    expect([asViewer.code, asViewer.err]).toEqual([1, expect.stringContaining("cannot create resource")]);
    const abort = await aviary(shop, approver, "abort web");
    expect([abort.code, abort.err]).toEqual([1, expect.stringContaining(`${approver.name} may not Abort canary web`)]);
    const waiting = aviary(shop, viewer, "wait deploy/web --through-holds --timeout 90s");
    const approved = await aviary(shop, approver, "approve web --reason checked");
    expect(approved).toEqual({ code: 0, out: `web: step 2/3 approved by ${approver.name}: checked\n`, err: "" });
    expect((await waiting).code).toBe(0);
    expect((await aviary(shop, viewer, "history web")).out).toMatch(/Succeeded/);
    expectUnharmed(bench, shop);
  });

  test("wait tells a revision that is rolled back, superseded, stalled, or not decided", async () => {
    const shop = await adopted(bench, { spec: LONG });
    const viewer = await userWith(bench, shop, ["view"]);
    await shop.release("2");
    const superseded = aviary(shop, viewer, `wait deploy/web --image ${imageOf("2")} --timeout 60s`);
    expect((await aviary(shop, viewer, "wait deploy/web --timeout 3s")).code).toBe(8);
    await shop.release("3");
    expect((await superseded).code).toBe(5);
    const failing = aviary(shop, viewer, "wait deploy/web --timeout 60s");
    await shop.until("weight 20 in effect", ({ rollout }) => rollout?.effectiveSince !== undefined);
    shop.measures(0.5);
    expect(await failing).toMatchObject({ code: 3, out: expect.stringContaining("rolled back") as string });
    await bench.cluster.delete({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      name: "web",
      namespace: shop.namespace,
    });
    await shop.release("4");
    const stalled = await aviary(shop, viewer, "wait deploy/web --stall-grace 1s --timeout 60s");
    expect([stalled.code, stalled.out]).toEqual([6, expect.stringContaining("RouteNotFound")]);
  });
});

describe("with deploy/stamp-actions", () => {
  test("an action says who asked, whatever its manifest claims", async () => {
    await bench.kubectl(["apply", "-k", "deploy/stamp-actions"]);
    const shop = await adopted(bench, { spec: LONG });
    const editor = await userWith(bench, shop, ["edit"]);
    await shop.release("2");
    await shop.until("weight 20 in effect", ({ rollout }) => rollout?.effectiveSince !== undefined);
    // A policy is in force a moment after it was stored.
    await waitFor("the policy to be in force", async () => {
      const { code } = await editor.ask({ action: "Resume", requestedBy: "boss" });
      return code === 0;
    });
    expect(await editor.asks({ action: "Pause", requestedBy: "boss" })).toMatchObject({
      phase: "Applied",
      message: `paused by ${editor.name}`,
    });
    expect(await editor.asks({ action: "Resume" })).toMatchObject({ message: `resumed by ${editor.name}` });
    expect(await editor.asks({ action: "Abort" })).toMatchObject({ message: `aborted by ${editor.name}` });
  });
});

describe("when the API server dies", () => {
  test("wait goes on, and ends with the revision", async () => {
    const shop = await adopted(bench, { spec: stepsOf({ weight: 20, hold: "15s" }) });
    const viewer = await userWith(bench, shop, ["view"]);
    await shop.release("2");
    const waiting = aviary(shop, viewer, "wait deploy/web --timeout 150s");
    await shop.until("weight 20 in effect", ({ rollout }) => rollout?.effectiveSince !== undefined);
    await bench.restartApiServer("SIGKILL");
    const { code, out } = await waiting;
    expect([code, out]).toEqual([0, expect.stringContaining("web: promoted")]);
  });
});
