import { readFile } from "node:fs/promises";
import { messageOf } from "../lib/errors.ts";
import type { Options } from "./command.ts";
import { durationOption } from "./durations.ts";
import { CliError } from "./exitCodes.ts";
import { parseWorld } from "./world/world.ts";
import type { WorldModel } from "./world/world.ts";

/** The world of the file, with what options say in the place of what it says. @throws CliError that names option or field. */
export async function worldOf(options: Options): Promise<WorldModel> {
  const path = options.text("world");
  const parsed = parseWorld(path === undefined ? {} : await contentOf(path), overridesOf(options));
  if (parsed.ok) return parsed.model;
  throw new CliError("usage", parsed.problems.map((problem) => `${path ?? "the options"}: ${problem}`).join("\n"));
}

async function contentOf(path: string): Promise<unknown> {
  try {
    const [{ parse }, text] = await Promise.all([import("yaml"), readFile(path, "utf8")]);
    return parse(text) as unknown;
  } catch (error) {
    const [sentence = ""] = messageOf(error).split("\n");
    throw new CliError("usage", `${path}: ${sentence}`);
  }
}

function overridesOf(options: Options) {
  const number = (name: string, bounds: Bounds) =>
    options.text(name) === undefined ? undefined : numberOption(options, name, bounds);
  const whole = (name: string, bounds: Bounds) =>
    options.text(name) === undefined ? undefined : wholeOption(options, name, bounds);
  const arm = (errors: string, latency: string) => {
    const medianMs = options.text(latency) === undefined ? undefined : durationOption(options, latency, 0);
    const errorRate = shareOption(options, errors);
    const like = medianMs === undefined ? {} : { latency: { medianMs } };
    return { ...(errorRate === undefined ? {} : { errorRate }), ...like };
  };
  const timeout = options.text("timeout");
  return {
    rps: number("rps", { least: 0, most: 1_000_000 }),
    primary: arm("primaryErrors", "primaryLatency"),
    canary: arm("canaryErrors", "canaryLatency"),
    values: Object.fromEntries(options.list("value").map(valueOf)),
    replicas: whole("replicas", { least: 1, most: 1_000 }),
    seed: whole("seed", { least: 0, most: 2 ** 32 - 1 }),
    maxMinutes: timeout === undefined ? undefined : durationOption(options, "timeout", 0) / 60_000,
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
function shareOption(options: Options, name: string): number | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const share = /^\d+(\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) / 100 : Number.NaN;
  if (share <= 1) return share;
  throw new CliError("usage", `${flagOf(name)} must be a percentage such as 5% or 0.1%, not ${JSON.stringify(text)}`);
}

function valueOf(text: string): [string, number] {
  const [, name, value] = /^([^=]+)=(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/i.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, Number(value)];
  throw new CliError("usage", `--value must be a check and a number, such as latency=0.2, not ${JSON.stringify(text)}`);
}
