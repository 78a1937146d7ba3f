import { describe, expect, it } from "vitest";
import { judge, startJudging } from "../../src/analysis/judge.ts";
import { defaultSettings as defaults, errorComparison, eventComparison, slo } from "../../src/analysis/settings.ts";
import type { Interval, Judgement, JudgeSettings, JudgeState } from "../../src/analysis/types.ts";

const START = 1_790_000_000_000;
/** The primary of `healthy`, an hour long. */
const history = { errors: { count: { total: 144_000, bad: 480 }, dispersion: 1 } };
const defaultSettings: JudgeSettings = { ...defaults, history };
const EDGES = [50, 100, 250, 500, 1_000];

interface Traffic {
  readonly canary: readonly [requests: number, errors: number];
  readonly primary: readonly [requests: number, errors: number];
  /** Of both arms, unless the canary has its own: share of requests slower than 250 ms. */
  readonly slow?: readonly [canary: number, primary: number];
  readonly events?: Readonly<Record<string, readonly [canary: number, primary: number]>>;
}

function interval(look: number, { canary, primary, slow = [0.01, 0.01], events = {} }: Traffic): Interval {
  const arm = ([requests, errors]: readonly [number, number], share: number, index: 0 | 1) => ({
    requests,
    errors,
    latency: {
      edges: EDGES,
      counts: [0.1, 0.5, 1 - share, 1 - share / 4, 1].map((part) => Math.round(requests * part)),
    },
    events: Object.fromEntries(
      Object.entries(events).map(([name, bad]) => [name, { total: requests, bad: bad[index] }]),
    ),
  });
  return {
    from: START + look * 30_000,
    to: START + (look + 1) * 30_000,
    canary: arm(canary, slow[0], 0),
    primary: arm(primary, slow[1], 1),
  };
}

interface Watched {
  readonly state: JudgeState;
  readonly judgements: readonly Judgement[];
}

function watch(
  settings: JudgeSettings,
  looks: number,
  traffic: (look: number) => Traffic,
  between = (state: JudgeState) => state,
): Watched {
  let state = startJudging(START, settings);
  const judgements: Judgement[] = [];
  for (let look = 0; look < looks; look++) {
    const looked = judge(between(state), interval(look, traffic(look)), { settings, lastStep: look > 8 });
    state = looked.state;
    judgements.push(looked.judgement);
  }
  return { state, judgements };
}

const healthy = (): Traffic => ({ canary: [300, 1], primary: [1_200, 4] });
const worse = (): Traffic => ({ canary: [300, 15], primary: [1_200, 4] });

