import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { request } from "undici";
import { type ApiClient, createApiClient } from "./apiClient.ts";
import type { Binaries } from "./binaries.ts";
import { apiServerArguments, etcdArguments } from "./components.ts";
import { type TokenAuthenticator, writeAdminToken, writeServiceAccountKey } from "./credentials.ts";
import { type Parts, waitUntilReady } from "./parts.ts";
import { freePort } from "./processes.ts";

export interface ApiServer {
  readonly url: string;
  readonly caFile: string;
  readonly adminToken: string;
  readonly serviceAccountKey: string;
  /** Returns when /readyz answers. */
  start(): Promise<void>;
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

export interface ApiServerOptions {
  readonly binaries: Binaries;
  readonly parts: Parts;
  readonly authenticator: TokenAuthenticator;
  readonly extraArguments: readonly string[];
  readonly signal?: AbortSignal;
}

/** Starts etcd; the API server itself starts with `start`, each time on the same port and with the same keys. */
export async function prepareApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { binaries, parts, authenticator, signal } = options;
  const { folder } = parts;
  const waiting = signal === undefined ? {} : { signal };
  mkdirSync(join(folder, "certs"));
  const etcdUrl = await startEtcd(binaries.etcd, parts, waiting);
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const caFile = join(folder, "certs", "apiserver.crt");
  const serviceAccountKey = writeServiceAccountKey(folder);
  const { token, tokenFile } = writeAdminToken(folder);
  const tokenWebhookConfigFile = authenticator.webhookConfigFile;
  const args = apiServerArguments({ folder, etcdUrl, port, serviceAccountKey, tokenFile, tokenWebhookConfigFile });
  return {
    url,
    caFile,
    adminToken: token,
    serviceAccountKey,
    start: async () => {
      const part = parts.start("kube-apiserver", binaries["kube-apiserver"], [...args, ...options.extraArguments]);
      await waitUntilReady(part, () => readyz({ url, caFile, token }), waiting);
    },
    // With watches open it would drain for a minute.
    stop: (how = "SIGTERM") => parts.stop("kube-apiserver", { signal: how, graceMs: 2000 }),
  };
}

async function startEtcd(command: string, parts: Parts, waiting: { signal?: AbortSignal }): Promise<string> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const peerUrl = `http://127.0.0.1:${await freePort()}`;
  const part = parts.start("etcd", command, etcdArguments(parts.folder, url, peerUrl));
  const healthy = async (): Promise<void> => {
    const { statusCode, body } = await request(`${url}/health`);
    await body.dump();
    if (statusCode !== 200) throw new Error(`/health answers ${statusCode}`);
  };
  await waitUntilReady(part, healthy, waiting);
  return url;
}

async function readyz(access: { url: string; caFile: string; token: string }): Promise<void> {
  // A client for each probe: the certificate file appears only while the server starts.
  const client: ApiClient = createApiClient(access);
  try {
    await client.request({ path: "/readyz" });
  } finally {
    await client.close();
  }
}
