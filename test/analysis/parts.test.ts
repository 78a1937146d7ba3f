import { describe, expect, it } from "vitest";
import { detectable, detectableAgainst } from "../../src/analysis/detectable.ts";
import { dispersionOf, measureDispersion, successiveDispersion } from "../../src/analysis/dispersion.ts";
import { achievableMargins, firstMargin, logEquivalence } from "../../src/analysis/equivalence.ts";
import { addPending, chooseEdges, slowerThan } from "../../src/analysis/histogram.ts";
import { logSumExp, normalCdf, poissonCdf } from "../../src/analysis/numeric.ts";
import { checkSentence, formatCount, formatDetectable, formatShare } from "../../src/analysis/sentence.ts";
import { slo } from "../../src/analysis/settings.ts";
import { isBudgetSpent, logEvidenceAgainst, logSloMet, weightBelowPage } from "../../src/analysis/sloTest.ts";
import { isOutage, pulledShare, usualShare } from "../../src/analysis/usual.ts";

describe("numeric helpers", () => {
  it.each([
    [0, 1, 0.36788],
    [2, 3, 0.42319],
    [9, 10, 0.45793],
    [-1, 3, 0],
    [4, 0, 1],
  ])("give P(X ≤ %d) at mean %d as %d", (x, mean, expected) => {
    expect(poissonCdf(x, mean)).toBeCloseTo(expected, 4);
  });

  it("are continuous where Poisson becomes normal, and do not overflow", () => {
    expect(Math.abs(poissonCdf(680, 699.9) - poissonCdf(680, 700.1))).toBeLessThan(0.01);
    expect(logSumExp([5_000, 5_000])).toBeCloseTo(5_000 + Math.LN2, 9);
    expect(logSumExp([])).toBe(-Infinity);
    expect(normalCdf(1.959964)).toBeCloseTo(0.975, 5);
  });
});

describe("over-dispersion", () => {
  it("is near 1 for single errors and the cluster's size for clusters of one size", () => {
    const single = Array.from({ length: 800 }, (_, i) => ({ total: 1_000, bad: (i >> 1) % 2 }));
    expect(successiveDispersion(single)).toBeLessThan(1.2);
    const tens = single.map(({ total, bad }) => ({ total, bad: 10 * bad }));
    expect(successiveDispersion(tens)).toBeGreaterThan(4.5);
  });

  it.each([
    ["nothing", { squares: 0, total: 0, pairs: 0 }, 1.25],
    ["little", { squares: 0, total: 1, pairs: 120 }, 1.190476],
    ["a storm", { squares: 1e9, total: 1_000, pairs: 120 }, 40],
    ["unnatural evenness", { squares: 0, total: 1e6, pairs: 120 }, 1],
  ])("stays within 1 and 40: %s", (_, sums, expected) => {
    expect(dispersionOf(sums)).toBeCloseTo(expected, 5);
  });

  it("sees a pod that is bad for ten minutes in long blocks only", () => {
    const series = Array.from({ length: 120 }, (_, i) => ({
      total: 1_000,
      bad: (Math.floor(i / 20) % 2 === 0 ? 6 : 1) + (i % 2),
    }));
    expect(measureDispersion(series)).toBeGreaterThan(successiveDispersion(series));
  });

  it("can be had from one series", () => {
    const steady = Array.from({ length: 100 }, (_, i) => ({ total: 1_000, bad: 5 + (i % 2) }));
    const bursts = steady.map(({ total }, i) => ({ total, bad: i % 10 === 0 ? 50 : 0 }));
    expect(successiveDispersion(steady)).toBe(1);
    expect(successiveDispersion(bursts)).toBeGreaterThan(10);
  });
});

describe("histograms", () => {
  const histogram = {
    edges: [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000],
    counts: [10, 50, 90, 97, 99, 100, 100, 100],
  };

  it.each([
    [100, { total: 100, bad: 50 }],
    [1_000, { total: 100, bad: 1 }],
    [1_000.0000000001, { total: 100, bad: 1 }],
    [300, undefined],
  ])("count requests slower than %d ms", (edge, expected) => {
    expect(slowerThan(histogram, 100, edge)).toEqual(expected);
  });

  it("are judged by the first five edges of the tail, and by the edge of the SLO", () => {
    const pending = addPending(undefined, histogram, histogram, 100);
    expect(chooseEdges(pending)).toEqual([250, 500, 1_000, 2_500, 5_000]);
    expect(chooseEdges(pending, 10_000)).toEqual([250, 500, 1_000, 2_500, 5_000, 10_000]);
    expect(chooseEdges(pending, 100), "half of the requests exceed it").toEqual([250, 500, 1_000, 2_500, 5_000]);
  });

  it("wait for a hundred requests, and use common edges only", () => {
    const once = addPending(undefined, histogram, { edges: [100, 250, 1_000], counts: [1, 2, 3] }, 60);
    expect(chooseEdges(once)).toBeUndefined();
    expect(chooseEdges(addPending(once, histogram, histogram, 60))).toEqual([100, 250, 1_000]);
  });
});

