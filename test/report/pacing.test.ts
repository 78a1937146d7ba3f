import { expect, test } from "vitest";
import { createPacing } from "../../src/report/pacing.ts";
import { createVirtualClock } from "../virtualClock.ts";

test("words come at once when nothing was written lately, and a second after the last write otherwise", async () => {
  const clock = createVirtualClock();
  const pacing = createPacing(clock);
  expect(pacing.dueInMs("shop/web", "words")).toBe(0);
  pacing.wrote("shop/web");
  await clock.advance(400);
  expect(pacing.dueInMs("shop/web", "words")).toBe(600);
  expect(pacing.dueInMs("shop/web", "beginning")).toBe(0);
  expect(pacing.dueInMs("shop/api", "words")).toBe(0);
  await clock.advance(600);
  expect(pacing.dueInMs("shop/web", "words")).toBe(0);
});

test("a look that finds nothing to write puts off no words", async () => {
  const clock = createVirtualClock();
  const pacing = createPacing(clock);
  pacing.wrote("shop/web");
  await clock.advance(900);
  pacing.drop("shop/web");
  expect(pacing.dueInMs("shop/web", "words")).toBe(100);
});

test("of many that wait at once, eight a second are written, and all of them in the end", async () => {
  const clock = createVirtualClock();
  const pacing = createPacing(clock);
  let waiting = Array.from({ length: 30 }, (_, index) => `shop/web-${index}`);
  const perSecond: number[] = [];
  while (waiting.length > 0) {
    const written = waiting.filter((key) => pacing.dueInMs(key, "words") === 0);
    perSecond.push(written.length);
    waiting = waiting.filter((key) => !written.includes(key));
    await clock.advance(1_000);
  }
  expect(perSecond).toEqual([8, 8, 8, 6]);
});

test("a held status is seen in place of the stored one, until it is written, and never on another object of that name", () => {
  const pacing = createPacing(createVirtualClock());
  const stored = { apiVersion: "v1", kind: "Canary", metadata: { name: "web", uid: "1" }, status: { phase: "Idle" } };
  expect(pacing.withHeld("shop/web", stored)).toBe(stored);
  pacing.hold("shop/web", stored, { phase: "Progressing" });
  const shown = pacing.withHeld("shop/web", stored);
  expect(shown).toEqual({ ...stored, status: { phase: "Progressing" } });
  expect(pacing.withHeld("shop/web", stored)).toBe(shown);
  const successor = { ...stored, metadata: { name: "web", uid: "2" } };
  expect(pacing.withHeld("shop/web", successor)).toBe(successor);
  pacing.wrote("shop/web");
  expect(pacing.withHeld("shop/web", stored)).toBe(stored);
});
