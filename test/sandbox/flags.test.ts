import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { TestContext } from "vitest";
import { httpUrl, LARGEST_PORT, wholeNumber } from "../../src/sandbox/flags.ts";
import { freePort } from "../cluster/harness/processes.ts";

const PROMETHEUS = "http://prometheus.test:9090/behind/a/prefix";

function fileOf(program: string): string {
  return fileURLToPath(new URL(`../../src/sandbox/${program}`, import.meta.url));
}

/** Starts a program of the sandbox until the test ends. Answers what it printed first. */
async function start(program: string, args: readonly string[], onTestFinished: TestContext["onTestFinished"]) {
  const child = spawn(process.execPath, [fileOf(program), ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  onTestFinished(async () => {
    child.kill();
    await exited;
  });
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return said.toString();
}

// Processes, which mostly load what they run: both at once.
describe.concurrent("of a real Prometheus", () => {
  it.for([
    {
      command: "sandbox",
      program: "main.ts",
      own: [],
      says: [`Prometheus      ${PROMETHEUS}\n`, ` --prometheus-url ${PROMETHEUS}\n`],
    },
    { command: "demo", program: "demo/demo.ts", own: ["--json"], says: [`"prometheus":"${PROMETHEUS}"`] },
  ])(
    "npm run $command tells the address, and lists at the port what it has to scrape",
    async ({ program, own, says }, { onTestFinished }) => {
      const port = await freePort();
      const args = [...own, "--prometheus", PROMETHEUS, "--discovery-port", `${port}`];
      const said = await start(program, args, onTestFinished);
      for (const text of says) expect(said).toContain(text);
      const groups: unknown = await (await fetch(`http://127.0.0.1:${port}/`)).json();
      expect(groups).toMatchObject([{ labels: { job: "gateway" } }]);
    },
  );
});

describe("a flag that cannot be", () => {
  it("is refused by name", () => {
    const { status, stderr } = spawnSync(process.execPath, [fileOf("main.ts"), "--port", "abc"], { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toBe(
      "error: option '--port <port>' argument 'abc' is invalid. It must be a whole number from 0 to 65535.\n",
    );
  });

  it.each(["abc", "2s", "-1", "1.5", "65536", "", " 1"])("is no port: %j", (text) => {
    expect(() => wholeNumber(LARGEST_PORT)(text)).toThrow("It must be a whole number from 0 to 65535.");
  });

  it.each(["prometheus:9090", "127.0.0.1", "ftp://x", ""])("is no address: %j", (text) => {
    expect(() => httpUrl(text)).toThrow("It must be a URL such as http://127.0.0.1:9090.");
  });
});
