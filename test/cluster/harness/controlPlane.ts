import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../../src/lib/errors.ts";
import { type ApiClient, createApiClient } from "./apiClient.ts";
import { type ApiServer, prepareApiServer } from "./apiServer.ts";
import { type Binaries, ensureBinaries } from "./binaries.ts";
import * as components from "./components.ts";
import { startTokenAuthenticator, type TokenAuthenticator, writeKubeconfig } from "./credentials.ts";
import { createParts, type Parts, waitUntilReady } from "./parts.ts";
import { stageConfiguration } from "./stages.ts";

export interface ControlPlaneOptions {
  /** True when left out. Without it nothing makes pods of Deployments. */
  readonly controllerManager?: boolean;
  /** True when left out. */
  readonly scheduler?: boolean;
  /** True when left out: a fake node on which pods become ready. More stages may be given as files or folders. */
  readonly kwok?: boolean | { readonly stages: readonly string[] };
  readonly apiServerArguments?: readonly string[];
  readonly signal?: AbortSignal;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ControlPlane {
  readonly url: string;
  readonly caFile: string;
  /** Kubeconfig file of a member of `system:masters`. */
  readonly adminKubeconfig: string;
  readonly adminToken: string;
  /** Holds logs, credentials and data until `stop`. */
  readonly folder: string;
  readonly binaries: Binaries;
  /** Pids of everything that runs now, by component. */
  pids(): Readonly<Record<string, number>>;
  /** Runs kubectl, as admin unless a kubeconfig file is given; a failure is an exit code, not an error. */
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<CommandResult>;
  /** A new kubeconfig file that authenticates as exactly this existing ServiceAccount, for 24 hours. */
  kubeconfigFor(serviceAccount: { readonly namespace: string; readonly name: string }): Promise<string>;
  /** A new kubeconfig file of a user who has no rights but those that RBAC grants. */
  userKubeconfig(name: string, groups?: readonly string[]): string;
  /** Stops and starts it on the same port: every watch ends, and older resource versions answer 410. */
  restartApiServer(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  stopApiServer(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Returns when /readyz answers. */
  startApiServer(): Promise<void>;
  /** Ends everything, and removes the folder unless told to keep it. Can be called twice. */
  stop(options?: { readonly keepFolder?: boolean }): Promise<void>;
}

export interface KubectlOptions {
  readonly kubeconfig?: string;
  readonly stdin?: string;
  readonly signal?: AbortSignal;
}

interface Bench {
  readonly binaries: Binaries;
  readonly folder: string;
  readonly parts: Parts;
  readonly authenticator: TokenAuthenticator;
}

/**
 * Starts etcd, a real API server with RBAC on, its controllers, scheduler and a fake node, on loopback ports that were
 * free. When something fails, what was started is ended; the error names the folder with the logs, which then stays.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const binaries = await ensureBinaries();
  const folder = mkdtempSync(join(tmpdir(), "aviary-cluster-"));
  const parts = createParts(folder);
  const bench = { binaries, folder, parts, authenticator: await startTokenAuthenticator(folder) };
  try {
    const extraArguments = options.apiServerArguments ?? [];
    const waiting = options.signal === undefined ? {} : { signal: options.signal };
    const apiServer = await prepareApiServer({ ...bench, ...waiting, extraArguments });
    await apiServer.start();
    const { url, caFile, adminToken: token } = apiServer;
    const adminKubeconfig = writeKubeconfig(join(folder, "admin.kubeconfig"), { url, caFile, token });
    const admin = createApiClient({ url, caFile, token });
    const controlPlane = assemble(bench, apiServer, admin, adminKubeconfig);
    await startAround(bench, { apiServer, admin, adminKubeconfig }, options);
    return controlPlane;
  } catch (error) {
    await stopInOrder(bench);
    throw new Error(`the control plane did not start: ${messageOf(error)}\nlogs: ${folder}`, { cause: error });
  }
}

function assemble(bench: Bench, apiServer: ApiServer, admin: ApiClient, adminKubeconfig: string): ControlPlane {
  const { binaries, folder, parts, authenticator } = bench;
  const { url, caFile, adminToken } = apiServer;
  let files = 0;
  const newKubeconfig = (token: string, namespace: string): string =>
    writeKubeconfig(join(folder, `user-${++files}.kubeconfig`), { url, caFile, token, namespace });
  return {
    url,
    caFile,
    adminKubeconfig,
    adminToken,
    folder,
    binaries,
    pids: () => parts.pids(),
    kubectl: (args, options = {}) => runKubectl(binaries.kubectl, args, { kubeconfig: adminKubeconfig, ...options }),
    kubeconfigFor: async ({ namespace, name }) =>
      newKubeconfig(await serviceAccountToken(admin, namespace, name), namespace),
    userKubeconfig: (name, groups = []) => newKubeconfig(authenticator.issue({ name, groups }), "default"),
    startApiServer: () => apiServer.start(),
    stopApiServer: (signal) => apiServer.stop(signal),
    restartApiServer: async (signal) => {
      await apiServer.stop(signal);
      await apiServer.start();
    },
    stop: async ({ keepFolder = false } = {}) => {
      await admin.close();
      await stopInOrder(bench);
      if (!keepFolder) rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Running {
  readonly apiServer: ApiServer;
  readonly admin: ApiClient;
  readonly adminKubeconfig: string;
}

async function startAround(bench: Bench, running: Running, options: ControlPlaneOptions): Promise<void> {
  const { binaries, parts } = bench;
  const { apiServer, admin, adminKubeconfig } = running;
  const { controllerManager = true, scheduler = true, kwok = true } = options;
  const waiting = options.signal === undefined ? {} : { signal: options.signal };
  const ready: Promise<void>[] = [];
  if (scheduler)
    parts.start("kube-scheduler", binaries["kube-scheduler"], components.schedulerArguments(adminKubeconfig));
  if (controllerManager) {
    const { serviceAccountKey, caFile } = apiServer;
    const args = components.controllerManagerArguments(adminKubeconfig, serviceAccountKey, caFile);
    const part = parts.start("kube-controller-manager", binaries["kube-controller-manager"], args);
    const path = "/api/v1/namespaces/default/serviceaccounts/default";
    ready.push(waitUntilReady(part, () => admin.request({ path }), waiting));
  }
  if (kwok !== false) {
    await admin.request({ method: "POST", path: "/api/v1/nodes", body: components.fakeNode("fake-1") });
    const stagesFile = join(bench.folder, "stages.yaml");
    writeFileSync(stagesFile, stageConfiguration(binaries.stages, kwok === true ? [] : kwok.stages));
    const part = parts.start("kwok", binaries.kwok, components.kwokArguments(adminKubeconfig, stagesFile));
    ready.push(waitUntilReady(part, () => assertNodeReady(admin), waiting));
  }
  await Promise.all(ready);
}

async function assertNodeReady(admin: ApiClient): Promise<void> {
  interface Node {
    readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  }
  const node = await admin.request<Node>({ path: "/api/v1/nodes/fake-1" });
  const ready = node.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
  if (ready !== true) throw new Error(`the fake node is not ready: ${JSON.stringify(node.status.conditions)}`);
}

async function serviceAccountToken(admin: ApiClient, namespace: string, name: string): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 86_400 } };
  return (await admin.request<{ status: { token: string } }>({ method: "POST", path, body })).status.token;
}

/** An API server whose etcd is gone hangs for minutes, so etcd goes last. */
async function stopInOrder({ parts, authenticator }: Bench): Promise<void> {
  await Promise.all(["kwok", "kube-scheduler", "kube-controller-manager"].map((name) => parts.stop(name)));
  await parts.stop("kube-apiserver", { graceMs: 2000 });
  await parts.stop("etcd");
  await authenticator.close();
}

function runKubectl(command: string, args: readonly string[], options: KubectlOptions): Promise<CommandResult> {
  const { kubeconfig = "", stdin = "", signal } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, KUBECONFIG: kubeconfig },
      ...(signal ? { signal } : {}),
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin.end(stdin);
  });
}
