/**
 * `npm run plots`: draws the figures of docs/analysis.md from the bench's own judges and draws, into docs/plots. The same
 * numbers give the same files.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatCount } from "../../../../src/analysis/sentence.ts";
import { aviary } from "../judges/aviary.ts";
import type { JudgeName } from "../judges/index.ts";
import { scenarioOf, type Scenario } from "../scenario.ts";
import { tally, type Tally } from "../tally.ts";
import { perform } from "../worker.ts";
import { buildWorld, Run } from "../world.ts";
import { svgOf, type Chart, type Line } from "./chart.ts";

/** Neither one of development nor of the proof: a figure proves nothing. */
const SEED = 42;
const RUNS = 300;
const JUDGES: readonly JudgeName[] = ["aviary", "flagger", "kayenta-peek", "z-test"];
const PERCENT = [0, 25, 50, 75, 100];

function judged(scenario: Scenario, rps: number, judge: JudgeName): Tally {
  const { outcomes } = perform({ id: 0, scenario, rps, seed: SEED, from: 0, to: RUNS, judges: [judge] });
  return tally(scenario.name, rps, judge, outcomes[judge] ?? []);
}

/** From 0.1 % at the primary to so many percent at the canary. */
function regression(percent: number): Scenario {
  const canaryIs = percent <= 0.1 ? "healthy" : "regression";
  return scenarioOf({ name: `to-${percent}`, canaryIs, canary: { errorRate: percent / 100 } });
}

function byErrorRate(): Chart {
  const rates = [0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20];
  const lines = JUDGES.map((judge): Line => {
    return {
      name: judge,
      points: rates.map((rate) => [rate, judged(regression(rate), 50, judge).rolledBack] as const),
    };
  });
  return {
    title: "Rolled back, by how often the canary fails (the primary: 0.1 %; 50 requests a second)",
    description: "Share of runs that each judge rolls back. At 0.1 % the canary is healthy.",
    x: { label: "requests that fail at the canary, %", ticks: [0.1, 0.2, 0.5, 1, 2, 5, 10, 20], isLog: true },
    y: { label: "rolled back, % of runs", ticks: PERCENT },
    lines,
  };
}

function byTraffic(): Chart {
  const rates = [2, 5, 10, 20, 50, 100, 200, 500, 1_000];
  const lines = JUDGES.map((judge): Line => {
    const tallies = rates.map((rps) => judged(regression(1), rps, judge));
    // A median of the few that were found would flatter.
    const found = tallies.filter(({ rolledBack }) => rolledBack >= 50);
    return { name: judge, points: found.map(({ rps, rollbackMinute = 0 }) => [rps, rollbackMinute] as const) };
  });
  return {
    title: "Median time until rollback, by traffic (0.1 % at the primary, 1 % at the canary)",
    description: "Only where a judge rolls back at least half of the runs.",
    x: {
      label: "requests a second, both versions together",
      ticks: [2, 5, 10, 20, 50, 100, 200, 500, 1_000],
      isLog: true,
    },
    y: { label: "minutes since the first weight", ticks: [0, 5, 10, 15, 20, 25, 30, 35] },
    lines,
  };
}

function evidenceOverTime(): Chart {
  const outages = [{ fromMinute: 2, toMinute: 3, errorRate: 0.05 }];
  const base = { canaryIs: "healthy" as const, minMinutes: 12 };
  const scenarios = [
    scenarioOf({ ...base, name: "healthy" }),
    scenarioOf({ ...base, name: "healthy, both fail in minute 3", outages }),
    scenarioOf({ ...base, name: "0.1 to 0.5 %", canary: { errorRate: 0.005 } }),
    scenarioOf({ ...base, name: "0.1 to 2 %", canary: { errorRate: 0.02 } }),
  ];
  const lines = scenarios.map((scenario): Line => {
    const points: [number, number][] = [[0, 1]];
    aviary(new Run(buildWorld(scenario, 50), SEED, 0), ({ logEvidence }, minute) => {
      if (minute <= 12) points.push([minute, Math.exp(logEvidence)]);
    });
    return { name: scenario.name, points };
  });
  return {
    title: "Evidence of single runs over time (50 requests a second)",
    description: "The combined evidence of errors and latency after each look, until the run ends or the axis does.",
    x: { label: "minutes since the first weight", ticks: [0, 2, 4, 6, 8, 10, 12] },
    y: {
      label: "evidence",
      ticks: [0.01, 0.1, 1, 10, 100, 1_000, 10_000],
      format: (value) => (value < 1 ? String(value) : formatCount(value)),
      isLog: true,
    },
    lines,
    threshold: { at: 100, label: "100: shown to be worse" },
  };
}

function falseAlarms(): Chart {
  const scenario = scenarioOf({
    name: "healthy at 1 %",
    canaryIs: "healthy",
    minMinutes: 36,
    primary: { errorRate: 0.01 },
    canary: { errorRate: 0.01 },
  });
  const lines = JUDGES.map((judge): Line => {
    const { outcomes } = perform({ id: 0, scenario, rps: 50, seed: SEED, from: 0, to: 1_000, judges: [judge] });
    const ended = (outcomes[judge] ?? []).filter(({ end }) => end === "rolledBack").map(({ minute }) => minute * 2);
    const looks = Array.from({ length: 73 }, (_, look) => look);
    return { name: judge, points: looks.map((look) => [look, ended.filter((at) => at <= look).length / 10] as const) };
  });
  return {
    title: "Healthy canaries rolled back, by the number of looks (1 % of failures in both versions)",
    description: "Share of 1000 runs that were rolled back up to each look, one every 30 s.",
    x: { label: "looks, one every 30 s", ticks: [0, 12, 24, 36, 48, 60, 72] },
    y: { label: "rolled back so far, % of runs", ticks: [0, 10, 20, 30, 40, 50, 60] },
    lines,
  };
}

const folder = join(import.meta.dirname, "../../../../docs/plots");
const plots = { "error-rate": byErrorRate, traffic: byTraffic, evidence: evidenceOverTime, looks: falseAlarms };
mkdirSync(folder, { recursive: true });
for (const [name, draw] of Object.entries(plots)) writeFileSync(join(folder, `${name}.svg`), svgOf(draw()));
console.log(`docs/plots: ${Object.keys(plots).join(", ")}`);
