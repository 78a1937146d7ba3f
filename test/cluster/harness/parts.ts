import { join } from "node:path";
import { logTail, type RunningProcess, startProcess } from "./processes.ts";
import { waitFor } from "./polling.ts";

/** The processes of one control plane, by name; each logs to `<folder>/<name>.log`. */
export interface Parts {
  readonly folder: string;
  start(name: string, command: string, args: readonly string[]): RunningProcess;
  pids(): Readonly<Record<string, number>>;
  /** Returns at once when it does not run. SIGTERM has `graceMs` (5000 when left out) to work. */
  stop(name: string, how?: { readonly signal?: "SIGTERM" | "SIGKILL"; readonly graceMs?: number }): Promise<void>;
}

/** A third of a small API server's time goes into collecting garbage, and the machines have memory to spare. */
const GO_ENV = { GOGC: "400" };

export function createParts(folder: string): Parts {
  const running = new Map<string, RunningProcess>();
  return {
    folder,
    start: (name, command, args) => {
      if (running.get(name)?.running() === true) throw new Error(`${name} runs already`);
      const part = startProcess({ name, command, args, env: GO_ENV, logFile: join(folder, `${name}.log`) });
      running.set(name, part);
      return part;
    },
    pids: () =>
      Object.fromEntries([...running].filter(([, part]) => part.running()).map(([name, { pid }]) => [name, pid])),
    stop: async (name, { signal = "SIGTERM", graceMs = 5000 } = {}) => {
      const part = running.get(name);
      if (part === undefined) return;
      if (signal === "SIGKILL") part.kill("SIGKILL");
      await part.stop(graceMs);
      running.delete(name);
    },
  };
}

/** Waits until `probe` succeeds. Throws with the end of the log as soon as the part has ended, or after `timeoutMs`. */
export async function waitUntilReady(
  part: RunningProcess,
  probe: () => Promise<unknown>,
  options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<void> {
  let ready = false;
  const attempt = async (): Promise<boolean> => {
    if (!part.running()) return true;
    await probe();
    return (ready = true);
  };
  try {
    await waitFor(`${part.name} to be ready`, attempt, { timeoutMs: 60_000, ...options });
  } catch (error) {
    throw new Error(`${part.name} is not ready; ${part.logFile} ends with\n${logTail(part)}`, { cause: error });
  }
  if (!ready) throw new Error(`${part.name} ended; ${part.logFile} ends with\n${logTail(part)}`);
}
