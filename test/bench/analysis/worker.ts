import { parentPort } from "node:worker_threads";
import { judges, type JudgeName } from "./judges/index.ts";
import type { Outcome } from "./judges/outcome.ts";
import type { Scenario } from "./scenario.ts";
import { buildWorld, Run, type World } from "./world.ts";

/** Some runs of one scenario at one rate. */
export interface Task {
  readonly id: number;
  readonly scenario: Scenario;
  readonly rps: number;
  readonly seed: number;
  /** First run, and the one after the last. */
  readonly from: number;
  readonly to: number;
  readonly judges: readonly JudgeName[];
}

export interface Done {
  readonly id: number;
  /** By judge, in the order of the runs. */
  readonly outcomes: Readonly<Record<string, readonly Outcome[]>>;
}

export function perform({ id, scenario, rps, seed, from, to, judges: names }: Task): Done {
  const world: World = buildWorld(scenario, rps);
  const outcomes: Record<string, Outcome[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let index = from; index < to; index++) {
    const run = new Run(world, seed, index);
    for (const name of names) outcomes[name]?.push(judges[name](run));
  }
  return { id, outcomes };
}

parentPort?.on("message", (task: Task) => {
  parentPort?.postMessage(perform(task));
});
