import { afterEach, describe, expect, it } from "vitest";
import { startLife } from "./life.ts";
import type { Life, LifeOptions } from "./life.ts";

let life: Life | undefined;

async function begin(options: LifeOptions = {}): Promise<Life> {
  life = await startLife(options);
  await life.until("adoption", ({ phase }) => phase === "Idle");
  return life;
}

afterEach(async () => {
  await life?.stop();
  life = undefined;
});

describe("a canary's life", () => {
  it("adopts a Deployment that serves, without a moment in which nobody serves", async () => {
    const { outages, deployment, weights, status, timeline } = await begin();
    console.log(timeline.join("\n"), outages);
    expect(outages).toEqual([]);
    expect(deployment("web")?.spec.replicas).toBe(0);
    expect(deployment("web-primary")?.status?.readyReplicas).toBe(3);
    expect(weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    expect(status().promoted?.images).toEqual(["example/web:1"]);
  });

  it("promotes a good release step by step", async () => {
    const { release, until, timeline, outages, deployment, status } = await begin();
    await release("2");
    await until("promotion", ({ phase }) => phase === "Succeeded");
    console.log(timeline.join("\n"), outages);
    expect(outages).toEqual([]);
    expect(status().promoted?.images).toEqual(["example/web:2"]);
    expect(deployment("web")?.spec.replicas).toBe(0);
  });
});
