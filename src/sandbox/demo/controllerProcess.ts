import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

/** The production controller as a process of its own. */
export interface ControllerProcess {
  /** Its last lines, the newest last. */
  lastLines(): readonly string[];
  /** Rejects when the process ends by itself; never resolves. */
  readonly died: Promise<never>;
  /** Asks it to end, and ends it when it does not within 5 s. */
  stop(): Promise<void>;
}

export interface ControllerOptions {
  readonly kubeconfigPath: string;
  readonly prometheusUrl: string;
}

const KEPT_LINES = 30;
const STOP_MS = 5_000;

/** Starts `src/main.ts`, by the Node that runs the demo. */
export function startControllerProcess(options: ControllerOptions): ControllerProcess {
  const child = spawn(process.execPath, argumentsOf(options), { stdio: ["ignore", "pipe", "pipe"] });
  const lines = keepLines([child.stdout, child.stderr]);
  // Whatever ends this process must not leave the controller behind.
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", kill);
  let stopping = false;
  const ended = Promise.withResolvers<void>();
  const died = Promise.withResolvers<never>();
  // Whoever waits for something else races with this promise; when nobody does, it must not end the process.
  died.promise.catch(() => undefined);
  const end = (how: string): void => {
    ended.resolve();
    if (!stopping) died.reject(new Error(`the controller ended by itself (${how})`));
  };
  child.once("error", (error) => {
    end(error.message);
  });
  child.once("close", (code, signal) => {
    end(signal ?? `code ${code ?? "unknown"}`);
  });
  return {
    lastLines: () => lines,
    died: died.promise,
    async stop() {
      stopping = true;
      child.kill("SIGTERM");
      const timer = setTimeout(kill, STOP_MS);
      await ended.promise;
      clearTimeout(timer);
      process.off("exit", kill);
    },
  };
}

function argumentsOf({ kubeconfigPath, prometheusUrl }: ControllerOptions): string[] {
  return [
    fileURLToPath(new URL("../../main.ts", import.meta.url)),
    ...["--kubeconfig", kubeconfigPath],
    ...["--prometheus-url", prometheusUrl],
    ...["--listen", "127.0.0.1:0"],
    ...["--log-level", "info"],
  ];
}

/** The last lines of streams; the answer grows as they come. */
function keepLines(streams: readonly Readable[]): readonly string[] {
  const lines: string[] = [];
  for (const input of streams) {
    createInterface({ input }).on("line", (line) => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
    });
  }
  return lines;
}
