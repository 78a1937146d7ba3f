/**
 * How long `aviary get` and `aviary wait` take from start to end on an API that answers at once, beside `node -e 0`:
 * compiled, as in the package. `npm run bench:cli`; ends with 1 when a ratio is above 4.
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";

const COMMAND = join(import.meta.dirname, "../../dist/aviary.js");
const RUNS = 25;
const MOST = 4;

/** The embedded API, in a thread of its own: this one waits for processes. */
async function startApi(): Promise<{ readonly url: string; stop(): Promise<number> }> {
  const worker = new Worker(new URL("./cliApi.ts", import.meta.url));
  const url = await new Promise<string>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  return { url, stop: () => worker.terminate() };
}

function timeOf(args: readonly string[]): number {
  const startedMs = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}`);
  return performance.now() - startedMs;
}

/** Milliseconds of the median run of each command; they take turns, so that whatever else runs meets them alike. */
function mediansMs(commands: readonly (readonly string[])[]): number[] {
  const rounds = Array.from({ length: RUNS }, () => commands.map(timeOf));
  return commands.map((_, index) => {
    const times = rounds.map((round) => round[index] ?? 0).sort((a, b) => a - b);
    return times[Math.floor(RUNS / 2)] ?? 0;
  });
}

const folder = await mkdtemp(join(tmpdir(), "aviary-bench-"));
const api = await startApi();
try {
  const { kubeconfig } = await import("../../src/sandbox/apiserver/http.ts");
  const file = join(folder, "kubeconfig");
  await writeFile(file, kubeconfig(api.url));
  const common = ["-n", "shop", "--kubeconfig", file];
  const commands = [
    ["-e", "0"],
    [COMMAND, "get", ...common],
    [COMMAND, "wait", "deploy/web", ...common],
  ];
  const [floorMs = 0, ...tookMs] = mediansMs(commands);
  console.log(`node -e 0     ${floorMs.toFixed(0)} ms`);
  for (const [index, name] of ["aviary get", "aviary wait"].entries()) {
    const ratio = (tookMs[index] ?? 0) / floorMs;
    console.log(
      `${name.padEnd(12)}  ${(tookMs[index] ?? 0).toFixed(0)} ms  ${ratio.toFixed(2)} times node -e 0 (at most ${MOST})`,
    );
    if (ratio > MOST) process.exitCode = 1;
  }
} finally {
  await api.stop();
  await rm(folder, { recursive: true });
}
