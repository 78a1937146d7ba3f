/**
 * How long `aviary get` and `aviary wait` take from start to end on an API that answers at once, beside `node -e 0`, and
 * how long `aviary simulate` takes for a release of eleven minutes: compiled, as in the package. `npm run bench:cli`; ends
 * with 1 when a ratio is above 4.
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { parseDuration } from "../../src/lib/time.ts";

const ROOT = join(import.meta.dirname, "../..");
const COMMAND = join(ROOT, "dist/aviary.js");
const SIMULATE = ["simulate", "examples/comparison.yaml", "--world", "examples/simulate/outage.yaml"];
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

function timed(args: readonly string[]): { readonly ms: number; readonly said: string } {
  const startedMs = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", cwd: ROOT });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}`);
  return { ms: performance.now() - startedMs, said: stdout };
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Milliseconds of the median run of each command; they take turns, so that whatever else runs meets them alike. */
function mediansMs(commands: readonly (readonly string[])[]): number[] {
  const rounds = Array.from({ length: RUNS }, () => commands.map((args) => timed(args).ms));
  return commands.map((_, index) => medianOf(rounds.map((round) => round[index] ?? 0)));
}

/** The whole process, and what of it was the simulation by its own last line. */
function printSimulations(): void {
  const runs = Array.from({ length: RUNS }, () => timed([COMMAND, ...SIMULATE]));
  const wholeMs = medianOf(runs.map(({ ms }) => ms)).toFixed(0);
  const own = runs.map(({ said }) => parseDuration(/simulated in (\w+)/.exec(said)?.[1] ?? "0s"));
  console.log(`aviary simulate  ${wholeMs} ms from start to end, ${medianOf(own)} ms of it in the simulation`);
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
  printSimulations();
} finally {
  await api.stop();
  await rm(folder, { recursive: true });
}
