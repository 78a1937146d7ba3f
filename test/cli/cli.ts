import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runCli } from "../../src/cli/program.ts";
import type { World } from "../../src/cli/command.ts";
import { systemClock } from "../../src/lib/time.ts";
import type { ApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import { refusalsOf } from "../../src/sandbox/refusals.ts";
import { simulate } from "../../src/sandbox/simulation/simulate.ts";
import { kubeconfig, startApiServer } from "../../src/sandbox/apiserver/http.ts";

/** An API that is served over HTTP, with a kubeconfig for it. */
export interface Served {
  readonly url: string;
  readonly kubeconfig: string;
  /** Ends the server; `start` brings it back on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

export async function serve(core: ApiServer): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), "aviary-cli-"));
  let running = await startApiServer({ core, port: 0 });
  const { url } = running;
  const file = join(folder, "kubeconfig");
  await writeFile(file, kubeconfig(url));
  return {
    url,
    kubeconfig: file,
    stop: () => running.stop(),
    start: async () => {
      running = await startApiServer({ core, port: Number(new URL(url).port) });
    },
    remove: async () => {
      await running.stop();
      await rm(folder, { recursive: true });
    },
  };
}

export interface Finished {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly ended: Promise<Finished>;
  readonly out: () => string;
  /** Resolves once it has printed this. @throws Error when it has not within 10 s, or ends before. */
  said(text: string): Promise<void>;
  interrupt(): void;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
  readonly programs?: Partial<World["programs"]>;
}

/** Runs a command line in this process. */
export function start(argv: readonly string[], options: StartOptions = {}): Running {
  let out = "";
  let err = "";
  let finished = false;
  const interrupted = new AbortController();
  const ended = runCli(argv, {
    env: options.env ?? {},
    stdout: { write: (text) => (out += text), isTTY: options.isTTY ?? false, columns: 100 },
    stderr: { write: (text) => (err += text) },
    clock: systemClock,
    signal: interrupted.signal,
    programs: {
      version: "0.0.0",
      controller: () => Promise.resolve(0),
      sandbox: () => Promise.resolve(0),
      refusals: (objects) => Promise.resolve(refusalsOf(objects)),
      simulate,
      ...options.programs,
    },
  }).then((code) => {
    finished = true;
    return { code, out, err };
  });
  return {
    ended,
    out: () => out,
    async said(text) {
      const deadlineMs = Date.now() + 10_000;
      while (!out.includes(text)) {
        if (finished || Date.now() > deadlineMs) throw new Error(`waited in vain for ${text}:\n${out}${err}`);
        await sleep(5);
      }
    },
    interrupt: () => {
      interrupted.abort();
    },
  };
}

/** Runs a command line to its end. */
export function cli(argv: readonly string[], options: StartOptions = {}): Promise<Finished> {
  return start(argv, options).ended;
}
