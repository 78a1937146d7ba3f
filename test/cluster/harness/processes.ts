import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface ProcessOptions {
  /** Shown in messages; the command when left out. */
  readonly name?: string;
  readonly command: string;
  readonly args?: readonly string[];
  /** Added to this process's environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Gets stdout and stderr, appended. */
  readonly logFile: string;
}

export interface RunningProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Settles once, when the process has ended; never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** False from the moment that the exit was seen. */
  running(): boolean;
  /** Everything written so far. */
  logs(): string;
  /** Sends a signal (SIGTERM when left out) to the process and its children, without waiting. */
  kill(signal?: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL when it has not ended after `graceMs` (5000 when left out). */
  stop(graceMs?: number): Promise<ProcessExit>;
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: Error;
}

const live = new Set<RunningProcess>();
const setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].find((path) => existsSync(path));

/**
 * Starts a process that never outlives this one: it is killed by the kernel when this process dies in any way
 * (where `setpriv` exists), and by an exit hook otherwise.
 * Throws when the command cannot be started.
 */
export function startProcess(options: ProcessOptions): RunningProcess {
  installExitHooks();
  const child = spawnDetached(options);
  const name = options.name ?? options.command;
  const { pid } = child;
  if (pid === undefined) {
    child.once("error", () => undefined);
    throw new Error(`${name}: cannot start ${options.command}`);
  }
  const exited = exitOf(child);
  let ended = false;
  const kill = (signal: NodeJS.Signals = "SIGTERM"): void => {
    if (!ended) signalGroup(pid, signal);
  };
  const stop = async (graceMs = 5000): Promise<ProcessExit> => {
    kill("SIGTERM");
    const grace = new AbortController();
    const late = sleep(graceMs, undefined, { signal: grace.signal }).then(
      () => kill("SIGKILL"),
      () => undefined,
    );
    const exit = await exited;
    grace.abort();
    await late;
    return exit;
  };
  const logs = (): string => readFileSync(options.logFile, "utf8");
  const handle = { name, pid, logFile: options.logFile, exited, running: () => !ended, logs, kill, stop };
  live.add(handle);
  void exited.then(() => {
    ended = true;
    live.delete(handle);
    // What the process itself started and left behind.
    signalGroup(pid, "SIGKILL");
  });
  return handle;
}

/** Whether a process with this pid runs; a zombie, which only waits to be reaped, has ended. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const status = `/proc/${pid}/status`;
  return !existsSync(status) || !/^State:\s+Z/m.test(readFileSync(status, "utf8"));
}

/** A TCP port of 127.0.0.1 that nothing listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("127.0.0.1 gave no port");
  return address.port;
}

/** The end of a log, for an error message. */
export function logTail(process: RunningProcess, lines = 15): string {
  return process.logs().trimEnd().split("\n").slice(-lines).join("\n");
}

function spawnDetached(options: ProcessOptions): ChildProcess {
  const args = [...(options.args ?? [])];
  const [command, commandArgs] =
    setpriv === undefined
      ? [options.command, args]
      : [setpriv, ["--pdeathsig", "KILL", "--", options.command, ...args]];
  const log = openSync(options.logFile, "a");
  writeSync(log, `# ${new Date().toISOString()} ${options.command} ${args.join(" ")}\n`);
  try {
    return spawn(command, commandArgs, {
      // A group of its own: Ctrl-C must not reach the parts before the tests end them in order.
      detached: true,
      stdio: ["ignore", log, log],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
  } finally {
    closeSync(log);
  }
}

function exitOf(child: ChildProcess): Promise<ProcessExit> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", (error) => resolve({ code: null, signal: null, error }));
  });
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

let hooksInstalled = false;

function installExitHooks(): void {
  if (hooksInstalled) return;
  hooksInstalled = true;
  const killAll = (): void => {
    for (const running of live) running.kill("SIGKILL");
  };
  process.once("exit", killAll);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      killAll();
      process.kill(process.pid, signal);
    });
  }
}
