import { Command, CommanderError, Option } from "commander";
import { isKubeError } from "../kube/errors.ts";
import { isAbort, messageOf } from "../lib/errors.ts";
import type { CommandDefinition, OptionDefinition, Options, World } from "./command.ts";
import { commands } from "./commands.ts";
import { CliError, exitCodes } from "./exitCodes.ts";

/** On every command that speaks to a cluster. */
export const clusterOptions: readonly OptionDefinition[] = [
  { flags: "-n, --namespace <name>", help: "Namespace; that of the kubeconfig's context when left out." },
  { flags: "--context <name>", help: "Context of the kubeconfig; its current one when left out." },
  { flags: "--kubeconfig <file>", help: "The kubeconfig; $KUBECONFIG, then ~/.kube/config when left out." },
];

export function optionsOf({ options = [], cluster }: CommandDefinition): readonly OptionDefinition[] {
  return [...options, ...(cluster === true ? clusterOptions : [])];
}

/** Runs one command line. Answers the exit code; nothing is thrown. */
export async function runCli(argv: readonly string[], world: World): Promise<number> {
  let code: number = exitCodes.ok.code;
  const program = createProgram(world, (ended) => {
    code = ended;
  });
  try {
    await program.parseAsync(argv.length === 0 ? ["--help"] : [...argv], { from: "user" });
    return code;
  } catch (error) {
    return explain(error, world);
  }
}

function createProgram(world: World, ended: (code: number) => void): Command {
  const program = new Command("aviary")
    .description("Progressive delivery for Kubernetes: looks at canaries, waits for their verdict, and acts on them.")
    .version(world.programs.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void world.stdout.write(text),
      writeErr: (text) => void world.stderr.write(text),
      getOutHelpWidth: () => world.stdout.columns ?? 100,
      getErrHelpWidth: () => world.stderr.columns ?? 100,
    })
    .enablePositionalOptions()
    .addHelpText("after", "\nAlso as a plug-in of kubectl: kubectl canary status podinfo");
  for (const definition of commands) {
    const command = program.command(definition.name).copyInheritedSettings(program);
    describe(command, definition);
    command.action(async (...received: unknown[]) => {
      const [args, given] = argumentsOf(received, definition);
      const { run } = await definition.load();
      ended(await run({ args, options: optionValues(given), world }));
    });
  }
  return program;
}

function describe(command: Command, definition: CommandDefinition): void {
  const { summary, details, examples } = definition;
  command.summary(summary).description(details === undefined ? `${summary}.` : `${summary}. ${details}`);
  for (const { syntax, help } of definition.arguments ?? []) command.argument(syntax, help);
  for (const option of optionsOf(definition)) command.addOption(toOption(option));
  if (definition.passThrough === true) command.allowUnknownOption().passThroughOptions().helpOption(false);
  const lines = examples.map(({ line, says }) => `  # ${says}\n  ${line}`);
  command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}

function toOption({ flags, help, choices, fallback, repeatable }: OptionDefinition): Option {
  const option = new Option(flags, help);
  if (repeatable === true) option.argParser<string[]>((value, before) => [...(before ?? []), value]);
  if (choices !== undefined) option.choices(choices);
  return fallback === undefined ? option : option.default(fallback);
}

/** Commander hands over the arguments one by one, then the options, then the command. */
function argumentsOf(received: readonly unknown[], definition: CommandDefinition): [string[], Record<string, unknown>] {
  const given = received.slice(0, definition.arguments?.length ?? 0).flat();
  const options = received.at(-2);
  return [given.filter((value) => typeof value === "string"), (options ?? {}) as Record<string, unknown>];
}

function optionValues(given: Readonly<Record<string, unknown>>): Options {
  return {
    text: (name) => {
      const value = given[name];
      return typeof value === "string" ? value : undefined;
    },
    flag: (name) => given[name] === true,
    list: (name) => {
      const value = given[name];
      return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
    },
  };
}

function explain(error: unknown, { stderr, signal }: World): number {
  // Commander has printed its own sentence.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok.code : exitCodes.usage.code;
  if (signal.aborted && isAbort(error)) return exitCodes.interrupted.code;
  const { ending, message, hint } = asCliError(error);
  stderr.write(`aviary: ${message}\n${hint === undefined ? "" : `${hint}\n`}`);
  return exitCodes[ending].code;
}

function asCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (isKubeError(error, "Forbidden")) {
    const missing = error.status === 401 ? "The API server does not know you: log in again." : undefined;
    return new CliError(
      "error",
      error.message,
      missing ?? "Ask for the ClusterRole aviary-view, or one that has more.",
    );
  }
  if (isKubeError(error, "Unavailable"))
    return new CliError("error", `the API server does not answer: ${error.message}`);
  return new CliError("error", messageOf(error));
}
