import type { World } from "./command.ts";

/** Colours for a terminal; everything stays as it is elsewhere. */
export interface Paint {
  good(text: string): string;
  bad(text: string): string;
  busy(text: string): string;
  faint(text: string): string;
  strong(text: string): string;
}

/** Only a terminal gets colours, and not one whose user said NO_COLOR (https://no-color.org). */
export function paintFor({ stdout, env }: Pick<World, "stdout" | "env">): Paint {
  const coloured = stdout.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  const code = (open: number, close: number) => (text: string) =>
    coloured && text !== "" ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return { good: code(32, 39), bad: code(31, 39), busy: code(33, 39), faint: code(2, 22), strong: code(1, 22) };
}
