import { describe, expect, it } from "vitest";
import type { Canary } from "../../src/api/canary.ts";
import { createSharedAsking } from "../../src/observe/series.ts";
import type { SharedQuestion } from "../../src/observe/series.ts";
import { createVirtualClock } from "../virtualClock.ts";

const { signal } = new AbortController();

function asking() {
  const clock = createVirtualClock();
  const asked: string[] = [];
  const shared = createSharedAsking(clock, ({ query }) => {
    asked.push(query);
    return Promise.resolve({ kind: "series", series: [] });
  });
  const ask = (number: number, more: Partial<SharedQuestion> = {}) =>
    shared(
      {
        canary: { metadata: { name: `web-${number}`, namespace: "shop" } } as Canary,
        question: { what: "", field: "", query: "" },
        like: "Contour requests",
        patterns: [`web-${number}-canary`, `web-${number}-primary`],
        query: (patterns) => `count(${patterns.join("|")})`,
        atMs: 30_000,
        ...more,
      },
      signal,
    );
  return { clock, asked, ask };
}

describe("canaries on the same data plane", () => {
  it("are asked about by one query, when their intervals end together", async () => {
    const { clock, asked, ask } = asking();
    const answers = [ask(1), ask(2), ask(3)];
    await clock.advance(100);
    await Promise.all(answers);
    expect(asked).toEqual(["count(web-1-canary|web-1-primary|web-2-canary|web-2-primary|web-3-canary|web-3-primary)"]);
  });

  it.each([
    ["another moment", { atMs: 60_000 }],
    ["another question", { like: "Contour failed" }],
    [
      "another provider",
      { question: { what: "", field: "", query: "", providerRef: { kind: "MetricProvider", name: "own" } } },
    ],
  ] as const)("are not for %s", async (_name, more) => {
    const { clock, asked, ask } = asking();
    const answers = [ask(1), ask(2, more)];
    await clock.advance(100);
    await Promise.all(answers);
    expect(asked).toHaveLength(2);
  });

  it("are a few queries when they are many", async () => {
    const { clock, asked, ask } = asking();
    const answers = Array.from({ length: 120 }, (_, number) => ask(number));
    await clock.advance(100);
    await Promise.all(answers);
    expect(asked).toHaveLength(3);
  });
});
