import { expect, it } from "vitest";
import type { Canary } from "../../src/api/canary.ts";
import type { Series } from "../../src/metrics/provider.ts";
import { createReadings } from "../../src/observe/readings.ts";
import { createVirtualClock } from "../virtualClock.ts";
import { canaryUnderWeight } from "./underWeight.ts";

const NAMESPACES = ["shop", "pay", "mail", "search", "login"];

function canaryNumber(number: number, at: string): Canary {
  const namespace = NAMESPACES[number % NAMESPACES.length] ?? "";
  const spec = { targetRef: { kind: "Deployment", name: `web-${number}` } };
  return canaryUnderWeight(spec, at, { name: "web", namespace });
}

/** Fifty canaries of five namespaces that nobody asked about, for half an hour in which each is looked at every second. */
async function halfAnHour(series: (query: string) => readonly Series[]) {
  const clock = createVirtualClock();
  const asked: string[] = [];
  const readings = createReadings({
    clock,
    ask: () => Promise.resolve({ kind: "value", value: 1 }),
    askSeries: ({ query }) => {
      asked.push(query);
      return Promise.resolve({ kind: "series", series: series(query) });
    },
    lookBackMs: () => 0,
    onAnswer: () => undefined,
    signal: new AbortController().signal,
  });
  const at = new Date(clock.now()).toISOString();
  const canaries = Array.from({ length: 50 }, (_, number) => canaryNumber(number, at));
  const taken: string[] = [];
  for (let second = 0; second < 1_800; second += 1) {
    await clock.advance(1_000);
    canaries.forEach((canary, number) => {
      if ("saturation" in readings.collect(String(number), canary)) taken.push(canary.spec.targetRef.name);
    });
  }
  return { asked, taken };
}

it("fifty canaries whose containers nobody measures are asked about by three questions in ten minutes", async () => {
  const { asked, taken } = await halfAnHour(() => []);
  expect(asked).toHaveLength(3 * 3);
  expect(taken).toEqual([]);
});

it("fifty canaries whose containers are measured are asked about by three questions, and told apart", async () => {
  const { asked, taken } = await halfAnHour(() => [
    { labels: { namespace: "pay", pod: "web-1-5d9c7b-x2x4z" }, points: [[0, 50]] },
    // A pod of that name in another namespace belongs to nobody here.
    { labels: { namespace: "shop", pod: "web-2-5d9c7b-x2x4z" }, points: [[0, 50]] },
  ]);
  expect(new Set(taken)).toEqual(new Set(["web-1"]));
  expect(asked.filter((query) => query.includes("web-1-")).length).toBeGreaterThan(0);
  expect(asked[0]).toContain('namespace=~"shop|pay|mail|search|login"');
});
