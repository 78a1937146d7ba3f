import { DURATION_PATTERN, parseDuration } from "../lib/time.ts";
import type { Options } from "./command.ts";
import { CliError } from "./exitCodes.ts";

/** Milliseconds of an option such as `20m`. @throws CliError that names the option. */
export function durationOption(options: Options, name: string, fallbackMs: number): number {
  const text = options.text(name);
  if (text === undefined) return fallbackMs;
  if (DURATION_PATTERN.test(text)) return parseDuration(text);
  const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new CliError("usage", `--${flag} must be a duration such as 90s, 20m or 1h30m, not ${JSON.stringify(text)}`);
}
