import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { messageOf } from "../../../src/lib/errors.ts";
import { isJudgeName, judgeNames, type JudgeName } from "./judges/index.ts";
import { readScenarios, type Scenario } from "./scenario.ts";

/** The proof is made on these. Nothing was tuned on them, and nothing may be: take others for development. */
export const PROOF_SEEDS: readonly number[] = [41001, 41002, 41003];

interface Taken {
  readonly judges: readonly JudgeName[];
  readonly runs: number;
  readonly threads: number;
  readonly json: boolean;
  readonly bars: boolean;
}

export interface Options extends Taken {
  readonly scenarios: readonly Scenario[];
  readonly seeds: readonly number[];
}

/** As the command line says it. */
interface Given extends Taken {
  readonly scenarios?: readonly string[];
  readonly only?: readonly string[];
  readonly rates?: readonly number[];
  readonly seed: readonly number[];
}

/** Reads the command line. A mistake, and `--help`, end the process with a sentence on the terminal. */
export function readOptions(argv: readonly string[]): Options {
  const command = createCommand().parse(argv, { from: "user" });
  const { only, rates, seed, scenarios: files, ...rest } = command.opts<Given>();
  try {
    const scenarios = chosen((files ?? ownScenarios()).flatMap(readScenarios), only, rates);
    return { ...rest, seeds: seed, scenarios };
  } catch (error) {
    return command.error(`error: ${messageOf(error)}`);
  }
}

function createCommand(): Command {
  const judges = new Option("--judges <names>", judgeNames.join(", "))
    .argParser(listOf(judgeName))
    .default(judgeNames, "all");
  const seeds = new Option("--seed <numbers>", "one or more, separated by commas; each is judged for itself")
    .argParser(listOf(whole))
    .default(PROOF_SEEDS, PROOF_SEEDS.join(","));
  return new Command("npm run bench:analysis --")
    .description(
      "The production judge in a simulated world, beside Flagger's rule, Kayenta's Mann-Whitney (looking at every " +
        "interval, and once at the end) and a naive z-test, all on the same draws. Without options it prints the " +
        "proof that docs/analysis.md speaks of. The exit code is 1 when a bar is missed.",
    )
    .option("--scenarios <file...>", "scenario files (docs/scenarios.md); left out: those of the project")
    .option("--only <names>", "scenarios of these names only, separated by commas", list)
    .option("--rates <rps>", "at these of their rates only, separated by commas", listOf(positive))
    .addOption(judges)
    .addOption(seeds)
    .option("--runs <number>", "of each scenario and rate; below 1000 chance alone misses bars of 1 %", whole, 1_000)
    .option("--threads <number>", "worker threads", whole, 2)
    .option("--json", "one JSON object a line instead of tables", false)
    .option("--no-bars", "do not check the bars")
    .showHelpAfterError("(--help tells all options)")
    .allowExcessArguments(false);
}

function ownScenarios(): string[] {
  const folder = join(import.meta.dirname, "scenarios");
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => join(folder, file));
}

function chosen(all: readonly Scenario[], only?: readonly string[], rates?: readonly number[]): Scenario[] {
  const names = all.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`two scenarios have the name ${twice}; give each its own`);
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--only: no scenario ${unknown}; there are ${names.join(", ")}`);
  const kept = all
    .filter(({ name }) => only?.includes(name) ?? true)
    .map((each) => ({ ...each, rates: each.rates.filter((rate) => rates?.includes(rate) ?? true) }))
    .filter((each) => each.rates.length > 0);
  if (kept.length === 0) throw new Error(`--rates: no scenario has the rate ${rates?.join(" or ")}`);
  return kept;
}

function list(text: string): readonly string[] {
  return text.split(",").map((part) => part.trim());
}

function listOf<T>(read: (text: string) => T): (text: string) => readonly T[] {
  return (text) => list(text).map(read);
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError(`${text} is not a whole number from 1 on.`);
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError(`${text} is not a number above 0.`);
  return value;
}

function judgeName(text: string): JudgeName {
  if (!isJudgeName(text)) throw new InvalidArgumentError(`${text} is not one of ${judgeNames.join(", ")}.`);
  return text;
}
