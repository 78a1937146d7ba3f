import { expect, test } from "vitest";
import { createTurns } from "../../src/lib/turns.ts";
import { settle } from "../virtualClock.ts";

test("at most so many run at a time, in their order, and a failure gives its turn away", async () => {
  const turns = createTurns(2);
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const work = (index: number) =>
    turns(async () => {
      started.push(index);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (index === 0) throw new Error("no");
      return index;
    });
  const results = Promise.allSettled([0, 1, 2, 3].map(work));
  await settle();
  expect(started).toEqual([0, 1]);
  ends[0]?.();
  await settle();
  expect(started).toEqual([0, 1, 2]);
  ends[1]?.();
  await settle();
  ends[2]?.();
  await settle();
  ends[3]?.();
  expect((await results).map((result) => (result.status === "fulfilled" ? result.value : "failed"))).toEqual([
    "failed",
    1,
    2,
    3,
  ]);
  expect(started).toEqual([0, 1, 2, 3]);
});
