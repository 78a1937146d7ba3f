import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { Pod } from "../../src/kube/objects.ts";
import { adopted, movesOf, outcomes, rulesOf, underWay, watchLives } from "./lives.ts";
import { NAMESPACE } from "./life.ts";
import { all, readyOf } from "./watchman.ts";

watchLives();

describe("a good release", () => {
  it("finds a target that was adopted without a moment in which nobody served", async () => {
    const { deployment, weights, status, server, errors } = await adopted();
    expect(deployment("web")?.spec.replicas).toBe(0);
    expect(readyOf(server, "web-primary")).toBe(3);
    expect(weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    expect(status().promoted?.images).toEqual(["example/web:1"]);
    expect(errors).toEqual([]);
  });

  it("is promoted step by step", async () => {
    const life = await adopted();
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(life.status().promoted?.images).toEqual(["example/web:2"]);
    expect(life.deployment("web")?.spec.replicas).toBe(0);
    expect(life.deployment("web")?.spec.paused).toBeUndefined();
    expect(life.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    expect(life.status().targets?.[0]?.result).toBe("Succeeded");
    expect(life.errors).toEqual([]);
    expect(movesOf(life)).toEqual([
      "Progressing 1/2 w=10 shiftTraffic",
      "Progressing 2/2 w=50 shiftTraffic",
      "Promoting 2/2 w=100 shiftTraffic",
      "Promoting 2/2 w=0 returnTraffic",
    ]);
  });

  it("is echoed with the name that CI gave it", async () => {
    const life = await adopted();
    const metadata = { annotations: { "aviary.dev/release": "abc123" } };
    await life.kube.mergePatch(kinds.deployment, { namespace: NAMESPACE, name: "web" }, { metadata });
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(life.status().promoted?.release).toBe("abc123");
    expect(life.status().targets?.[0]?.release).toBe("abc123");
  });

  it("leaves a controller that has nothing to do and does nothing", async () => {
    const life = await adopted();
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    // Events come last.
    await life.pass(5_000);
    const before = life.traffic.requests;
    await life.pass(600_000);
    expect(life.traffic.requests - before).toBe(0);
    expect(before).toBeLessThan(120);
  });

  it("tells people what they care about in few events", async () => {
    const life = await underWay();
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    await life.pass(5_000);
    const events = life.events();
    expect(events.length).toBeLessThan(20);
    expect(events).toEqual(
      expect.arrayContaining(["Normal StartRollout", "Normal ShiftTraffic", "Normal FinishPromotion"]),
    );
    expect(events.filter((event) => /Wait|Drain|Hold|Note|Normal Rest$/.test(event))).toEqual([]);
    expect(rulesOf(life)).toContain("finishPromotion");
  });
});

describe("the return of the traffic to the primary", () => {
  const canary = {
    steps: [{ weight: 10, hold: "10s" }],
    returnSteps: [
      { weight: 75, hold: "30s" },
      { weight: 25, hold: "1m" },
    ],
  };

  it("goes by the steps that the user wants, each held for its time once it is in effect", async () => {
    const life = await adopted({ spec: { strategy: { canary } } });
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    const returned = life.timeline.filter((line) => /w=(75|25|0) returnTraffic/.test(line));
    expect([...new Set(returned.map((line) => / w=\d+/.exec(line)?.[0]))]).toEqual([" w=75", " w=25", " w=0"]);
    const at = (weight: number) => parseFloat(returned.find((line) => line.includes(`w=${weight} `)) ?? "");
    expect(at(25) - at(75)).toBeGreaterThanOrEqual(32);
    expect(at(0) - at(25)).toBeGreaterThanOrEqual(62);
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
  });

  it("never takes users from the primary again when somebody edits the list meanwhile", async () => {
    const life = await adopted({ spec: { strategy: { canary } } });
    await life.release("2");
    await life.until("the last step", ({ phase, weight }) => phase === "Promoting" && weight === 25);
    const returnSteps = [95, 90, 85].map((weight) => ({ weight, hold: "10s" }));
    await life.patchCanary({ strategy: { canary: { ...canary, returnSteps } } });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    const after = life.timeline.slice(life.timeline.findIndex((line) => line.includes("w=25 returnTraffic")));
    expect(after.filter((line) => !/ w=(25|0) /.test(line))).toEqual([]);
  });

  it("goes back to the canary when the primary loses all its pods on the way", async () => {
    const life = await adopted({ spec: { strategy: { canary } } });
    await life.release("2", { START_DELAY_MS: "4000" });
    await life.until("the last step", ({ phase, weight }) => phase === "Promoting" && weight === 25);
    const { outages } = life;
    const before = outages.length;
    for (const { metadata } of all<Pod>(life.server, kinds.pod)) {
      if (metadata.labels?.["app"] === "web-primary")
        await life.kube.delete(kinds.pod, { namespace: NAMESPACE, name: metadata.name });
    }
    await life.pass(500);
    expect(life.weights()).toEqual({ "web-primary": 0, "web-canary": 100 });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    // The primary's pods are also those of the apex Service, whose clients know of no canary.
    const lost = outages.slice(before).filter((line) => !line.endsWith("nobody is behind web"));
    expect(new Set(lost.map((line) => line.split(" ")[0])).size).toBe(1);
    outages.length = before;
    expect(rulesOf(life)).toContain("returnToCanary");
  });
});
