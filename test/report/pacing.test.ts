import { expect, test } from "vitest";
import { createPacing } from "../../src/report/pacing.ts";
import { createVirtualClock } from "../virtualClock.ts";

test("words come at once when nothing was written lately, and a second after the last write otherwise", async () => {
  const clock = createVirtualClock();
  const pacing = createPacing(clock);
  expect(pacing.wordsIn("shop/web")).toBe(0);
  pacing.wrote("shop/web");
  await clock.advance(400);
  expect(pacing.wordsIn("shop/web")).toBe(600);
  expect(pacing.wordsIn("shop/api")).toBe(0);
  await clock.advance(600);
  expect(pacing.wordsIn("shop/web")).toBe(0);
});

test("of many that wait at once, eight a second are written, and all of them in the end", async () => {
  const clock = createVirtualClock();
  const pacing = createPacing(clock);
  let waiting = Array.from({ length: 30 }, (_, index) => `shop/web-${index}`);
  const perSecond: number[] = [];
  while (waiting.length > 0) {
    const written = waiting.filter((key) => pacing.wordsIn(key) === 0);
    perSecond.push(written.length);
    waiting = waiting.filter((key) => !written.includes(key));
    await clock.advance(1_000);
  }
  expect(perSecond).toEqual([8, 8, 8, 6]);
});