describe("equivalence", () => {
  it("passes a clean canary sooner the wider the margin, and never one that is worse by the margin", () => {
    const at = (total: number, bad: number, margin: number) =>
      logEquivalence({ canary: { total, bad }, rate: 0.001, margin, dispersion: 1 });
    expect(at(600, 0, 0.0088)).toBeGreaterThan(Math.log(125));
    expect(at(600, 0, 0.004)).toBeLessThan(Math.log(125));
    expect(at(5_000, 48, 0.0088)).toBeLessThan(0);
  });

  it("is tempered by clusters, though not by a dispersion that is hardly there", () => {
    const at = (dispersion: number) =>
      logEquivalence({ canary: { total: 5_000, bad: 5 }, rate: 0.001, margin: 0.0088, dispersion });
    expect(at(1.9)).toBe(at(1));
    expect(at(8)).toBeCloseTo(at(1) / 8, 9);
  });

  it("asks more of busy services, down to a doubling", () => {
    const at = (total: number) =>
      achievableMargins({
        total,
        rate: 0.001,
        widest: 0.0088,
        dispersion: 1,
        logNeeded: Math.log(125),
        slack: 1.1,
        patient: true,
        expectedBad: 0,
      });
    expect(at(465).clean).toBe(0.0088);
    expect(at(465).doubted, "a canary that has failed at all waits for more").toBeLessThan(0.006);
    expect(at(1_860).clean, "rather waits than misses five times the errors").toBeCloseTo(0.003, 9);
    expect(at(1_860).doubted).toBe(at(1_860).clean);
    expect(at(4_650).clean).toBeLessThan(0.004);
    expect(at(46_500)).toEqual({ clean: 0.001, doubted: 0.001 });
  });
});

describe("the margin", () => {
  it.each([
    ["a doubling of what is rare", 0.001, 0.001],
    ["below ten points, where a doubling would be more", 0.3, 0.08],
  ])("of a busy service is %s", (_, rate, expected) => {
    const needs = {
      total: 1e6,
      rate,
      widest: 0.0088,
      dispersion: 1,
      logNeeded: Math.log(125),
      slack: 1.1,
      expectedBad: 0,
    };
    expect(achievableMargins({ ...needs, patient: true }).clean).toBe(expected);
    expect(achievableMargins({ ...needs, total: 100, dispersion: 9, patient: true }).clean).toBeLessThan(0.1);
  });

  it("is what the user says, where that is more", () => {
    expect(firstMargin(0.2, 0.3)).toBe(0.2);
    expect(firstMargin(0.0088, 0.3)).toBe(0.08);
  });
});

describe("the test against an SLO", () => {
  const canary = slo("success", 0.999);

  it("has mean 1 at the limit", () => {
    let [mean, chance] = [0, 0.99 ** 30];
    for (let bad = 0; bad <= 30; bad++) {
      mean += chance * Math.exp(logEvidenceAgainst(0.01, { total: 30, bad }, 1));
      chance *= ((30 - bad) / (bad + 1)) * (0.01 / 0.99);
    }
    expect(mean).toBeCloseTo(1, 6);
  });

  it("says nothing about an objective that everything meets", () => {
    expect(logEvidenceAgainst(0.96, { total: 100, bad: 100 }, 1)).toBe(0);
  });

  it.each([
    [130, 1_000, 12_960_000, false],
    [132, 1_000, 12_960_000, true],
    [1_000, 1_000, undefined, false],
  ])("caps the harm: %i bad of %i with %s requests a period", (bad, total, periodRequests, expected) => {
    const settings = { ...canary, ...(periodRequests !== undefined && { periodRequests }) };
    expect(isBudgetSpent(settings, { total, bad })).toBe(expected);
  });

  it("is met by a canary that burns at 1 after enough requests, and not by one that burns at 6", () => {
    expect(logSloMet(canary, { total: 4_000, bad: 4 })).toBeGreaterThan(Math.log(125));
    expect(logSloMet(canary, { total: 4_000, bad: 24 })).toBeLessThan(0);
  });

  it("knows the weight at which the service's page would ring", () => {
    expect(weightBelowPage(0.999, 0.05)).toBe(28);
    expect(weightBelowPage(0.999, 0)).toBe(100);
  });
});

