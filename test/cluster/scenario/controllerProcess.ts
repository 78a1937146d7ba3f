import { join } from "node:path";
import { waitFor } from "../harness/polling.ts";
import { logTail, type RunningProcess, startProcess } from "../harness/processes.ts";

const root = join(import.meta.dirname, "../../..");

export interface ControllerOptions {
  readonly kubeconfig: string;
  readonly prometheusUrl: string;
  readonly logFile: string;
  /** Where compiled code is kept from one start to the next: half of a start is reading TypeScript. */
  readonly codeCache: string;
  readonly args?: readonly string[];
}

export interface LogLine {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly kind?: string;
  readonly [field: string]: unknown;
}

/** The controller as its own process, with nothing but a kubeconfig. */
export interface ControllerProcess {
  readonly process: RunningProcess;
  lines(): readonly LogLine[];
  /** Waits for a line of the log. Throws after a minute, or when the process has ended. */
  said(sentence: string): Promise<void>;
}

/** Starts it; use `said("the controller is running")` to wait until it works. */
export function launchController(options: ControllerOptions): ControllerProcess {
  const { kubeconfig, prometheusUrl, logFile, codeCache, args = [] } = options;
  const running = startProcess({
    name: "aviary",
    command: process.execPath,
    args: [
      "src/main.ts",
      ...["--kubeconfig", kubeconfig],
      ...["--prometheus-url", prometheusUrl],
      ...["--listen", "127.0.0.1:0"],
      ...args,
    ],
    cwd: root,
    env: { NODE_COMPILE_CACHE: codeCache },
    logFile,
  });
  const lines = (): LogLine[] => linesOf(running.logs());
  return {
    process: running,
    lines,
    said: async (sentence) => {
      await waitFor(`the controller to say "${sentence}"`, () => {
        if (lines().some(({ msg }) => msg === sentence)) return "said";
        return running.running() ? undefined : "ended";
      });
      if (!lines().some(({ msg }) => msg === sentence)) throw new Error(`the controller ended:\n${logTail(running)}`);
    },
  };
}

function linesOf(log: string): LogLine[] {
  return log
    .split("\n")
    .filter((line) => line.startsWith("{") && line.endsWith("}"))
    .map((line) => JSON.parse(line) as LogLine);
}

/** Of all log lines those that should never be: missing rights, bugs, errors, and what is no JSON (a crash). */
export function complaints(log: string, isExcused: (line: LogLine) => boolean): string[] {
  const noJson = log.split("\n").filter((line) => line !== "" && !line.startsWith("# ") && !line.startsWith("{"));
  const bad = linesOf(log).filter(({ kind, level, err }) => {
    const forbidden =
      JSON.stringify(err ?? "").includes("orbidden") && !JSON.stringify(err).includes("being terminated");
    return forbidden || kind === "bug" || level === "error" || level === "fatal";
  });
  return [...noJson, ...bad.filter((line) => !isExcused(line)).map((line) => JSON.stringify(line))];
}
