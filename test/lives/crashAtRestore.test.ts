import { describe, expect, it } from "vitest";
import { livesWithCrashes } from "./crashes.ts";
import type { Life } from "./life.ts";

const options = { spec: { progressDeadlineSeconds: 20 } };

/** Release 2 was judged good, and the primary does not get ready with it. */
const stuck = async (life: Life) => {
  await life.until("adoption", ({ phase }) => phase === "Idle");
  await life.release("2", { UNREADY_IN: "web-primary" });
  await life.until(
    "the primary's change",
    ({ why }) => why?.rule === "updatePrimary" || why?.rule === "waitForPrimary",
  );
};

describe("a controller that crashes at any of its writes, with a primary that does not get ready", () => {
  it("puts the version before back for an Abort all the same", { timeout: 120_000 }, async () => {
    const different = await livesWithCrashes(
      {
        options,
        before: stuck,
        happens: async (life) => {
          await life.act("Abort");
        },
        ends: (life) => life.status().phase === "Failed",
      },
      ["after"],
    );
    expect(different).toEqual([]);
  });

  it("takes up a fix all the same", { timeout: 120_000 }, async () => {
    const different = await livesWithCrashes(
      {
        options,
        before: stuck,
        happens: (life) => life.release("3"),
        ends: (life) => life.status().phase === "Succeeded" && life.status().promoted?.images?.[0] === "example/web:3",
      },
      ["after"],
    );
    expect(different).toEqual([]);
  });
});
