import { describe, expect, it } from "vitest";
import { livesWithCrashes } from "./crashes.ts";
import { bad } from "./lives.ts";

const settled = async (life: Parameters<NonNullable<Parameters<typeof livesWithCrashes>[0]["before"]>>[0]) =>
  life.until("adoption", ({ phase }) => phase === "Idle");

describe("a controller that crashes after any of its writes", () => {
  it("promotes a good release all the same", { timeout: 120_000 }, async () => {
    const different = await livesWithCrashes(
      {
        before: settled,
        happens: (life) => life.release("2"),
        ends: (life) => life.status().phase === "Succeeded",
      },
      ["after"],
    );
    expect(different).toEqual([]);
  });

  it("promotes it all the same when the status of its beginning was held back", { timeout: 120_000 }, async () => {
    const different = await livesWithCrashes(
      {
        options: { statusesPerSecond: 0 },
        before: settled,
        happens: (life) => life.release("2"),
        ends: (life) => life.status().phase === "Succeeded",
      },
      ["after"],
    );
    expect(different).toEqual([]);
  });

  it("rolls a bad release back all the same", { timeout: 120_000 }, async () => {
    const different = await livesWithCrashes(
      {
        options: { ask: bad },
        before: settled,
        happens: (life) => life.release("2"),
        ends: (life) => life.status().phase === "Failed",
      },
      ["after"],
    );
    expect(different).toEqual([]);
  });

  it("answers an abort once and obeys it all the same", { timeout: 120_000 }, async () => {
    const different = await livesWithCrashes(
      {
        before: settled,
        async happens(life) {
          await life.release("2");
          await life.until("a weight", ({ weight, phase }) => weight === 10 || phase === "Failed");
          await life.act("Abort");
        },
        ends: (life) => life.status().phase === "Failed",
      },
      ["after"],
    );
    expect(different).toEqual([]);
  });
});
