import { readFileSync } from "node:fs";
import { join } from "node:path";
import { rules } from "../src/decide/decide.ts";
import { table } from "./table.ts";

const FOLDER = join(import.meta.dirname, "../src/decide");

/** A rule as it stands in the list of `decide.ts`. */
interface Entry {
  /** The comment above its part of the list. */
  readonly part: string;
  /** The file in `src/decide/rules`, without its ending. */
  readonly module: string;
  readonly name: string;
}

/** `docs/rules.md`: every rule in order of precedence, with the first sentence of its doc comment. */
export function rulesReference(): string {
  const entries = entriesOf(readFileSync(join(FOLDER, "decide.ts"), "utf8"));
  assertComplete(entries);
  const parts = [...new Set(entries.map(({ part }) => part))];
  const sections = parts.flatMap((part) => [
    `## ${part}`,
    "",
    ...table(
      ["#", "Rule", "What it does", "File"],
      entries.flatMap((entry, index) => (entry.part === part ? [rowOf(entry, index)] : [])),
    ),
    "",
  ]);
  return [
    "# Rules",
    "",
    "<!-- Generated from src/decide by `npm run generate`; do not edit. -->",
    "",
    "What Aviary does, in order of precedence. At every look at a canary the rules are asked from the top, and the first",
    "that answers decides. Its name is the reason that `status.why.rule`, the log line and the metrics show; the event has",
    "it with a capital letter. [lifecycle.md](lifecycle.md) tells the same by phase.",
    "",
    ...sections.slice(0, -1),
    "",
  ].join("\n");
}

/** `src/cli/rules.json`: the same for `aviary explain`. */
export function rulesList(): string {
  const entries = entriesOf(readFileSync(join(FOLDER, "decide.ts"), "utf8"));
  assertComplete(entries);
  const rules = entries.map(({ part, module, name }) => ({ name, part, does: sentenceOf(module, name) }));
  return `${JSON.stringify(rules, null, 2)}\n`;
}

/** The rules of the list in the text of `decide.ts`, each with the comment that stands above its part. */
function entriesOf(text: string): Entry[] {
  const list = /export const rules\b[^=]*= \[\n([\s\S]*?)\n\];/.exec(text)?.[1] ?? "";
  const entries: Entry[] = [];
  let part = "";
  for (const line of list.split("\n")) {
    part = /^\s*\/\/ (.*?)\.?$/.exec(line)?.[1] ?? part;
    const [, module, name] = /^\s*(\w+)\.(\w+),$/.exec(line) ?? [];
    if (module !== undefined && name !== undefined) entries.push({ part, module, name });
  }
  return entries;
}

/** The text is read for its comments alone; what runs is the list. */
function assertComplete(entries: readonly Entry[]): void {
  const read = entries.map(({ name }) => name).join(" ");
  const run = rules.map(({ name }) => name).join(" ");
  if (read !== run) throw new Error(`the list of rules could not be read from decide.ts; found: ${read}`);
}

function rowOf({ module, name }: Entry, index: number): string[] {
  const link = `[${module}.ts](../src/decide/rules/${module}.ts)`;
  return [String(index + 1), `\`${name}\``, sentenceOf(module, name), link];
}

/** First sentence of a rule's doc comment. */
function sentenceOf(module: string, name: string): string {
  const text = readFileSync(join(FOLDER, `rules/${module}.ts`), "utf8");
  const comment = new RegExp(String.raw`/\*\*((?:(?!\*/)[\s\S])*)\*/\s*export function ${name}\(`).exec(text)?.[1];
  const words = (comment ?? "")
    .replace(/^\s*\* ?/gm, " ")
    .replace(/\s+/g, " ")
    .trim();
  const sentence = /^.*?\.(?=\s|$)/.exec(words)?.[0];
  if (sentence === undefined)
    throw new Error(`the rule ${name} needs a doc comment whose first sentence says what it does`);
  return sentence;
}
