import type { CommandDefinition } from "../src/cli/command.ts";
import { commands } from "../src/cli/commands.ts";
import { exitCodes } from "../src/cli/exitCodes.ts";
import { clusterOptions, optionsOf } from "../src/cli/program.ts";
import { table } from "./table.ts";

/** `docs/cli.md`: every command with its arguments, options and examples, as help shows them. */
export function cliReference(): string {
  return [
    "# The command line",
    "",
    "<!-- Generated from src/cli by `npm run generate`; do not edit. -->",
    "",
    "`aviary` looks at canaries, waits for their verdict and acts on them. It speaks to the Kubernetes API with your kubeconfig",
    "and needs no address of the controller. It is the command of the npm package and of the image; a link to it named",
    "`kubectl-canary` in the `PATH`, which the package brings, makes it a plug-in: `kubectl canary status podinfo`.",
    "",
    ...commands.flatMap(section),
    "## Exit codes",
    "",
    "The numbers are a contract and never change their meaning. [ci.md](ci.md) says how to use them.",
    "",
    ...table(
      ["Code", "Meaning"],
      Object.values(exitCodes).map(({ code, says }) => [String(code), says]),
    ),
    "",
  ].join("\n");
}

function section(definition: CommandDefinition): string[] {
  const { name, summary, details, cluster, examples } = definition;
  const words = (definition.arguments ?? []).map(({ syntax }) => syntax);
  const rows = [
    ...(definition.arguments ?? []).map(({ syntax, help }) => [`\`${syntax}\``, help]),
    ...optionsOf(definition)
      .filter((option) => !clusterOptions.includes(option))
      .map((option) => [`\`${option.flags}\``, helpOf(option)]),
    ...(cluster === true ? clusterOptions.map((option) => [`\`${option.flags}\``, helpOf(option)]) : []),
  ];
  return [
    `## aviary ${[name, ...words].join(" ")}`,
    "",
    `${summary}.${details === undefined ? "" : ` ${linked(details)}`}`,
    "",
    ...(rows.length === 0 ? [] : [...table(["Argument or option", "Meaning"], rows), ""]),
    "```sh",
    ...examples.flatMap(({ line, says }) => [`# ${says}`, line]),
    "```",
    "",
  ];
}

function helpOf({ help, choices, fallback }: { help: string; choices?: readonly string[]; fallback?: string }): string {
  const among = choices === undefined ? "" : ` One of ${choices.join(", ")}.`;
  return `${help}${among}${fallback === undefined ? "" : ` Default: ${fallback}.`}`;
}

/** `docs/ci.md` as a link from a page beside it. */
function linked(text: string): string {
  return text.replace(/docs\/(\w+\.md)/g, "[$1]($1)");
}
