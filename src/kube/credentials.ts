import { readFile } from "node:fs/promises";
import type { RequestOptions } from "node:https";
import type { ExecAuth } from "@kubernetes/client-node/dist/exec_auth.js";
import type { User } from "@kubernetes/client-node/dist/config_types.js";
import type { KubeContext } from "./kubeconfig.ts";

/** TLS material of a connection; a change of any of it needs new connections. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
}

/** Reads what the context says now: files again, and the exec plug-in when its last answer has expired. */
export async function readCredentials(context: KubeContext, exec: ExecAuth): Promise<Credentials> {
  const { cluster, user, tokenFile } = context;
  const options = await authenticate(context, exec);
  const token = tokenFile === undefined ? user.token : await readFile(tokenFile, "utf8");
  const ca = await textOf(cluster.caFile, cluster.caData);
  const cert = (await textOf(user.certFile, user.certData)) ?? asText(options.cert);
  const key = (await textOf(user.keyFile, user.keyData)) ?? asText(options.key);
  return {
    headers: headersOf(user, token, options),
    tls: {
      rejectUnauthorized: !cluster.skipTLSVerify,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(cluster.tlsServerName === undefined ? {} : { servername: cluster.tlsServerName }),
    },
  };
}

function headersOf(user: User, token: string | undefined, options: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value);
  if (user.username) {
    headers["authorization"] = `Basic ${Buffer.from(`${user.username}:${user.password ?? ""}`).toString("base64")}`;
  }
  // Files end with a newline, which no header may hold.
  if (token) headers["authorization"] = `Bearer ${token.trim()}`;
  if (user.impersonateUser) headers["impersonate-user"] = user.impersonateUser;
  return headers;
}

/** What the exec plug-in, or one of the library's named providers (OIDC and the like), adds to a request. */
async function authenticate({ cluster, user }: KubeContext, exec: ExecAuth): Promise<RequestOptions> {
  const options: RequestOptions = { headers: {} };
  if (user.exec) {
    await exec.applyAuthentication(withExecInfo(user), options);
  } else if (user.authProvider) {
    // Loaded only when needed: the whole library costs some 80 MiB of memory.
    const { KubeConfig } = await import("@kubernetes/client-node");
    const config = new KubeConfig();
    config.loadFromClusterAndUser(cluster, user);
    await config.applyToHTTPSOptions(options);
  }
  return options;
}

/** Plug-ins of `client.authentication.k8s.io` read from the environment that nobody can answer questions. */
function withExecInfo(user: User): User {
  const exec = user.exec as { apiVersion?: string; env?: readonly { name: string; value: string }[] | null };
  const info = { apiVersion: exec.apiVersion, kind: "ExecCredential", spec: { interactive: false } };
  const env = [...(exec.env ?? []), { name: "KUBERNETES_EXEC_INFO", value: JSON.stringify(info) }];
  return { ...user, exec: { ...exec, env } };
}

async function textOf(file: string | undefined, data: string | undefined): Promise<string | undefined> {
  if (file) return readFile(file, "utf8");
  return data ? Buffer.from(data, "base64").toString("utf8") : undefined;
}

function asText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return Buffer.isBuffer(value) ? value.toString("utf8") : undefined;
}
