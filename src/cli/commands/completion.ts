import type { Call, CommandDefinition } from "../command.ts";
import { commands } from "../commands.ts";
import { CliError, exitCodes } from "../exitCodes.ts";
import { optionsOf } from "../program.ts";

/** Prints the completion script of a shell. */
export function run({ args, world }: Call): Promise<number> {
  const script = SCRIPTS[args[0] ?? ""];
  if (script === undefined) {
    throw new CliError("usage", `no completion for ${JSON.stringify(args[0])}`, "There is one for bash, zsh and fish.");
  }
  world.stdout.write(script());
  return Promise.resolve(exitCodes.ok.code);
}

const SCRIPTS: Readonly<Record<string, () => string>> = {
  bash,
  zsh: () => `autoload -U +X bashcompinit && bashcompinit\n${bash()}`,
  fish,
};

/** The words of an option's flags: `-o` and `--output` of `-o, --output <format>`. */
function flagsOf(definition: CommandDefinition): readonly string[] {
  return [...optionsOf(definition).flatMap(({ flags }) => flags.match(/--?[a-zA-Z-]+/g) ?? []), "--help"];
}

function bash(): string {
  const cases = commands.map((definition) => `    ${definition.name}) words="${flagsOf(definition).join(" ")}" ;;`);
  return `_aviary() {
  local words="${commands.map(({ name }) => name).join(" ")} --help --version"
  [ "$COMP_CWORD" = 1 ] || case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
    *) words= ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _aviary aviary kubectl-canary
`;
}

function fish(): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`\'`)}'`;
  const lines = commands.flatMap((definition) => {
    const { name, summary } = definition;
    const options = optionsOf(definition).map(({ flags, help }) => {
      const long = /--([a-z-]+)/.exec(flags)?.[1] ?? "";
      const short = /(?:^|\s)-([a-zA-Z])\b/.exec(flags)?.[1];
      const letter = short === undefined ? "" : ` -s ${short}`;
      return `complete -c aviary -n '__fish_seen_subcommand_from ${name}' -l ${long}${letter} -d ${quoted(help)}`;
    });
    return [`complete -c aviary -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`, ...options];
  });
  return `${lines.join("\n")}\n`;
}
