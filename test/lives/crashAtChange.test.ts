import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import { livesWithCrashes } from "./crashes.ts";
import type { Life } from "./life.ts";
import { NAMESPACE } from "./manifests.ts";

const idle = (life: Life) => life.until("adoption", ({ phase }) => phase === "Idle");
const half = async (life: Life) => {
  await idle(life);
  await life.release("2");
  await life.until("a weight", ({ weight }) => weight === 50);
};

describe("a controller that crashes at any of its writes", () => {
  it("adopts all the same", { timeout: 120_000 }, async () => {
    const different = await livesWithCrashes(
      { happens: () => Promise.resolve(), ends: (life) => life.status().phase === "Idle" },
      ["after"],
    );
    expect(different).toEqual([]);
  });

  it("follows a newer revision all the same", { timeout: 120_000 }, async () => {
    const different = await livesWithCrashes(
      {
        before: half,
        happens: (life) => life.release("3"),
        ends: (life) => life.status().phase === "Succeeded" && life.status().promoted?.images?.[0] === "example/web:3",
      },
      ["after"],
    );
    expect(different).toEqual([]);
  });

  it("follows a revision that comes right after the first weight all the same", { timeout: 120_000 }, async () => {
    const different = await livesWithCrashes(
      {
        before: idle,
        async happens(life) {
          await life.release("2");
          while (life.weights()["web-canary"] !== 10) await life.pass(10);
          await life.release("3");
        },
        ends: (life) => life.status().phase === "Succeeded" && life.status().promoted?.images?.[0] === "example/web:3",
      },
      ["after"],
    );
    expect(different).toEqual([]);
  });

  it("hands back all the same", { timeout: 120_000 }, async () => {
    const different = await livesWithCrashes(
      {
        before: half,
        happens: (life) => life.kube.delete(kinds.canary, { namespace: NAMESPACE, name: "web" }),
        ends: (life) => !life.exists(),
      },
      ["after"],
    );
    expect(different).toEqual([]);
  });
});
