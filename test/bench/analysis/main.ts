/**
 * `npm run bench:analysis`: the production judge in a simulated world, beside the rules of the peers, on the same draws.
 * `--help` and docs/scenarios.md tell the options.
 */
import { checkBars, type Bar } from "./bars.ts";
import { readOptions, type Options } from "./options.ts";
import { performAll } from "./pool.ts";
import { barLines, tableLines } from "./table.ts";
import { tally, type Tally } from "./tally.ts";
import type { Task } from "./worker.ts";

/** Runs in one task: enough to make the thread worth it, few enough to share the work evenly. */
const CHUNK = 50;

function tasksOf({ scenarios, judges, runs }: Options, seed: number): Task[] {
  const tasks: Task[] = [];
  for (const scenario of scenarios) {
    for (const rps of scenario.rates) {
      for (let from = 0; from < runs; from += CHUNK) {
        tasks.push({ id: tasks.length, scenario, rps, seed, from, to: Math.min(runs, from + CHUNK), judges });
      }
    }
  }
  return tasks;
}

async function tallies(options: Options, seed: number): Promise<Tally[]> {
  const tasks = tasksOf(options, seed);
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

function print(options: Options, seed: number, results: readonly Tally[], bars: readonly Bar[]): void {
  if (options.json) {
    for (const result of results) console.log(JSON.stringify({ seed, ...result }));
    for (const bar of bars) console.log(JSON.stringify({ seed, bar }));
    return;
  }
  console.log(`seed ${seed}, ${options.runs} runs\n`);
  for (const line of [...tableLines(options.scenarios, results), "", ...barLines(bars), ""]) console.log(line);
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const all: Bar[] = [];
  for (const seed of options.seeds) {
    const results = await tallies(options, seed);
    const bars = options.bars ? checkBars(options.scenarios, results) : [];
    print(options, seed, results, bars);
    all.push(...bars);
  }
  const missed = all.filter(({ holds }) => !holds).length;
  if (options.bars && !options.json) {
    const where = `${options.seeds.length === 1 ? "seed" : "seeds"} ${options.seeds.join(", ")}`;
    console.log(`${all.length - missed} of ${all.length} bars hold, ${missed} missed; ${options.runs} runs, ${where}`);
  }
  process.exitCode = missed === 0 ? 0 : 1;
}

await main();
