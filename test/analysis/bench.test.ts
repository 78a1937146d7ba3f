import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isHigh } from "../bench/analysis/judges/kayenta.ts";
import { PROOF_SEEDS } from "../bench/analysis/options.ts";
import { percentile } from "../bench/analysis/percentile.ts";
import { svgOf } from "../bench/analysis/plots/chart.ts";
import { binomial, clustered, poisson, seeded } from "../../src/sandbox/simulation/draws.ts";
import { valueAt } from "../../src/lib/curve.ts";
import { readScenarios } from "../bench/analysis/scenario.ts";
import { perform } from "../bench/analysis/worker.ts";
import { buildWorld, Run } from "../bench/analysis/world.ts";

const scenarios = readScenarios("test/bench/analysis/scenarios/reference.json");

function scenario(name: string) {
  const found = scenarios.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

describe("draws", () => {
  it.each<[string, number, number, (random: () => number) => number]>([
    ["few Poisson", 3, 3, (random) => poisson(random, 3)],
    ["many Poisson", 400, 400, (random) => poisson(random, 400)],
    ["few binomial", 5, 4.75, (random) => binomial(random, 100, 0.05)],
    ["many binomial", 300, 210, (random) => binomial(random, 1_000, 0.3)],
    ["mostly binomial", 950, 47.5, (random) => binomial(random, 1_000, 0.95)],
    ["clustered", 50, 450, (random) => clustered(random, 10_000, 0.005, 5)],
  ])("have the right mean and variance: %s", (_, mean, variance, draw) => {
    const random = seeded(42);
    const values = Array.from({ length: 20_000 }, () => draw(random));
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    const spread = values.reduce((sum, value) => sum + (value - average) ** 2, 0) / values.length;
    expect(Math.abs(average / mean - 1)).toBeLessThan(0.02);
    expect(Math.abs(spread / variance - 1)).toBeLessThan(0.06);
  });

  it("are the same for the same run, look and weight, and others for another seed", () => {
    const world = buildWorld(scenario("B3"), 50);
    expect(new Run(world, 1, 7).draw(3, 20)).toEqual(new Run(world, 1, 7).draw(3, 20));
    expect(new Run(world, 1, 7).draw(3, 20)).not.toEqual(new Run(world, 2, 7).draw(3, 20));
  });
});

describe("a world", () => {
  it.each([
    [5, 5],
    [
      [
        [0, 1],
        [10, 3],
      ] as [number, number][],
      2,
    ],
    [[[6, 4]] as [number, number][], 4],
    [
      [
        [0, 1],
        [2, 9],
      ] as [number, number][],
      9,
    ],
  ])("follows its curves: %j at minute 5 is %d", (curve, expected) => {
    expect(valueAt(curve, 5)).toBe(expected);
  });

  it("has its outage in both arms and its cold start in one", () => {
    const outage = buildWorld(scenario("H3"), 50);
    expect(outage.moments[4]?.canary[0]?.errorRate).toBe(0.05);
    expect(outage.moments[4]?.primary[0]?.errorRate).toBe(0.05);
    expect(outage.moments[6]?.primary[0]?.errorRate).toBe(0.001);
    const cold = buildWorld(scenario("H6"), 50);
    const slowAt = (look: number) => 1 - (cold.moments[look]?.canary[0]?.within[5] ?? 1);
    expect(slowAt(2)).toBeGreaterThan(0.1);
    expect(slowAt(3)).toBeLessThan(0.02);
  });
});

describe("the judges on the same draws", () => {
  const names = ["aviary", "flagger", "kayenta-peek", "z-test"] as const;
  const share = (name: string, end: string, judge: (typeof names)[number]) => {
    const { outcomes } = perform({ id: 0, scenario: scenario(name), rps: 50, seed: 5, from: 0, to: 30, judges: names });
    return (outcomes[judge] ?? []).filter((outcome) => outcome.end === end).length / 30;
  };

  it("all find a gross regression", () => {
    for (const judge of names) expect(share("B5", "rolledBack", judge), judge).toBe(1);
  });

  it("differ where it matters: a healthy service during an outage that both arms share", () => {
    expect(share("H3", "promoted", "aviary")).toBe(1);
    expect(share("H3", "rolledBack", "z-test")).toBeGreaterThan(0.5);
  });
});

it("asks the production judge, and has no copy of it", () => {
  const source = readFileSync("test/bench/analysis/judges/aviary.ts", "utf8");
  expect(source).toContain('import { judge, startJudging } from "../../../../src/analysis/judge.ts";');
  expect(source).toContain('from "../../../../src/analysis/past.ts"');
  expect(source).not.toMatch(/Math\.(log|exp)/);
});

describe("the bench's command line", () => {
  const bench = (...args: string[]) =>
    spawnSync(process.execPath, ["test/bench/analysis/main.ts", ...args], { encoding: "utf8" });

  it.each([
    [["--seed", "one"], "one is not a whole number from 1 on"],
    [["--scenarios", "none.json"], "none.json: ENOENT"],
    [["--only", "H7"], "--only: no scenario H7; there are "],
  ])("answers %j by a sentence and not by a stack", (args, sentence) => {
    const { status, stderr } = bench(...args);
    expect(stderr).toContain(sentence);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(status).toBe(1);
  });

  it("tells its usage, and which seeds the proof is made on", () => {
    const { status, stdout } = bench("--help");
    expect(stdout).toContain("--scenarios <file...>");
    expect(stdout).toContain(`(default: ${PROOF_SEEDS.join(",")})`);
    expect(status).toBe(0);
  });

  it("prints the same draws beside each other, and whether the bars hold", () => {
    const { status, stdout } = bench("--only", "B5", "--rates", "50", "--seed", "3,4", "--runs", "10");
    expect(stdout).toMatch(/\| B5 0.1 to 20 % \| 50 \| aviary \| 100 \| 0 \| 0 \| 1 \| \d+ \| – \|/);
    expect(stdout).toMatch(/\| B5 0.1 to 20 % \| 50 \| flagger \| 100 \|/);
    expect(stdout).toMatch(/\n(\d+) of \1 bars hold, 0 missed; 10 runs, seeds 3, 4\n$/);
    expect(status).toBe(0);
  });
});

describe("a chart", () => {
  it("is the same for the same numbers, for light and dark pages, and keeps lines within its axes", () => {
    const chart = {
      title: "a < b",
      description: "",
      x: { label: "x", ticks: [1, 10, 100], isLog: true },
      y: { label: "y", ticks: [0, 50] },
      lines: [{ name: "one", points: [[10, 25] as const, [1_000, 99] as const] }],
    };
    const svg = svgOf(chart);
    expect(svgOf(chart)).toBe(svg);
    expect(svg).toContain('points="403,211 736,76"');
    expect(svg).toContain("a &lt; b");
    expect(svg).toContain("prefers-color-scheme:dark");
  });
});

describe("the ported rules", () => {
  it.each<[string, number[], number[], boolean]>([
    ["three against three points that do not overlap are High", [11, 12, 13], [1, 2, 3], true],
    ["and so is one against one", [5], [1], true],
    ["equal arms are not", [1, 2, 3, 4], [1, 2, 3, 4], false],
    ["nor rare errors", [...Array<number>(10).fill(0), 1, 2, 3, 4, 5], [...Array<number>(14).fill(0), 1], false],
    ["nor a canary that is better", [1, 2, 3], [11, 12, 13], false],
  ])("of Kayenta: %s", (_, canary, primary, expected) => {
    expect(isHigh({ canary, primary })).toBe(expected);
  });

  it.each([
    [0.5, 75],
    [0.99, 244],
    [1, 250],
  ])("read percentile %d from buckets as PromQL does", (share, expected) => {
    expect(percentile({ edges: [50, 100, 250], counts: [25, 75, 100] }, 100, share)).toBeCloseTo(expected, 0);
  });
});
