import { describe, expect, it } from "vitest";
import { addEvidence, logEvidence, NO_EVIDENCE, RATIOS, TOLERANCE } from "../../src/analysis/countTest.ts";
import type { ArmCounts } from "../../src/analysis/types.ts";

function counts(canaryTotal: number, canaryBad: number, primaryTotal: number, primaryBad: number): ArmCounts {
  return { canary: { total: canaryTotal, bad: canaryBad }, primary: { total: primaryTotal, bad: primaryBad } };
}

function evidence(sums: readonly number[], dispersion = 1): number {
  return Math.exp(logEvidence(sums, dispersion));
}

function choose(m: number, k: number): number {
  return k === 0 ? 1 : (choose(m, k - 1) * (m - k + 1)) / k;
}

/** Mean of E over all splits of `bad` bad requests when the canary's bad share is `ratio` times the primary's. */
function meanEvidence(canary: number, primary: number, bad: number, ratio: number, dispersion = 1): number {
  const q = (canary * ratio) / (canary * ratio + primary);
  let mean = 0;
  for (let k = 0; k <= bad; k++) {
    const chance = choose(bad, k) * q ** k * (1 - q) ** (bad - k);
    mean += chance * evidence(addEvidence(NO_EVIDENCE, counts(canary, k, primary, bad - k)), dispersion);
  }
  return mean;
}

describe("the sequential test of two arms", () => {
  it.each([
    [5, 95, 1],
    [5, 95, 7],
    [100, 900, 4],
    [50, 50, 12],
    [400, 100, 3],
  ])("has mean 1 at the edge of the tolerance, %i to %i requests and %i bad ones", (canary, primary, bad) => {
    expect(meanEvidence(canary, primary, bad, TOLERANCE)).toBeCloseTo(1, 4);
  });

  it.each([
    [5, 95, 7, 1],
    [50, 50, 12, 1],
    [50, 50, 12, 0.5],
    [10, 990, 5, 0.1],
  ])(
    "has a mean below 1 when the canary is healthier than that: %i, %i, %i, ratio %d",
    (canary, primary, bad, ratio) => {
      expect(meanEvidence(canary, primary, bad, ratio)).toBeLessThan(1);
    },
  );

  it("has a mean of at most 1 when tempered, and above 1 only under a worse canary", () => {
    expect(meanEvidence(20, 80, 9, TOLERANCE, 4)).toBeLessThanOrEqual(1);
    expect(meanEvidence(20, 80, 9, 10)).toBeGreaterThan(10);
  });

  it("keeps a mean of at most 1 over intervals whose weights change", () => {
    let mean = 0;
    const [first, second] = [counts(5, 0, 95, 0), counts(50, 0, 50, 0)];
    for (let a = 0; a <= 3; a++) {
      for (let b = 0; b <= 4; b++) {
        const chanceOf = ({ canary, primary }: ArmCounts, m: number, k: number) => {
          const q = (canary.total * TOLERANCE) / (canary.total * TOLERANCE + primary.total);
          return choose(m, k) * q ** k * (1 - q) ** (m - k);
        };
        const once = addEvidence(NO_EVIDENCE, counts(5, a, 95, 3 - a));
        const twice = addEvidence(once, counts(50, b, 50, 4 - b));
        mean += chanceOf(first, 3, a) * chanceOf(second, 4, b) * evidence(twice);
      }
    }
    expect(mean).toBeCloseTo(1, 4);
  });

  it("grows with every bad request of the canary and shrinks with every one of the primary", () => {
    const at = (canary: number, primary: number) => addEvidence(NO_EVIDENCE, counts(100, canary, 900, primary));
    for (let bad = 0; bad < 20; bad++) {
      expect(evidence(at(bad + 1, 5))).toBeGreaterThan(evidence(at(bad, 5)));
      expect(evidence(at(5, bad + 1))).toBeLessThan(evidence(at(5, bad)));
    }
  });

  it.each([
    ["no canary", counts(0, 0, 100, 5)],
    ["no primary", counts(100, 5, 0, 0)],
    ["no bad request", counts(100, 0, 900, 0)],
  ])("learns nothing from an interval with %s", (_, empty) => {
    expect(addEvidence(NO_EVIDENCE, empty)).toBe(NO_EVIDENCE);
  });

  it("only ever loses evidence to doubt", () => {
    for (const bad of [0, 3, 9]) {
      const sure = addEvidence(NO_EVIDENCE, counts(100, bad, 900, 5));
      const doubtful = addEvidence(NO_EVIDENCE, counts(100, bad, 900, 5), { doubt: 50 });
      doubtful.forEach((sum, index) => expect(sum).toBeLessThanOrEqual(sure[index] ?? NaN));
    }
  });

  it("follows the formula of the likelihood ratio", () => {
    const q = (theta: number) => (40 * theta) / (40 * theta + 160);
    const expected = RATIOS.map((ratio) => {
      const [null_, alternative] = [q(TOLERANCE), q(TOLERANCE * ratio)];
      return 6 * Math.log(alternative / null_) + 2 * Math.log((1 - alternative) / (1 - null_));
    });
    addEvidence(NO_EVIDENCE, counts(40, 6, 160, 2)).forEach((sum, index) =>
      expect(sum).toBeCloseTo(expected[index] ?? NaN, 5),
    );
  });
});
