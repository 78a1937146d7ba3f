import { join } from "node:path";
import { request } from "undici";
import { waitUntilReady } from "../../cluster/harness/parts.ts";
import { freePort, type RunningProcess, startProcess } from "../../cluster/harness/processes.ts";
import type { ControlPlane } from "../../cluster/harness/controlPlane.ts";

/** The controller as a process of its own, with the rights that `deploy/` gives it and no others. */
export interface ControllerProcess {
  /** Returns when it is ready. A second one stands by until it gets the Lease. */
  start(): Promise<void>;
  kill(): Promise<void>;
  /** SIGKILL, and a new process at once: returns when that is ready. */
  crash(): Promise<void>;
  stop(): Promise<void>;
  /** Lines of the log, of all processes so far. */
  logs(): readonly LogLine[];
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

interface ControllerOptions {
  readonly controlPlane: ControlPlane;
  readonly folder: string;
  readonly prometheusUrl: string;
  readonly arguments?: readonly string[];
}

const main = join(import.meta.dirname, "../../../src/main.ts");
/** As shipped but shorter, so that a crash does not cost a test fifteen seconds. */
const lease = ["--leader-elect", "--lease-duration=6s", "--renew-deadline=5s", "--retry-period=500ms"];

/** Installs what `deploy/` holds, CRDs and rights included. */
export async function installAviary(controlPlane: ControlPlane): Promise<void> {
  const folder = join(import.meta.dirname, "../../../deploy");
  const { code, stderr } = await controlPlane.kubectl(["apply", "-k", folder]);
  if (code !== 0) throw new Error(`kubectl apply -k deploy: ${stderr}`);
  await controlPlane.kubectl(["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"]);
}

export async function createController(options: ControllerOptions): Promise<ControllerProcess> {
  const { controlPlane, folder, prometheusUrl } = options;
  const kubeconfig = await controlPlane.kubeconfigFor({ namespace: "aviary", name: "aviary" });
  const logFile = join(folder, "controller.log");
  let running: RunningProcess | undefined;
  let starts = 0;
  const start = async (): Promise<void> => {
    const listen = `127.0.0.1:${await freePort()}`;
    const args = [main, `--kubeconfig=${kubeconfig}`, `--prometheus-url=${prometheusUrl}`, `--listen=${listen}`];
    const name = `controller-${++starts}`;
    running = startProcess({
      name,
      command: process.execPath,
      args: [...args, ...lease, `--identity=${name}`, ...(options.arguments ?? [])],
      env: { NODE_OPTIONS: undefined },
      logFile,
    });
    await waitUntilReady(running, async () => {
      const { statusCode, body } = await request(`http://${listen}/readyz`);
      if (statusCode !== 200) throw new Error(`/readyz answers ${statusCode}: ${await body.text()}`);
      await body.dump();
    });
  };
  const kill = async (): Promise<void> => {
    running?.kill("SIGKILL");
    await running?.exited;
  };
  return {
    start,
    kill,
    crash: async () => {
      await kill();
      await start();
    },
    stop: async () => {
      await running?.stop();
    },
    logs: () => (running?.logs() ?? "").split("\n").flatMap(parse),
  };
}

function parse(line: string): LogLine[] {
  try {
    return [JSON.parse(line) as LogLine];
  } catch {
    return [];
  }
}
