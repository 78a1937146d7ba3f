import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { constants, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ensureBinaries } from "../cluster/harness/binaries.ts";
import { ensureGatewayBinaries, ensureIngressBinary } from "./rig/binaries.ts";
import { NODE_ADDRESS, POD_PREFIX_LENGTH } from "./rig/network.ts";

// Makes a network namespace, and runs the e2e tests in it: `node test/e2e/run.ts [arguments for vitest]`.

const PREFIX = "aviary-e2e-";

/** The namespace and the temporary folder have the same name, which holds the launcher's pid. */
const name = `${PREFIX}${process.pid}`;
const folder = join(tmpdir(), name);

removeRemains();
// Built here because the namespace has no way to the registries.
await Promise.all([ensureBinaries(report), ensureGatewayBinaries(report), ensureIngressBinary(report)]);
create();
const code = await runTests(process.argv.slice(2)).finally(() => {
  removeNamespace(name);
});
if (code === 0) rmSync(folder, { recursive: true, force: true });
else report(`logs are kept in ${folder} until the next run`);
process.exitCode = code;

function create(): void {
  mkdirSync(folder, { recursive: true });
  ip("netns", "add", name);
  ip("-n", name, "link", "set", "lo", "up");
  // On `lo` this makes every address of the network local, as with 127.0.0.0/8.
  ip("-n", name, "address", "add", `${NODE_ADDRESS}/${POD_PREFIX_LENGTH}`, "dev", "lo");
}

function runTests(args: readonly string[]): Promise<number> {
  const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
  const inside = ["ip", "netns", "exec", name, process.execPath, vitest, "run", "--project", "e2e", ...args];
  // Whatever ends the launcher ends the tests too.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", ...inside], {
    stdio: "inherit",
    env: { ...process.env, TMPDIR: folder },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (status, signal) => {
      resolve(status ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** What launchers that were killed have left behind. */
function removeRemains(): void {
  const namespaces = (JSON.parse(ip("-json", "netns", "list") || "[]") as { name: string }[]).map((one) => one.name);
  for (const left of namespaces.filter(isRemains)) removeNamespace(left);
  for (const left of readdirSync(tmpdir()).filter(isRemains)) rmSync(join(tmpdir(), left), { recursive: true });
}

function isRemains(candidate: string): boolean {
  const [, pid] = new RegExp(`^${PREFIX}(\\d+)$`).exec(candidate) ?? [];
  return pid !== undefined && !isLauncher(pid);
}

function isLauncher(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("e2e/run.ts");
  } catch {
    return false;
  }
}

/** Ends every process in it: it is ours, so they are. */
function removeNamespace(namespace: string): void {
  for (const pid of ip("netns", "pids", namespace).split("\n").filter(Boolean)) {
    spawnSync("kill", ["-KILL", pid], { stdio: "ignore" });
  }
  ip("netns", "delete", namespace);
}

function ip(...args: string[]): string {
  return execFileSync("ip", args, { encoding: "utf8" });
}

function report(line: string): void {
  process.stderr.write(`e2e: ${line}\n`);
}
