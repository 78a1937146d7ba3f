import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import { configured, configuredBy, copies, greet, greetingOf } from "./configured.ts";
import { livesWithCrashes } from "./crashes.ts";
import type { Life } from "./life.ts";
import { NAMESPACE } from "./manifests.ts";

const idle = (life: Life) => life.until("adoption", ({ phase }) => phase === "Idle");

/** The primary stands on what there is, and nothing is left over. */
const isWhole = (life: Life, greeting: string) =>
  greetingOf(life) === greeting &&
  copies(life).length === 2 &&
  copies(life).every((copy) => configuredBy(life, "web-primary").includes(copy.split("/")[1] ?? ""));

describe("a controller that crashes at any of its writes", () => {
  it("adopts a target with configuration all the same", { timeout: 120_000 }, async () => {
    const story = {
      options: configured,
      happens: () => Promise.resolve(),
      ends: (life: Life) => life.status().phase === "Idle" && isWhole(life, "hello"),
    };
    expect(await livesWithCrashes(story, ["before", "after"])).toEqual([]);
  });

  it("releases a change of configuration all the same", { timeout: 120_000 }, async () => {
    const story = {
      options: configured,
      before: idle,
      happens: (life: Life) => greet(life, "goodbye"),
      ends: (life: Life) => life.status().phase === "Succeeded" && isWhole(life, "goodbye"),
    };
    expect(await livesWithCrashes(story, ["before", "after"])).toEqual([]);
  });

  it("follows a second change in the middle of the first all the same", { timeout: 120_000 }, async () => {
    const story = {
      options: configured,
      before: async (life: Life) => {
        await idle(life);
        await greet(life, "two");
        await life.until("a weight", ({ weight }) => weight === 50);
      },
      happens: (life: Life) => greet(life, "three"),
      ends: (life: Life) => life.status().phase === "Succeeded" && isWhole(life, "three"),
    };
    expect(await livesWithCrashes(story, ["after"])).toEqual([]);
  });

  it("hands back and leaves no copy all the same", { timeout: 120_000 }, async () => {
    const story = {
      options: configured,
      before: idle,
      happens: (life: Life) => life.kube.delete(kinds.canary, { namespace: NAMESPACE, name: "web" }),
      ends: (life: Life) => !life.exists() && copies(life).length === 0,
    };
    expect(await livesWithCrashes(story, ["before", "after"])).toEqual([]);
  });
});
