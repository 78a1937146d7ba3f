#!/usr/bin/env node
import { readFileSync } from "node:fs";
import module from "node:module";
import type { World } from "./cli/command.ts";

/*
 * The command `aviary`. Everything is loaded when it is needed, so that a command starts quickly, and so that an older
 * Node still gets as far as saying what is missing.
 */

const OLDEST_NODE = 24;

/** Both `src/` and `dist/` lie beside the package's manifest. */
function version(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    readonly version: string;
  };
  return manifest.version;
}

async function main(): Promise<number> {
  const [argv, interrupted] = [process.argv.slice(2), new AbortController()];
  // A pipe that nobody reads any more is how `aviary get | head` ends.
  process.stdout.on("error", () => {
    interrupted.abort();
  });
  const [{ runCli }, { systemClock }] = await Promise.all([import("./cli/program.ts"), import("./lib/time.ts")]);
  const interrupt = (): void => {
    interrupted.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupt);
  /** Programs end by themselves at a signal, each in its own way. */
  const alone = <T>(run: () => Promise<T>): Promise<T> => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupt);
    return run();
  };
  const world: World = {
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    clock: systemClock,
    signal: interrupted.signal,
    programs: {
      version: version(),
      controller: (args) => alone(async () => (await import("./main.ts")).runController(args)),
      refusals: async (objects) => (await import("./sandbox/refusals.ts")).refusalsOf(objects),
      simulate: async (simulation) => (await import("./sandbox/simulation/simulate.ts")).simulate(simulation),
      sandbox: (args) => alone(async () => (await import("./sandbox/main.ts")).runSandbox(args)),
    },
  };
  return runCli(argv, world);
}

if (Number(process.versions.node.split(".")[0]) < OLDEST_NODE) {
  process.stderr.write(
    `aviary needs Node ${OLDEST_NODE} or later, and this is ${process.versions.node}. npx aviary brings its own on Linux.\n`,
  );
  process.exitCode = 1;
} else {
  module.enableCompileCache();
  process.exitCode = await main();
}
