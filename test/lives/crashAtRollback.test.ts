import { describe, expect, it } from "vitest";
import { livesWithCrashes } from "./crashes.ts";
import type { Life } from "./life.ts";
import { bad } from "./lives.ts";

const options = { spec: { keepPreviousFor: "10m" } };

const promoted = async (life: Life) => {
  await life.until("adoption", ({ phase }) => phase === "Idle");
  await life.release("2");
  await life.until("promotion", ({ phase }) => phase === "Succeeded");
};

describe("a controller that crashes at any of its writes, with the version before kept", () => {
  it("promotes all the same", { timeout: 120_000 }, async () => {
    const different = await livesWithCrashes(
      {
        options,
        before: (life) => life.until("adoption", ({ phase }) => phase === "Idle"),
        happens: (life) => life.release("2"),
        ends: (life) => life.status().phase === "Succeeded",
      },
      ["after"],
    );
    expect(different).toEqual([]);
  });

  it("rolls back to it all the same", { timeout: 120_000 }, async () => {
    const different = await livesWithCrashes(
      {
        options,
        before: promoted,
        happens: async (life) => {
          await life.act("Rollback");
        },
        ends: (life) => life.status().phase === "Failed",
      },
      ["after"],
    );
    expect(different).toEqual([]);
  });

  it("obeys a Retry once", { timeout: 120_000 }, async () => {
    const different = await livesWithCrashes(
      {
        before: async (life) => {
          await life.until("adoption", ({ phase }) => phase === "Idle");
          life.ask = bad;
          await life.release("2");
          await life.until("roll back", ({ phase }) => phase === "Failed");
        },
        happens: async (life) => {
          await life.act("Retry");
        },
        ends: (life) => life.status().phase === "Failed" && (life.status().history?.length ?? 0) > 1,
      },
      ["before", "after"],
    );
    expect(different).toEqual([]);
  });
});
