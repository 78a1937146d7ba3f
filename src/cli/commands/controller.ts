import type { Call } from "../command.ts";

/** Runs the controller; its flags are its own. */
export function run({ args, world }: Call): Promise<number> {
  return world.programs.controller(args);
}
