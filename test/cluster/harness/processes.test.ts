import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { waitFor } from "./polling.ts";
import { isAlive, startProcess } from "./processes.ts";

const folder = mkdtempSync(join(tmpdir(), "aviary-processes-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("output, environment and exit code of a process are kept", async () => {
  const args = ["-c", "echo to stdout; echo $COLOUR >&2; exit 3"];
  const child = startProcess({ command: "sh", args, env: { COLOUR: "green" }, logFile: join(folder, "kept.log") });
  expect(await child.exited).toEqual({ code: 3, signal: null });
  expect(child.running()).toBe(false);
  expect(child.logs()).toContain("to stdout\ngreen\n");
});

test("a command that does not exist is an error or a failed exit, never silence", async () => {
  const attempt = async (): Promise<unknown> =>
    (await startProcess({ command: "no-such-command", logFile: join(folder, "none.log") }).exited).code;
  expect(await attempt().catch(() => "refused")).not.toBe(0);
});

test("a process that ignores SIGTERM is killed after its grace", async () => {
  const args = ["-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"];
  const child = startProcess({ command: "sh", args, logFile: join(folder, "deaf.log") });
  await waitFor("the trap to be set", () => child.logs().split("\n").includes("deaf"));
  expect(await child.stop(50)).toEqual({ code: null, signal: "SIGKILL" });
});

test("what a process started ends with it", async () => {
  const args = ["-c", "sleep 600 & echo child:$!; exit 0"];
  const parent = startProcess({ command: "sh", args, logFile: join(folder, "orphan.log") });
  await parent.exited;
  const pid = Number(/^child:(\d+)$/m.exec(parent.logs())?.[1]);
  await waitFor("the orphan to be gone", () => !isAlive(pid), { timeoutMs: 2000 });
});

test.each(["SIGKILL", "SIGTERM"] as const)("processes end with whoever started them, even by %s", async (signal) => {
  const logFile = join(folder, `${signal}.log`);
  const script = `import { startProcess } from ${JSON.stringify(join(import.meta.dirname, "processes.ts"))};
    const child = startProcess({ command: "sleep", args: ["600"], logFile: ${JSON.stringify(`${logFile}.child`)} });
    console.log("child:" + child.pid);
    setInterval(() => {}, 1000);`;
  const args = ["--input-type=module-typescript", "-e", script];
  const parent = startProcess({ command: process.execPath, args, logFile });
  const [, pid] = await waitFor("the child's pid", () => /^child:(\d+)$/m.exec(parent.logs()));
  expect(isAlive(Number(pid))).toBe(true);
  process.kill(parent.pid, signal);
  expect(await parent.exited).toMatchObject({ signal });
  await waitFor("the child to be gone", () => !isAlive(Number(pid)), { timeoutMs: 2000 });
});

test("a wait that ends in vain says what was seen last", async () => {
  const options = { timeoutMs: 10, intervalMs: 1, until: () => false };
  const seen = waitFor("a miracle", () => ({ phase: "Pending" }), options);
  await expect(seen).rejects.toThrow("waited 10 ms for a miracle; last seen: { phase: 'Pending' }");
  const failed = waitFor("a miracle", () => Promise.reject(new Error("connection refused")), options);
  await expect(failed).rejects.toThrow("last seen: connection refused");
});

test("a wait ends at once when it is aborted", async () => {
  const waiting = waitFor("a miracle", () => false, { signal: AbortSignal.timeout(10) });
  await expect(waiting).rejects.toThrow(/abort/i);
});