describe("an outage of the primary", () => {
  const past = { total: 100_000, bad: 100 };
  const usual = usualShare({ usual: { total: 0, bad: 0 } }, { total: 1_000, bad: 0 }, past, 20);

  it.each([
    [1, false],
    [6, false],
    [12, true],
    [50, true],
  ])("is seen by chance and size: %i bad of 1000 where one is usual", (bad, expected) => {
    expect(isOutage({ total: 1_000, bad }, usual, 1.25)).toBe(expected);
  });

  it("is not a share that is merely a bit higher at much traffic", () => {
    expect(isOutage({ total: 1e6, bad: 2_000 }, 0.001, 1)).toBe(false);
  });

  it("a quiet interval takes the usual share, a busy one its own", () => {
    expect(pulledShare({ total: 100, bad: 0 }, 0.001, 1)).toBeCloseTo(0.001, 4);
    expect(pulledShare({ total: 1e6, bad: 2_000 }, 0.001, 1)).toBeCloseTo(0.002, 4);
  });
});

describe("what was detectable", () => {
  const needs = { rate: 0.001, dispersion: 1, logNeeded: Math.log(200) };

  it.each([
    ["little", { canary: 400, primary: 4_000 }],
    ["much", { canary: 40_000, primary: 40_000 }],
  ])("names a smaller ratio with more time, after %s traffic", (_, seen) => {
    const { now, next } = detectable({ ...needs, seen, pace: { canary: 0.025, primary: 0.025 } });
    if (next !== undefined) expect(next.ratio).toBeLessThan(now ?? Infinity);
    if (next !== undefined) expect(next.ms).toBeGreaterThan(0);
    expect(now ?? next?.ratio).toBeDefined();
  });

  it("falls as traffic grows", () => {
    const at = (canary: number) =>
      detectable({ ...needs, seen: { canary, primary: canary }, pace: { canary: 0, primary: 0 } }).now ?? Infinity;
    const ratios = [100, 1_000, 10_000, 100_000, 1_000_000].map(at);
    expect(ratios).toEqual([...ratios].sort((a, b) => b - a));
    expect(ratios.at(-1)).toBe(2);
  });

  it.each([
    [{ now: 5, next: { ratio: 2, ms: 3_300_000 } }, "×5 would have shown by now, ×2 needs ~55m more at this traffic"],
    [{ now: 2 }, "×2 would have shown by now"],
    [{ now: 10 }, "×10 would have shown by now; less is out of reach"],
    [{}, "no difference would have shown by now; less is out of reach"],
  ])("is a sentence: %j", (value, sentence) => {
    expect(formatDetectable(value)).toBe(sentence);
  });
});

describe("what was detectable against an objective", () => {
  const needs = { slo: slo("success", 0.999), lastStep: false, dispersion: 1, logNeeded: Math.log(100), pace: 0.01 };

  it.each([
    ["of few requests", 200, false, 200],
    ["of more requests", 5_000, false, 50],
    ["on the last step, which allows less", 5_000, true, 20],
  ])("is a multiple of what it allows: %s", (_, seen, lastStep, now) => {
    expect(detectableAgainst({ ...needs, seen, lastStep }).now).toBe(now);
  });

  it("never is more than all requests, nor less than what fails", () => {
    expect(detectableAgainst({ ...needs, slo: slo("half", 0.5), seen: 1e6 })).toEqual({});
    const { now, next } = detectableAgainst({ ...needs, seen: 100 });
    expect(next?.ratio).toBeLessThan(now ?? Infinity);
    expect(next?.ratio).toBeGreaterThan(14.4);
  });

  it("is said as a share", () => {
    const said = formatDetectable({ now: 50, next: { ratio: 20, ms: 300_000 } }, 0.001);
    expect(said).toBe("5 % bad would have shown by now, 2 % bad needs ~5m more at this traffic");
    expect(formatDetectable({ now: 20 }, 0.001)).toBe("2 % bad would have shown by now");
  });
});

describe("sentences", () => {
  it("speak in figures that can be read", () => {
    expect(formatCount(1234567)).toBe("1 234 567");
    expect(formatShare({ total: 340, bad: 12 })).toBe("3.5 %");
    const check = {
      verdict: "Fail" as const,
      canary: { total: 340, bad: 12 },
      primary: { total: 3_012, bad: 9 },
      ratio: 11.81,
      logEvidence: Math.log(5_100),
    };
    expect(checkSentence(check, Math.log(200))).toBe(
      "worse: canary 12 of 340 bad (3.5 %), primary 9 of 3 012 bad (0.3 %), ×12; evidence 5 100 of 200",
    );
  });

  it.each([
    [0, 0, "of either version"],
    [0, 500, "of the canary"],
    [500, 0, "of the primary"],
  ])("say so when nobody was counted: %d canary, %d primary", (canary, primary, whose) => {
    const none = { verdict: "Undecided" as const, logEvidence: 0, detectable: {} };
    const counts = { canary: { total: canary, bad: 0 }, primary: { total: primary, bad: 0 } };
    expect(checkSentence({ ...none, ...counts }, Math.log(200))).toBe(
      `undecided: no requests ${whose} were counted yet; those of the start are forgiven`,
    );
  });
});
