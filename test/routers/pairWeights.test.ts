import { describe, expect, it } from "vitest";
import { MAX_WEIGHT, percentOf, shareWeights } from "../../src/routers/pairWeights.ts";

const FIRST_TWO = { primary: 0, canary: 1 };

describe("weights of a pair", () => {
  it.each([
    { why: "the sum of the pair is kept", weights: [100, 0], percent: 20, expected: [80, 20] },
    { why: "a sum above 100 is kept too, rounded", weights: [150, 0], percent: 1, expected: [148, 2] },
    { why: "other backends keep their weight", weights: [1000, 0, 500], percent: 10, expected: [900, 100, 500] },
    { why: "a small sum is enough when it can express the share", weights: [10, 0], percent: 20, expected: [8, 2] },
    { why: "a small sum grows, and the others with it", weights: [1, 0, 3], percent: 5, expected: [95, 5, 300] },
    { why: "no more than needed", weights: [4, 0, 1], percent: 5, expected: [95, 5, 25] },
    { why: "roughly when exactly is too large", weights: [3, 0, 20_000], percent: 50, expected: [51, 51, 680_000] },
    { why: "0 and 100 need no growth", weights: [1, 0, 3], percent: 100, expected: [0, 1, 3] },
    { why: "a pair without any weight gets 100", weights: [0, 0], percent: 30, expected: [70, 30] },
    { why: "beside others without weight as well", weights: [0, 0, 0], percent: 0, expected: [100, 0, 0] },
    { why: "impossible: the others are too large", weights: [1, 0, MAX_WEIGHT], percent: 1, expected: undefined },
    { why: "impossible: only others have traffic", weights: [0, 0, 5], percent: 1, expected: undefined },
  ])("$why: $weights at $percent %", ({ weights, percent, expected }) => {
    expect(shareWeights(weights, FIRST_TWO, percent)).toEqual(expected);
  });

  it("gives back every percentage that was written, for every sum up to 1000", () => {
    for (let sum = 1; sum <= 1_000; sum += 1) {
      for (let percent = 0; percent <= 100; percent += 1) {
        const weights = shareWeights([sum, 0], FIRST_TWO, percent) ?? [];
        if (percentOf(weights, FIRST_TWO) !== percent) expect.fail(`sum ${sum}, ${percent} %: ${weights.join()}`);
      }
    }
  });

  it.each([
    { weights: [1_000_000, 1], percent: 1 },
    { weights: [1, 1_000_000], percent: 99 },
    { weights: [0, 5], percent: 100 },
    { weights: [5, 0], percent: 0 },
    { weights: [0, 0], percent: 0 },
    { weights: [2, 1], percent: 33 },
  ])("$weights count as $percent %: a trace of traffic is never taken for none", ({ weights, percent }) => {
    expect(percentOf(weights, FIRST_TWO)).toBe(percent);
  });
});
