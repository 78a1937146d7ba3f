import { describe, expect, it } from "vitest";
import { excludesOutage, mostOf } from "../../src/analysis/burst.ts";
import { judge, startJudging } from "../../src/analysis/judge.ts";
import { historyFrom } from "../../src/analysis/past.ts";
import { defaultSettings, errorComparison } from "../../src/analysis/settings.ts";
import type { ArmCounts, History, JudgeState } from "../../src/analysis/types.ts";

type Pair = readonly [requests: number, errors: number];

function counts([canary, primary]: readonly [Pair, Pair]): ArmCounts {
  return { canary: { total: canary[0], bad: canary[1] }, primary: { total: primary[0], bad: primary[1] } };
}

/** Lives through intervals of 30 s, of the errors alone. Nobody promotes before the twelfth has ended. */
function lived(errors: History, intervals: readonly (readonly [Pair, Pair])[]) {
  const settings = { ...defaultSettings, comparisons: [errorComparison], history: { errors } };
  let state: JudgeState = startJudging(0, settings);
  const verdicts = intervals.map(([canary, primary], look) => {
    const arm = ([requests, bad]: Pair) => ({ requests, errors: bad });
    const interval = { from: look * 30_000, to: (look + 1) * 30_000, canary: arm(canary), primary: arm(primary) };
    const looked = judge(state, interval, { settings, lastStep: true });
    state = looked.state;
    return looked.judgement.verdict;
  });
  return { state, failedAt: verdicts.indexOf("Fail"), passedAt: verdicts.indexOf("Pass", 11) };
}

/** 2 requests a second, 0.1 % bad. */
const quietHour: History = { count: { total: 7_200, bad: 7 }, long: { total: 43_200, bad: 43 }, dispersion: 1 };
const calm = [
  [20, 0],
  [40, 0],
] as const;
const burst = [
  [20, 12],
  [40, 0],
] as const;
const outage = [
  [20, 12],
  [40, 14],
] as const;
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

describe("what happens to one interval", () => {
  it.each([
    ["one burst, in which a quiet primary fails never", [...times(6, calm), burst, ...times(30, calm)]],
    ["two in a row, as an outage of a minute may have them", [...times(6, calm), burst, burst, ...times(8, calm)]],
    ["an outage that met the canary first", [...times(6, calm), burst, burst, outage, ...times(30, calm)]],
    ["a primary that is calm by chance in it", [...times(6, calm), outage, burst, burst, outage, ...times(30, calm)]],
  ])("fails no canary of a quiet service: %s", (_, intervals) => {
    expect(lived(quietHour, intervals).failedAt).toBe(-1);
  });

  it("does when it goes on", () => {
    expect(lived(quietHour, [...times(6, calm), ...times(4, burst)]).failedAt).toBe(8);
  });

  /** The primary has a quarter of the requests, as at a weight of 80. */
  const beside = (canaryBad: number, primaryBad: number) =>
    [
      [40, canaryBad],
      [10, primaryBad],
    ] as const;

  it("needs twice as many intervals where the primary has too few requests to have shown an outage", () => {
    expect(lived(quietHour, [...times(6, beside(0, 0)), ...times(5, beside(24, 0)), beside(0, 0)]).failedAt).toBe(-1);
    expect(lived(quietHour, [...times(6, beside(0, 0)), ...times(6, beside(24, 0))]).failedAt).toBe(11);
  });

  it("does not for minutes after an outage, where the primary needs minutes for a hundred requests", () => {
    const after = [beside(24, 6), ...times(9, beside(24, 0)), ...times(10, beside(0, 0))];
    expect(lived(quietHour, [...times(6, beside(0, 0)), ...after]).failedAt).toBe(-1);
  });

  it("does at once in a busy service, whose primary would have shown an outage", () => {
    const busy = (bad: number) =>
      [
        [2_000, bad],
        [4_000, 4],
      ] as const;
    const history = { count: { total: 720_000, bad: 720 }, dispersion: 1 };
    expect(lived(history, [busy(2), busy(1_200)]).failedAt).toBe(1);
  });
});

it.each<[string, ArmCounts, "errors" | "latency", number, boolean]>([
  ["nothing bad", counts([calm[0], calm[1]]), "errors", 2.5, false],
  ["a primary of twice the requests", counts(burst), "errors", 2.5 + 1.2, false],
  [
    "a primary that fails as well",
    counts([
      [20, 12],
      [400, 240],
    ]),
    "errors",
    2.5 + 0.58,
    false,
  ],
  [
    "a primary of a hundred times the requests",
    counts([
      [20, 2],
      [2_000, 2],
    ]),
    "errors",
    2.5 + 10,
    true,
  ],
  [
    "slow answers, whatever the primary",
    counts([
      [20, 2],
      [2_000, 2],
    ]),
    "latency",
    5,
    true,
  ],
])(
  "clips what an interval may say by whether the primary would have shown it: %s",
  (_, interval, kind, most, excludes) => {
    expect(mostOf(interval, kind)).toBeCloseTo(most, 1);
    expect(excludesOutage(interval)).toBe(excludes);
  },
);

describe("a canary without a single failure in the first minutes", () => {
  const at = (requests: number) =>
    [
      [requests, 0],
      [requests, 0],
    ] as const;
  const past = (requests: number): History => ({
    count: { total: requests * 120, bad: requests * 0.12 },
    long: { total: requests * 720, bad: requests * 0.72 },
    dispersion: 1,
  });

  it("passes where five times as many failures would not show in the whole rollout anyway", () => {
    expect(lived(past(48), times(40, at(48))).passedAt).toBe(11);
  });

  it("waits where they would", () => {
    expect(lived(past(60), times(40, at(60))).passedAt).toBeGreaterThanOrEqual(20);
  });
});

describe("what is known of the primary before", () => {
  it("is the newest hour, and all hours beside it", () => {
    const series = [...times(120, { total: 100, bad: 2 }), ...times(120, { total: 50, bad: 0 })];
    expect(historyFrom(series)).toMatchObject({ count: { total: 6_000, bad: 0 }, long: { total: 18_000, bad: 240 } });
  });

  it.each([
    ["whose share all hours tell better", 2, 4],
    ["whose own share counts where it differs", 12, 12],
  ])("is an hour %s", (_, bad, expected) => {
    const some = (steps: number, every: number) =>
      Array.from({ length: steps }, (__, step) => ({ total: 50, bad: step % every === 0 ? 1 : 0 }));
    const { count } = historyFrom([...some(1_320, 30), ...some(120, 120 / bad)]);
    expect(count.total).toBe(6_000);
    expect(Math.round(count.bad)).toBe(expected);
  });

  it("is the same where there is no more than an hour", () => {
    expect(historyFrom(times(100, { total: 100, bad: 2 }))).not.toHaveProperty("long");
  });
});