describe("the judge", () => {
  it("passes a healthy canary once it has seen enough, and lets every step go on until then", () => {
    const { judgements } = watch(defaultSettings, 14, healthy);
    expect(judgements.at(-1)).toMatchObject({ verdict: "Pass", mayAdvance: true });
    expect(judgements[1]?.verdict).toBe("Undecided");
    expect(judgements.every(({ mayAdvance }) => mayAdvance)).toBe(true);
    expect(judgements.at(-1)?.message).toBe("all 2 checks pass");
  });

  it("fails a worse canary by three looks that count, for good, and says by what", () => {
    const { judgements, state } = watch(defaultSettings, 8, (look) => (look < 4 ? worse() : healthy()));
    const first = judgements.findIndex(({ verdict }) => verdict === "Fail");
    expect(first).toBe(3);
    expect(judgements.slice(first).every(({ verdict }) => verdict === "Fail")).toBe(true);
    expect(state.failed).toMatchObject({ check: "errors", cause: "Evidence" });
    expect(judgements[first]?.message).toContain("errors: worse: canary 45 of 900 bad (5 %)");
  });

  it("fails a gross canary at the first look that counts", () => {
    const { state } = watch(defaultSettings, 2, () => ({ canary: [50, 20], primary: [950, 1] }));
    expect(state.failed).toMatchObject({ cause: "FailFast", at: START + 60_000 });
  });

  it("fails a canary that is slower in the tail", () => {
    const { state } = watch(defaultSettings, 8, () => ({ ...healthy(), slow: [0.1, 0.01] }));
    expect(state.failed).toMatchObject({ check: "latency", cause: "Evidence" });
  });

  it.each([
    ["a faster canary", (): Traffic => ({ ...healthy(), slow: [0.001, 0.02] })],
    ["a canary with fewer errors", (): Traffic => ({ canary: [300, 0], primary: [1_200, 7] })],
    [
      "an outage that both arms share",
      (look: number): Traffic => (look === 5 ? { canary: [300, 60], primary: [1_200, 240] } : healthy()),
    ],
    ["a cold start that is over", (look: number): Traffic => ({ ...healthy(), slow: [look < 3 ? 0.15 : 0.01, 0.01] })],
    [
      "errors while the route changes",
      (look: number): Traffic => (look === 0 ? { canary: [30, 20], primary: [1_200, 4] } : healthy()),
    ],
  ])("does not fail %s", (_, traffic) => {
    const { judgements } = watch(defaultSettings, 16, traffic);
    expect(judgements.map(({ verdict }) => verdict)).not.toContain("Fail");
    expect(judgements.at(-1)?.verdict).toBe("Pass");
  });

  it.each<[string, Traffic["canary"], Traffic["canary"]]>([
    ["two bad requests", [50, 2], [10, 0]],
    ["fewer than twenty requests", [4, 2], [3, 1]],
  ])("never fails on %s", (_, first, then) => {
    const { judgements } = watch(defaultSettings, 5, (look) => ({
      canary: look === 1 ? first : then,
      primary: [1e6, 0],
    }));
    expect(judgements.at(-1)?.logEvidence).toBeGreaterThan(Math.log(100));
    expect(judgements.map(({ verdict }) => verdict)).not.toContain("Fail");
  });

  it("neither passes nor fails silence, and says so", () => {
    const { judgements } = watch(defaultSettings, 20, (look) =>
      look < 14 ? healthy() : { canary: [0, 0], primary: [1_200, 4] },
    );
    expect(judgements[13]?.verdict).toBe("Pass");
    expect(judgements.at(-1)).toMatchObject({ verdict: "NoData", mayAdvance: false });
    expect(judgements.at(-1)?.message).toContain("no data");
  });

  it("says what it could have seen while it is undecided", () => {
    const { judgements } = watch(defaultSettings, 12, () => ({ canary: [12, 0], primary: [48, 0] }));
    expect(judgements.at(-1)?.verdict).toBe("Undecided");
    expect(judgements.at(-1)?.message).toMatch(/undecided: .*(would have shown by now|needs ~)/);
  });
});

describe("the judge's state", () => {
  it.each([
    ["a healthy canary", healthy],
    ["a worse canary", (): Traffic => ({ canary: [300, 3], primary: [1_200, 4] })],
  ])("goes on exactly after a round trip through JSON at every look: %s", (_, traffic) => {
    const settings = { ...defaultSettings, slos: [slo("success", 0.999)] };
    const plain = watch(settings, 30, traffic);
    const stored = watch(settings, 30, traffic, (state) => JSON.parse(JSON.stringify(state)) as JudgeState);
    expect(stored).toEqual(plain);
  });

  it("is not changed by looking, and stays small however long it runs", () => {
    const before = startJudging(START, defaultSettings);
    const copy = structuredClone(before);
    judge(before, interval(0, healthy()), { settings: defaultSettings, lastStep: false });
    expect(before).toEqual(copy);
    const size = (looks: number) => JSON.stringify(watch(defaultSettings, looks, healthy).state).length;
    expect(size(500)).toBeLessThan(4_500);
    expect(size(500)).toBeLessThan(size(20) * 1.3);
  });

  it.each<[string, Interval]>([
    ["overlaps what was judged", { ...interval(3, healthy()), from: START + 45_000 }],
    ["ends before it begins", { ...interval(9, healthy()), to: START }],
    ["counts more errors than requests", { ...interval(9, healthy()), canary: { requests: 5, errors: 6 } }],
    ["counts nonsense", { ...interval(9, healthy()), primary: { requests: NaN, errors: 0 } }],
  ])("is not changed by an interval that %s", (_, bad) => {
    const { state } = watch(defaultSettings, 4, healthy);
    expect(judge(state, bad, { settings: defaultSettings, lastStep: false }).state).toBe(state);
  });

  it("does not mind a gap: a missed look loses its data and nothing else", () => {
    const settings = defaultSettings;
    let state = startJudging(START, settings);
    for (const look of [0, 1, 2, 7, 8, 9, 14, 15, 16, 17]) {
      state = judge(state, interval(look, worse()), { settings, lastStep: false }).state;
    }
    expect(state.failed).toMatchObject({ check: "errors" });
  });
});

