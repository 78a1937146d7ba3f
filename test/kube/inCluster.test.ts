import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createKube } from "../../src/kube/client.ts";
import { connect } from "../../src/kube/config.ts";
import type { Connection } from "../../src/kube/config.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { KubeObject } from "../../src/kube/port.ts";
import { createAuthority } from "../metrics/certificates.ts";
import { startStub } from "../metrics/stubServer.ts";
import type { StubServer } from "../metrics/stubServer.ts";
import { createVirtualClock } from "../virtualClock.ts";
import type { VirtualClock } from "../virtualClock.ts";

const authority = createAuthority("the cluster");

/** What a kubelet mounts into a Pod. */
let serviceAccount: string;
let server: StubServer;
let clock: VirtualClock;
let connection: Connection | undefined;

const mount = (file: string, content: string): Promise<void> => writeFile(path.join(serviceAccount, file), content);

beforeEach(async () => {
  clock = createVirtualClock();
  serviceAccount = await mkdtemp(path.join(tmpdir(), "aviary-pod-"));
  await mount("ca.crt", authority.cert);
  await mount("token", "first\n");
  server = await startStub((_request, response) => {
    const object = { apiVersion: "v1", kind: "Service", metadata: { name: "web" } };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(object));
  }, authority.issue("kube-apiserver"));
});
afterEach(async () => {
  await connection?.close();
  connection = undefined;
  await server.close();
  await rm(serviceAccount, { recursive: true });
});

/** As in a Pod: no kubeconfig anywhere, and the address in the environment. */
const open = async ({ hostname, port }: Pick<URL, "hostname" | "port"> = new URL(server.url)): Promise<Connection> => {
  const env = { HOME: serviceAccount, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
  connection = await connect({ clock, serviceAccount, env });
  return connection;
};
const ask = (by: Connection): Promise<KubeObject | undefined> =>
  createKube(by).get(kinds.service, { namespace: "shop", name: "web" });

describe("inside a cluster", () => {
  test("the API server is asked with the Pod's token, and with the new one once it has rotated", async () => {
    const opened = await open();
    expect(await ask(opened)).toMatchObject({ metadata: { name: "web" } });
    await mount("token", "second\n");
    await clock.advance(30_000);
    await ask(opened);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer first", "Bearer second"]);
  });

  test("no server is trusted but one of the cluster's authority", async () => {
    await mount("ca.crt", createAuthority("somebody else").cert);
    await expect(ask(await open())).rejects.toThrow(/certificate/);
    expect(server.requests).toEqual([]);
  });

  test("the namespace is that of the Pod, where it is told", async () => {
    expect((await open()).namespace).toBeUndefined();
    await mount("namespace", "aviary-system\n");
    expect((await open()).namespace).toBe("aviary-system");
  });

  test("the API server may have an IPv6 address", async () => {
    expect((await open({ hostname: "fd00::1", port: "6443" })).origin).toBe("https://[fd00::1]:6443");
  });
});
