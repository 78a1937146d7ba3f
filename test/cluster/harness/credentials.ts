import { generateKeyPairSync, randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { stringify } from "yaml";

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

export interface TokenAuthenticator {
  /** Kubeconfig file by which the API server finds this authenticator. */
  readonly webhookConfigFile: string;
  /** A new token that is good for this user (and `system:authenticated`) until the authenticator is closed. */
  issue(user: User): string;
  close(): Promise<void>;
}

/**
 * Answers the API server's TokenReviews from memory, so that a test can invent users while the API server runs: a
 * token file is read at its start only, and impersonation would need rights of its own.
 */
export async function startTokenAuthenticator(folder: string): Promise<TokenAuthenticator> {
  const users = new Map<string, User>();
  const server = createServer((request, response) => {
    answerReview(users, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const webhookConfigFile = join(folder, "token-webhook.kubeconfig");
  writeKubeconfig(webhookConfigFile, { url });
  return {
    webhookConfigFile,
    issue: (user) => {
      const token = randomUUID();
      users.set(token, user);
      return token;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Writes the key pair that signs ServiceAccount tokens. */
export function writeServiceAccountKey(folder: string): string {
  const file = join(folder, "service-account.key");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(file, privateKey.export({ type: "sec1", format: "pem" }), { mode: 0o600 });
  return file;
}

/** Writes the API server's token file with one user, a member of `system:masters`. */
export function writeAdminToken(folder: string): { readonly tokenFile: string; readonly token: string } {
  const token = randomUUID();
  const tokenFile = join(folder, "tokens.csv");
  writeFileSync(tokenFile, `${token},admin,admin,system:masters\n`, { mode: 0o600 });
  return { tokenFile, token };
}

export interface KubeconfigContent {
  readonly url: string;
  readonly caFile?: string;
  readonly token?: string;
  readonly namespace?: string;
}

export function writeKubeconfig(file: string, content: KubeconfigContent): string {
  const { url, caFile, token, namespace } = content;
  const ca = caFile === undefined ? {} : { "certificate-authority-data": readFileSync(caFile).toString("base64") };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server: url, ...ca } }],
    users: [{ name: "user", user: token === undefined ? {} : { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "user", namespace: namespace ?? "default" } }],
    "current-context": "test",
  };
  writeFileSync(file, stringify(config), { mode: 0o600 });
  return file;
}

async function answerReview(
  users: ReadonlyMap<string, User>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  const review = JSON.parse(body) as { apiVersion: string; spec: { token: string } };
  const user = users.get(review.spec.token);
  const status =
    user === undefined
      ? { authenticated: false }
      : { authenticated: true, user: { username: user.name, uid: user.name, groups: user.groups } };
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ apiVersion: review.apiVersion, kind: "TokenReview", status }));
}