describe("a primary of which nothing is known from before", () => {
  it("makes the judge slower, not blind", () => {
    expect(watch(defaults, 14, worse).state.failed).toMatchObject({ check: "errors" });
    expect(watch(defaults, 40, healthy).judgements.at(-1)?.verdict).toBe("Pass");
  });

  it("may have an outage", () => {
    const { judgements } = watch(defaults, 40, (look) =>
      look === 5 ? { canary: [300, 60], primary: [1_200, 240] } : healthy(),
    );
    expect(judgements.map(({ verdict }) => verdict)).not.toContain("Fail");
    expect(judgements.at(-1)?.verdict).toBe("Pass");
  });

  it("does not have what is left of an outage taken for the way in which its failures come", () => {
    const half = (look: number): Traffic => {
      if (look === 6) return { canary: [300, 60], primary: [1_200, 240] };
      return look === 4 || look === 5 ? { canary: [300, 300], primary: [1_200, 1_200] } : healthy();
    };
    const { judgements } = watch(defaults, 14, half);
    expect(judgements.at(-1)?.checks.find(({ name }) => name === "errors")?.dispersion).toBeLessThan(4);
  });
});

describe("several checks", () => {
  const custom = { ...defaultSettings, comparisons: [...defaultSettings.comparisons, eventComparison("orders")] };
  const orders = (): Traffic => ({ ...healthy(), events: { orders: [30, 20] } });

  it("fail by one counter of the user's", () => {
    expect(watch(custom, 8, orders).state.failed).toMatchObject({ check: "orders" });
  });

  it("only report where they are told to, with what they would have said", () => {
    const reporting = {
      ...custom,
      comparisons: [errorComparison, { ...eventComparison("orders"), mode: "Report" as const }],
    };
    const { judgements, state } = watch(reporting, 14, orders);
    expect(state.failed).toBeUndefined();
    expect(judgements.at(-1)?.verdict).toBe("Pass");
    expect(judgements.at(-1)?.checks.find(({ name }) => name === "orders")).toMatchObject({
      mode: "Report",
      verdict: "Fail",
    });
  });

  it("wait for a counter that is missing instead of failing or passing", () => {
    const { judgements } = watch(custom, 14, healthy);
    expect(judgements.at(-1)?.verdict).toBe("NoData");
  });

  it("stop a canary that has burnt its share of the error budget, even when the primary is as bad", () => {
    const settings = { ...defaultSettings, slos: [{ ...slo("success", 0.999), periodRequests: 1_000_000 }] };
    const { state } = watch(settings, 8, () => ({ canary: [300, 6], primary: [1_200, 24] }));
    expect(state.failed).toMatchObject({ check: "success", cause: "Budget" });
  });

  it("say of an objective that is undecided what share of bad requests would have shown", () => {
    const settings = { ...defaultSettings, comparisons: [], slos: [slo("success", 0.999)] };
    const [first] = watch(settings, 4, () => ({ canary: [60, 0], primary: [0, 0] })).judgements.slice(-1);
    expect(first?.checks[0]).toMatchObject({ verdict: "Undecided", detectable: { now: 200 } });
    expect(first?.message).toMatch(
      /undecided: canary 0 of 180 bad .*; 20 % bad would have shown by now, 5 % bad needs ~/,
    );
  });

  it("judge an SLO without a primary", () => {
    const settings = { ...defaultSettings, comparisons: [], slos: [slo("success", 0.99)] };
    const good = watch(settings, 10, () => ({ canary: [300, 1], primary: [0, 0] }));
    const bad = watch(settings, 10, () => ({ canary: [300, 90], primary: [0, 0] }));
    expect(good.judgements.at(-1)?.verdict).toBe("Pass");
    expect(good.judgements.at(-1)?.message).toContain("within the objective");
    expect(bad.state.failed).toMatchObject({ check: "success", cause: "Evidence" });
  });
});
