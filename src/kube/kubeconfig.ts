import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { newClusters, newContexts, newUsers } from "@kubernetes/client-node/dist/config_types.js";
import type { Cluster, User } from "@kubernetes/client-node/dist/config_types.js";
import { load } from "js-yaml";

/** Where the address and the credentials of an API server come from. */
export interface KubeconfigSource {
  /** Path of a kubeconfig; without it $KUBECONFIG, then ~/.kube/config, then the Pod's service account. */
  readonly kubeconfig?: string;
  /** Name of a context; the file's current one when left out. */
  readonly context?: string;
  /** Folder of the Pod's service account; where kubelets put it when left out. Only tests have another one. */
  readonly serviceAccount?: string;
}

/** One context of a kubeconfig, with file paths made absolute. */
export interface KubeContext {
  readonly cluster: Cluster;
  readonly user: User;
  /** File that holds a bearer token and is replaced when the token rotates. */
  readonly tokenFile?: string;
  readonly namespace?: string;
}

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** @throws Error that says which file or entry is missing. */
export async function loadContext(source: KubeconfigSource, env: NodeJS.ProcessEnv): Promise<KubeContext> {
  if (source.kubeconfig !== undefined) return fromFiles([source.kubeconfig], source.context);
  const fromEnv = (env["KUBECONFIG"] ?? "").split(path.delimiter).filter((file) => file !== "");
  if (fromEnv.length > 0) return fromFiles(fromEnv, source.context);
  const home = path.join(env["HOME"] ?? homedir(), ".kube", "config");
  if ((await readIfPresent(home)) !== undefined) return fromFiles([home], source.context);
  return inCluster(env, source.serviceAccount ?? SERVICE_ACCOUNT);
}

async function inCluster(env: NodeJS.ProcessEnv, serviceAccount: string): Promise<KubeContext> {
  const host = env["KUBERNETES_SERVICE_HOST"];
  const port = env["KUBERNETES_SERVICE_PORT"];
  if (host === undefined || port === undefined) {
    throw new Error("no Kubernetes API server: pass --kubeconfig, set KUBECONFIG, or run inside a cluster");
  }
  const namespace = await readIfPresent(`${serviceAccount}/namespace`);
  return {
    cluster: {
      name: "in-cluster",
      server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
      caFile: `${serviceAccount}/ca.crt`,
      skipTLSVerify: false,
    },
    user: { name: "in-cluster" },
    tokenFile: `${serviceAccount}/token`,
    ...(namespace === undefined ? {} : { namespace: namespace.trim() }),
  };
}

interface RawConfig {
  readonly clusters?: unknown;
  readonly users?: readonly { readonly name?: string; readonly user?: { readonly tokenFile?: string } | null }[] | null;
  readonly contexts?: unknown;
  readonly "current-context"?: string;
}

/** Of entries with the same name in several files the first counts, as for kubectl. */
async function fromFiles(files: readonly string[], wanted: string | undefined): Promise<KubeContext> {
  const configs = await Promise.all(files.map(async (file) => ({ file, raw: await parseFile(file) })));
  const name = wanted ?? configs.map(({ raw }) => raw["current-context"]).find((current) => Boolean(current));
  const where = files.join(", ");
  if (name === undefined) throw new Error(`${where}: no current-context`);
  const context = configs.flatMap(({ raw }) => newContexts(raw.contexts)).find((entry) => entry.name === name);
  if (context === undefined) throw new Error(`${where}: no context named ${JSON.stringify(name)}`);
  const cluster = configs
    .flatMap(({ file, raw }) => newClusters(raw.clusters).map((entry) => absoluteCluster(entry, file)))
    .find((entry) => entry.name === context.cluster);
  if (cluster === undefined) throw new Error(`${where}: no cluster named ${JSON.stringify(context.cluster)}`);
  const user = configs
    .flatMap(({ file, raw }) => newUsers(raw.users ?? []).map((entry) => absoluteUser(entry, file)))
    .find((entry) => entry.name === context.user);
  if (user === undefined) throw new Error(`${where}: no user named ${JSON.stringify(context.user)}`);
  const tokenFile = tokenFileOf(configs, context.user);
  return {
    cluster,
    user,
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(context.namespace === undefined ? {} : { namespace: context.namespace }),
  };
}

/** The client library reads `tokenFile` nowhere, so it is taken from the document. */
function tokenFileOf(configs: readonly { file: string; raw: RawConfig }[], user: string): string | undefined {
  for (const { file, raw } of configs) {
    const entry = raw.users?.find(({ name }) => name === user);
    if (entry !== undefined) return absolute(entry.user?.tokenFile, file);
  }
  return undefined;
}

async function parseFile(file: string): Promise<RawConfig> {
  const text = await readFile(file, "utf8");
  // One small file, where `yaml` has to read fifty: every command of `aviary` waits for it.
  const document: unknown = load(text);
  if (typeof document !== "object" || document === null) throw new Error(`${file}: not a kubeconfig`);
  return document;
}

async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch {
    return undefined;
  }
}

function absolute(file: string | undefined, configFile: string): string | undefined {
  return file === undefined || file === "" ? undefined : path.resolve(path.dirname(configFile), file);
}

function absoluteCluster(cluster: Cluster, configFile: string): Cluster {
  const caFile = absolute(cluster.caFile, configFile);
  return caFile === undefined ? cluster : { ...cluster, caFile };
}

function absoluteUser(user: User, configFile: string): User {
  const certFile = absolute(user.certFile, configFile);
  const keyFile = absolute(user.keyFile, configFile);
  return { ...user, ...(certFile === undefined ? {} : { certFile }), ...(keyFile === undefined ? {} : { keyFile }) };
}
