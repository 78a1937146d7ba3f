/**
 * `npm run bench:analysis`: the production judge in a simulated world, beside Flagger's rule, Kayenta's Mann-Whitney
 * (looking at every interval, and once at the end) and a naive z-test, all on the same draws.
 *
 *   --scenarios FILE…   scenario files (docs/scenarios.md); left out: all that stand beside this program
 *   --only NAME,…       scenarios of these names only;  --rates 5,50: at these rates only
 *   --judges NAME,…     aviary, flagger, kayenta-peek, kayenta-end, z-test
 *   --seed N --runs N   1 and 200;  --threads N: 2
 *   --json              one JSON object a line instead of the table
 *   --bars              also checks the bars, and exits with 1 when one is missed
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { checkBars } from "./bars.ts";
import { isJudgeName, judgeNames, type JudgeName } from "./judges/index.ts";
import { performAll } from "./pool.ts";
import { readScenarios, type Scenario } from "./scenario.ts";
import { barLines, tableLines } from "./table.ts";
import { tally, type Tally } from "./tally.ts";
import type { Task } from "./worker.ts";

/** Runs in one task: enough to make the thread worth it, few enough to share the work evenly. */
const CHUNK = 50;

interface Options {
  readonly scenarios: readonly Scenario[];
  readonly rates?: readonly number[];
  readonly judges: readonly JudgeName[];
  readonly seed: number;
  readonly runs: number;
  readonly threads: number;
}

function ownScenarios(): string[] {
  const folder = join(import.meta.dirname, "scenarios");
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => join(folder, file));
}

function judgesOf(names: string): JudgeName[] {
  return names.split(",").map((name) => {
    if (!isJudgeName(name)) throw new Error(`--judges: ${name} is not one of ${judgeNames.join(", ")}`);
    return name;
  });
}

function readOptions(): Options & { readonly json: boolean; readonly bars: boolean } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      scenarios: { type: "string", multiple: true, default: [] },
      only: { type: "string" },
      rates: { type: "string" },
      judges: { type: "string", default: judgeNames.join(",") },
      seed: { type: "string", default: "1" },
      runs: { type: "string", default: "200" },
      threads: { type: "string", default: "2" },
      json: { type: "boolean", default: false },
      bars: { type: "boolean", default: false },
    },
  });
  // `--scenarios a.json b.json`: what follows the first file is positional.
  const files = [...values.scenarios, ...positionals];
  const scenarios = (files.length === 0 ? ownScenarios() : files).flatMap(readScenarios);
  const only = values.only?.split(",");
  return {
    scenarios: scenarios.filter(({ name }) => only === undefined || only.includes(name)),
    ...(values.rates !== undefined && { rates: values.rates.split(",").map(Number) }),
    judges: judgesOf(values.judges),
    seed: wholeNumber("--seed", values.seed),
    runs: wholeNumber("--runs", values.runs),
    threads: wholeNumber("--threads", values.threads),
    json: values.json,
    bars: values.bars,
  };
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${name}: ${text} is not a whole number from 1 on`);
  return value;
}

function tasksOf({ scenarios, rates, judges, seed, runs }: Options): Task[] {
  const tasks: Task[] = [];
  for (const scenario of scenarios) {
    for (const rps of scenario.rates.filter((rate) => rates === undefined || rates.includes(rate))) {
      for (let from = 0; from < runs; from += CHUNK) {
        tasks.push({ id: tasks.length, scenario, rps, seed, from, to: Math.min(runs, from + CHUNK), judges });
      }
    }
  }
  return tasks;
}

async function tallies(options: Options): Promise<Tally[]> {
  const tasks = tasksOf(options);
  const done = await performAll(tasks, options.threads);
  const groups = Map.groupBy(tasks, ({ scenario, rps }) => `${scenario.name} ${rps}`);
  return [...groups.values()].flatMap((group) =>
    options.judges.flatMap((judge) => {
      const outcomes = group.flatMap(({ id }) => done[id]?.outcomes[judge] ?? []);
      const [first] = group;
      return first === undefined ? [] : [tally(first.scenario.name, first.rps, judge, outcomes)];
    }),
  );
}

async function main(): Promise<void> {
  const options = readOptions();
  const results = await tallies(options);
  const bars = options.bars ? checkBars(options.scenarios, results) : [];
  if (options.json) {
    for (const result of results) console.log(JSON.stringify({ seed: options.seed, ...result }));
    for (const bar of bars) console.log(JSON.stringify({ seed: options.seed, bar }));
  } else {
    for (const line of [...tableLines(options.scenarios, results), "", ...barLines(bars)]) console.log(line);
  }
  process.exitCode = bars.every(({ holds }) => holds) ? 0 : 1;
}

await main();
