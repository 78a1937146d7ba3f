import type { Clock } from "../lib/time.ts";
import type { Programs } from "./programs.ts";

/** What a stream of a process is to a command. */
export interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Width of the terminal in characters. */
  readonly columns?: number;
}

/** The world of one command. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly clock: Clock;
  /** Aborted when the command is interrupted. */
  readonly signal: AbortSignal;
  readonly programs: Programs;
}

/** One command line, taken apart. */
export interface Call {
  readonly args: readonly string[];
  readonly options: Options;
  readonly world: World;
}

/** The options that were given, by their names in camelCase. */
export interface Options {
  text(name: string): string | undefined;
  flag(name: string): boolean;
  /** Of an option that may be given several times. */
  list(name: string): readonly string[];
}

/** Answers the exit code. */
export type Run = (call: Call) => Promise<number>;

export interface Argument {
  /** As in help: `<name>` is needed, `[name]` is not, `…` takes several. */
  readonly syntax: string;
  readonly help: string;
}

export interface OptionDefinition {
  /** Such as `-o, --output <format>`. */
  readonly flags: string;
  readonly help: string;
  readonly choices?: readonly string[];
  readonly fallback?: string;
  /** May be given several times. */
  readonly repeatable?: true;
}

export interface Example {
  readonly line: string;
  readonly says: string;
}

/** A command as help, documentation and completion know it; what it does is loaded when it is called. */
export interface CommandDefinition {
  readonly name: string;
  /** One sentence without a full stop. */
  readonly summary: string;
  /** What there is to know beside the summary. */
  readonly details?: string;
  readonly arguments?: readonly Argument[];
  readonly options?: readonly OptionDefinition[];
  /** Whether it speaks to a cluster, and takes the options that say which. */
  readonly cluster?: true;
  /** Hands its arguments on as they are. */
  readonly passThrough?: true;
  readonly examples: readonly Example[];
  load(): Promise<{ readonly run: Run }>;
}
