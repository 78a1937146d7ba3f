import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { type Cluster, connect } from "./harness/cluster.ts";
import { type CommandResult, type ControlPlane, startControlPlane } from "./harness/controlPlane.ts";
import { waitFor } from "./harness/polling.ts";
import { startStubPrometheus, type StubPrometheus } from "./harness/stubPrometheus.ts";
import { type ControllerProcess, launchController } from "./scenario/controllerProcess.ts";
import { startGateway } from "./scenario/gateway.ts";
import { type Journal, startJournal } from "./scenario/journal.ts";
import { openShop, type Shop, type ShopOptions } from "./scenario/shop.ts";

const root = join(import.meta.dirname, "../..");

/** The name by which the API server knows the controller. */
const SERVICE_ACCOUNT = "system:serviceaccount:aviary:aviary";

/** One request of the controller's, as the API server's audit log has it. */
export interface AuditedRequest {
  readonly verb: string;
  readonly requestURI: string;
  /** When it came, as an ISO time. */
  readonly requestReceivedTimestamp: string;
  readonly objectRef?: { readonly resource?: string; readonly namespace?: string; readonly name?: string };
  /** With `authorization.k8s.io/decision`: an answer 403 may have other causes than a missing right. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A real control plane with everything that `deploy/` ships, a gateway, and a Prometheus that says what it is told. */
export interface Bench {
  readonly controlPlane: ControlPlane;
  readonly cluster: Cluster;
  readonly prometheus: StubPrometheus;
  readonly journal: Journal;
  /** Kubeconfig of the ServiceAccount that `deploy/` ships, for the API server or for a proxy before it. */
  kubeconfig(url?: string): string;
  launch(options?: { readonly kubeconfig?: string; readonly args?: readonly string[] }): ControllerProcess;
  shop(options?: Pick<ShopOptions, "spec" | "replicas" | "beside">): Promise<Shop>;
  /** Runs kubectl and throws when it fails; returns what it printed. */
  kubectl(
    args: readonly string[],
    options?: { readonly kubeconfig?: string; readonly stdin?: string },
  ): Promise<string>;
  /** Restarts the API server. Until it knows RBAC again it forbids everything; those answers are not held against us. */
  restartApiServer(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Whether the API server was away, or not up entirely, at a time given in ISO format. */
  wasAway(time: string): boolean;
  /** Everything that the controller asked of the API server so far. */
  audited(): readonly AuditedRequest[];
  /** The logs of all controllers that were launched. */
  logs(): string;
  stop(): Promise<void>;
}

/** Starts it all but a controller. */
export async function startBench(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), "aviary-scenario-"));
  const auditLog = join(folder, "audit.log");
  const controlPlane = await startControlPlane({ apiServerArguments: auditArguments(folder, auditLog) });
  const { url, caFile, adminToken: token } = controlPlane;
  const cluster = connect({ url, caFile, token });
  await install(controlPlane, cluster);
  const prometheus = await startStubPrometheus();
  const gateway = startGateway(cluster);
  const journal = startJournal(cluster);
  const accountKubeconfig = await controlPlane.kubeconfigFor({ namespace: "aviary", name: "aviary" });
  const launched: ControllerProcess[] = [];
  const files = { count: 0 };
  const away: { readonly from: number; readonly to: number }[] = [];
  const kubeconfig = (through: string = url): string => {
    const file = join(folder, `controller-${++files.count}.kubeconfig`);
    writeFileSync(file, readFileSync(accountKubeconfig, "utf8").replace(url, through), { mode: 0o600 });
    return file;
  };
  return {
    controlPlane,
    cluster,
    prometheus,
    journal,
    kubeconfig,
    launch: (options = {}) => {
      const logFile = join(folder, `controller-log-${++files.count}.log`);
      const codeCache = join(folder, "code");
      const kubeconfig = options.kubeconfig ?? accountKubeconfig;
      const common = { kubeconfig, prometheusUrl: prometheus.url, logFile, codeCache };
      const controller = launchController({ ...common, args: options.args ?? [] });
      launched.push(controller);
      return controller;
    },
    shop: (options = {}) => openShop({ cluster, journal, prometheus, ...options }),
    kubectl: async (args, options) => printed(args, await controlPlane.kubectl(args, options)),
    restartApiServer: async (signal) => {
      const from = Date.now();
      await controlPlane.restartApiServer(signal);
      away.push({ from, to: Date.now() + 1_000 });
    },
    wasAway: (time) => away.some(({ from, to }) => Date.parse(time) >= from && Date.parse(time) <= to),
    audited: () => readAudit(auditLog),
    logs: () => launched.map(({ process: { logs } }) => logs()).join("\n"),
    stop: async () => {
      await Promise.all(launched.map(({ process: { stop } }) => stop()));
      await Promise.all([gateway.stop(), journal.stop(), prometheus.close()]);
      await cluster.close();
      await controlPlane.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Logs every request of the controller's, and nobody else's. */
function auditArguments(folder: string, auditLog: string): string[] {
  const policyFile = join(folder, "audit-policy.yaml");
  const rules = [
    { level: "Metadata", users: [SERVICE_ACCOUNT], omitStages: ["RequestReceived", "ResponseStarted"] },
    { level: "None" },
  ];
  writeFileSync(policyFile, stringify({ apiVersion: "audit.k8s.io/v1", kind: "Policy", rules }));
  return [`--audit-policy-file=${policyFile}`, `--audit-log-path=${auditLog}`];
}

function readAudit(auditLog: string): AuditedRequest[] {
  return readFileSync(auditLog, "utf8")
    .split("\n")
    .filter((line) => line.endsWith("}"))
    .map((line) => JSON.parse(line) as AuditedRequest);
}

/** Installs what a user would: the Gateway API, and `deploy/` with kubectl, whose pods the fake node runs. */
async function install(controlPlane: ControlPlane, cluster: Cluster): Promise<void> {
  await cluster.installCrds(controlPlane.binaries.gatewayCrds);
  const apply = ["apply", "-k", join(root, "deploy")];
  printed(apply, await controlPlane.kubectl(apply));
  const established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"];
  printed(established, await controlPlane.kubectl(established));
  // The policy is in force a moment after it was stored; until then everybody may ask for everything.
  await waitFor("the admission policy to be in force", async () => {
    const action = { apiVersion: "aviary.dev/v1beta1", kind: "CanaryAction", metadata: { name: "probe" } };
    const spec = { canaryRef: { name: "none" }, action: "Approve", requestedBy: "somebody else" };
    const body = JSON.stringify({ ...action, spec });
    const { stderr } = await controlPlane.kubectl(["create", "--dry-run=server", "-f", "-"], { stdin: body });
    return stderr.includes("requestedBy");
  });
}

function printed(args: readonly string[], { code, stdout, stderr }: CommandResult): string {
  if (code !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${code}: ${stderr}`);
  return stdout;
}
