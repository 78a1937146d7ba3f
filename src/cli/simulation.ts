import type { Options } from "./command.ts";
import { durationOption } from "./durations.ts";
import { CliError } from "./exitCodes.ts";
import type { Simulation } from "./programs.ts";

/** What a simulation takes for granted, by the options. @throws CliError that names the option. */
export function assumptionsOf(
  options: Options,
): Pick<Simulation, "behaviour" | "rps" | "values" | "replicas" | "seed" | "limitMs"> {
  const primary = {
    errors: shareOption(options, "primaryErrors", 0.005),
    latencyMs: durationOption(options, "primaryLatency", 100),
  };
  const canary = {
    errors: shareOption(options, "canaryErrors", primary.errors),
    latencyMs: durationOption(options, "canaryLatency", primary.latencyMs),
  };
  const replicas = options.text("replicas");
  return {
    behaviour: { canary, primary },
    rps: numberOption(options, "rps", { least: 0, most: 1_000_000 }),
    values: Object.fromEntries(options.list("value").map(valueOf)),
    replicas: replicas === undefined ? undefined : wholeOption(options, "replicas", { least: 1, most: 1_000 }),
    seed: wholeOption(options, "seed", { least: 0, most: 2 ** 32 - 1 }),
    limitMs: durationOption(options, "timeout", 86_400_000),
  };
}

interface Bounds {
  readonly least: number;
  readonly most: number;
}

function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function numberOption(options: Options, name: string, { least, most }: Bounds): number {
  const text = options.text(name) ?? "";
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (number >= least && number <= most) return number;
  throw new CliError("usage", `${flagOf(name)} must be a number from ${least} to ${most}, not ${JSON.stringify(text)}`);
}

function wholeOption(options: Options, name: string, bounds: Bounds): number {
  const number = numberOption(options, name, bounds);
  if (Number.isInteger(number)) return number;
  throw new CliError("usage", `${flagOf(name)} must be a whole number, not ${number}`);
}

/** The sign is needed: `0.5` might be meant for a half as well. */
function shareOption(options: Options, name: string, fallback: number): number {
  const text = options.text(name);
  if (text === undefined) return fallback;
  const share = /^\d+(\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) / 100 : Number.NaN;
  if (share <= 1) return share;
  throw new CliError("usage", `${flagOf(name)} must be a percentage such as 5% or 0.1%, not ${JSON.stringify(text)}`);
}

function valueOf(text: string): [string, number] {
  const [, name, value] = /^([^=]+)=(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/i.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, Number(value)];
  throw new CliError("usage", `--value must be a check and a number, such as latency=0.2, not ${JSON.stringify(text)}`);
}
