import type { Call } from "../command.ts";
import { exitCodes } from "../exitCodes.ts";

/** Prints the version of this command. */
export function run({ world }: Call): Promise<number> {
  world.stdout.write(`aviary ${world.programs.version} (Node ${process.versions.node})\n`);
  return Promise.resolve(exitCodes.ok.code);
}
