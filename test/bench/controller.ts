import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { waitFor } from "../cluster/harness/polling.ts";
import { type RunningProcess, startProcess } from "../cluster/harness/processes.ts";

export interface AviaryOptions {
  /** The compiled controller. */
  readonly main: string;
  readonly kubeconfig: string;
  readonly prometheusUrl: string;
  /** Beside those of the Dockerfile. */
  readonly nodeFlags?: readonly string[];
  readonly logFile: string;
}

export interface Aviary {
  readonly process: RunningProcess;
  readonly metricsUrl: string;
}

/** Starts the controller as the image does; returns when it listens. */
export async function startAviary(options: AviaryOptions): Promise<Aviary> {
  const { main, kubeconfig, prometheusUrl, nodeFlags = [], logFile } = options;
  const controller = startProcess({
    name: "controller",
    command: process.execPath,
    args: [
      ...flagsOfImage(),
      ...nodeFlags,
      main,
      ...["--kubeconfig", kubeconfig, "--prometheus-url", prometheusUrl, "--listen", "127.0.0.1:0"],
    ],
    env: {},
    logFile,
  });
  const port = await waitFor("the controller's port", () => Promise.resolve(portOf(controller.logs())), {
    until: (found) => found !== undefined,
  });
  return { process: controller, metricsUrl: `http://127.0.0.1:${port}/metrics` };
}

/** Compiles the controller, as it is shipped: from its sources it holds 30 MiB more. Answers the file to start. */
export function compiled(): string {
  execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit" });
  return "dist/main.js";
}

/** What the image starts Node with. */
function flagsOfImage(): readonly string[] {
  const entry = /^ENTRYPOINT (\[.*\])$/m.exec(readFileSync("Dockerfile", "utf8"))?.[1] ?? "[]";
  return (JSON.parse(entry) as string[]).filter((word) => word.startsWith("--"));
}

function portOf(logs: string): number | undefined {
  const port = /"port":(\d+)/.exec(logs)?.[1];
  return port === undefined ? undefined : Number(port);
}
