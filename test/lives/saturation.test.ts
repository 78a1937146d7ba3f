import { expect, describe, it } from "vitest";
import type { CanaryStatus } from "../../src/api/status.ts";
import type { Life } from "./life.ts";
import { adopted, outcomes, watchLives } from "./lives.ts";
import { oneCheck, withSteps } from "./manifests.ts";
import type { MetricsWorldOptions } from "./metricsWorld.ts";

watchLives();

function ended({ phase }: CanaryStatus): boolean {
  return phase === "Succeeded" || phase === "Failed" || phase === "Paused";
}

const roomy = { full: { memory: 61 } };

/** A life of a release beside a threshold that is content. */
async function lived(check: object, metrics: Partial<MetricsWorldOptions>): Promise<Life> {
  const checks = [oneCheck, { name: "room", saturation: {}, ...check }];
  const steps = [20, 50].map((weight) => ({ weight, hold: "2m" }));
  const spec = { ...withSteps(steps), analysis: { interval: "30s", checks } };
  const life = await adopted({ spec, metrics: { rps: 0, primary: roomy, ...metrics } });
  await life.release("2");
  await life.until("an end", ended, 3_600_000);
  return life;
}

/** The same of a Canary that has no word about it. */
async function released(metrics: Partial<MetricsWorldOptions>): Promise<Life> {
  const steps = [20, 50].map((weight) => ({ weight, hold: "2m" }));
  const spec = { ...withSteps(steps), analysis: { interval: "30s", checks: [oneCheck] } };
  const life = await adopted({ spec, metrics: { rps: 0, primary: roomy, ...metrics } });
  await life.release("2");
  await life.until("an end", ended, 3_600_000);
  return life;
}

describe("how full the canary's containers are", () => {
  it("is told beside the primary, and takes nothing back by itself", async () => {
    const life = await lived({}, { canary: { full: { memory: 97 } } });
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    const room = life.status().checks?.[1];
    expect(room).toMatchObject({ mode: "Report", verdict: "Fail" });
    expect(room?.message).toBe("97 % of the memory limit, above 90, primary 61 (3 readings in a row, 2 tolerated)");
    expect(room?.queries?.map(({ what }) => what)).toEqual(["memory", "CPU", "throttled"]);
  });

  it.each([
    { what: "memory", full: { memory: 97 }, says: /97 % of the memory limit, above 90, primary 61 \(3 readings/ },
    { what: "CPU", full: { memory: 50, cpu: 99 }, says: /99 % of the CPU limit, above 90, primary 20 \(3 readings/ },
    {
      what: "throttling",
      full: { memory: 50, throttled: 40 },
      says: /40 % of the CPU periods throttled, above 25, primary 0 \(3 readings/,
    },
  ])("takes a version back where it is a gate: $what", async ({ full, says }) => {
    const life = await lived({ mode: "Gate" }, { canary: { full } });
    expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
    expect(life.status().history?.[0]?.why).toMatchObject({ rule: "failOnChecks" });
    expect(life.status().history?.[0]?.why.message).toMatch(says);
  });

  it("lets a version through a gate that has room", async () => {
    const life = await lived({ mode: "Gate" }, { canary: roomy });
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    expect(life.status().checks?.[1]?.message).toBe(
      "61 % of the memory limit, primary 61; 20 % of the CPU limit, primary 20; 0 % of the CPU periods throttled, primary 0",
    );
  });

  it.each([
    {
      what: "without limits",
      metrics: { canary: roomy, unlimited: true as const },
      says: /the containers have no such limit/,
    },
    {
      what: "without metrics",
      metrics: { primary: {} },
      says: /^no metrics of the canary's containers: let Prometheus/,
    },
  ])("asks a person where it cannot be told, and takes nothing back: $what", async ({ metrics, says }) => {
    const life = await lived({ mode: "Gate" }, metrics);
    expect(life.status().phase).toBe("Paused");
    expect(life.status().checks?.[1]).toMatchObject({ verdict: "NoData" });
    expect(life.status().checks?.[1]?.message).toMatch(says);
  });

  it("is reported though nobody asked, where it is measured", async () => {
    const life = await released({ canary: { full: { memory: 97 } } });
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    expect(life.status().checks?.map(({ name, mode = "Gate" }) => `${name} ${mode}`)).toEqual([
      "success Gate",
      "pods Gate",
      "saturation Report",
    ]);
    expect(life.status().checks?.[2]?.message).toMatch(/^97 % of the memory limit, above 90, primary 61/);
  });

  it("costs nothing where it is not measured and nobody asked: no word, no wait, three questions", async () => {
    const measured = await released({ canary: roomy });
    const life = await released({ primary: {} });
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    expect(life.status().checks?.map(({ name }) => name)).toEqual(["success", "pods"]);
    expect(life.metrics.asked.filter((query) => query.includes("container_"))).toHaveLength(3);
    // When a look finds that a weight is in effect depends on what else there is to look at.
    const moves = ({ timeline }: Life) => timeline.filter((line) => !line.endsWith("holdWeight"));
    expect(moves(life)).toEqual(moves(measured));
  });
});
