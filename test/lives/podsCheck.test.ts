import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { Pod } from "../../src/kube/objects.ts";
import { NAMESPACE } from "./life.ts";
import type { Life } from "./life.ts";
import { oneCheck } from "./manifests.ts";
import { outcomes, underWay, watchLives } from "./lives.ts";

watchLives();

const analysis = { interval: "30s", checks: [oneCheck, { name: "pods", pods: { unreadyFor: "30s" } }] };
const spec = { analysis };

/** Writes into the status of one of the canary's pods what a kubelet would. */
async function ail(life: Life, status: (now: string) => object): Promise<void> {
  const { items } = await life.kube.list<Pod>(kinds.pod, { namespace: NAMESPACE, labelSelector: "app=web" });
  const name = items[0]?.metadata.name ?? "";
  const now = new Date(life.clock.now()).toISOString();
  await life.kube.mergePatch(
    kinds.pod,
    { namespace: NAMESPACE, name },
    { status: status(now) },
    { subresource: "status" },
  );
}

const container = (state: object) => ({
  containerStatuses: [
    { name: "web", ready: true, image: "", imageID: "", restartCount: 1, state: { running: {} }, ...state },
  ],
});
const unready = (now: string) => ({ conditions: [{ type: "Ready", status: "False", lastTransitionTime: now }] });

describe("the canary's pods", () => {
  it.each([
    {
      what: "a crash loop",
      status: (finishedAt: string) =>
        container({
          state: { waiting: { reason: "CrashLoopBackOff" } },
          lastState: { terminated: { exitCode: 3, reason: "Error", finishedAt } },
        }),
      says: /^check pods failed: pod web-\S+: container web is in a crash loop \(Error, exit code 3\)$/,
    },
    {
      what: "a kill for want of memory",
      status: (finishedAt: string) =>
        container({ lastState: { terminated: { exitCode: 137, reason: "OOMKilled", finishedAt } } }),
      says: /^check pods failed: pod web-\S+: container web was killed for want of memory \(OOMKilled\)$/,
    },
    {
      what: "a pod that stays unready",
      status: unready,
      says: /^check pods failed: pod web-\S+ was ready and is not for \d+s, 30s tolerated$/,
    },
  ])("fail the canary within a minute, without metrics: $what", async ({ status, says }) => {
    const life = await underWay({ spec, replicas: 20 }, 50);
    const since = life.clock.now();
    await ail(life, status);
    await life.until("roll back", ({ phase }) => phase === "RollingBack" || phase === "Failed");
    expect(life.clock.now() - since).toBeLessThan(60_000);
    await life.until("the end", ({ phase }) => phase === "Failed");
    expect(life.status().history?.[0]?.why.message).toMatch(says);
  });

  const crashLoop = (finishedAt: string) =>
    container({
      state: { waiting: { reason: "CrashLoopBackOff" } },
      lastState: { terminated: { exitCode: 3, reason: "Error", finishedAt } },
    });

  it("fail the canary though nobody wrote a check of them", async () => {
    const life = await underWay({ spec: { analysis: { interval: "30s", checks: [oneCheck] } }, replicas: 20 }, 50);
    await ail(life, crashLoop);
    await life.until("the end", ({ phase }) => phase === "Failed");
    expect(life.status().history?.[0]?.why.message).toContain("check pods failed: ");
  });

  it("fail nothing where the check of them only reports", async () => {
    const checks = [oneCheck, { name: "pods", mode: "Report", pods: {} }];
    const life = await underWay({ spec: { analysis: { interval: "30s", checks } }, replicas: 20 }, 50);
    await ail(life, crashLoop);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(life.status().checks?.[1]).toMatchObject({ name: "pods", mode: "Report", verdict: "Fail" });
  });

  it("may restart once, and what was before their first request does not count", async () => {
    const life = await underWay({ spec, replicas: 20 }, 50);
    await ail(life, (finishedAt) =>
      container({ lastState: { terminated: { exitCode: 1, reason: "Error", finishedAt } } }),
    );
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    expect(life.status().checks?.[1]).toMatchObject({ name: "pods", verdict: "Pass" });
  });
});
