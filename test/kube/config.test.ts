import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { createKube } from "../../src/kube/client.ts";
import { connect } from "../../src/kube/config.ts";
import type { Connection, ConnectOptions } from "../../src/kube/config.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { createVirtualClock } from "../virtualClock.ts";
import type { VirtualClock } from "../virtualClock.ts";
import { json, startStubServer } from "./stubServer.ts";

let folder: string;
let clock: VirtualClock;
let connections: Connection[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "aviary-config-"));
  clock = createVirtualClock();
  connections = [];
});
afterEach(async () => {
  for (const connection of connections) await connection.close();
  await rm(folder, { recursive: true });
});

interface Parts {
  readonly name?: string;
  readonly cluster?: object;
  readonly user?: object;
  readonly namespace?: string;
}

const write = async (name: string, content: string): Promise<string> => {
  const file = path.join(folder, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
};

const kubeconfig = ({ name = "main", cluster = {}, user = {}, namespace }: Parts): string =>
  stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server: `https://${name}.example:6443`, ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    "current-context": name,
  });

const open = async (options: ConnectOptions): Promise<Connection> => {
  const connection = await connect({ clock, env: { HOME: folder }, ...options });
  connections.push(connection);
  return connection;
};
const openWith = async (parts: Parts): Promise<Connection> =>
  open({ kubeconfig: await write("config", kubeconfig(parts)) });
const headersOf = async (connection: Connection): Promise<Readonly<Record<string, string>>> =>
  (await connection.access()).headers;

describe("credentials", () => {
  test.for<{ name: string; user: object; headers: object }>([
    { name: "a token", user: { token: "t1" }, headers: { authorization: "Bearer t1" } },
    { name: "basic auth", user: { username: "u", password: "p" }, headers: { authorization: "Basic dTpw" } },
    {
      name: "impersonation",
      user: { token: "t1", as: "carol" },
      headers: { authorization: "Bearer t1", "impersonate-user": "carol" },
    },
    { name: "none", user: {}, headers: {} },
  ])("of $name", async ({ user, headers }) => {
    expect(await headersOf(await openWith({ user }))).toEqual(headers);
  });

  test("in a token file are read again when it rotates, on the same connections", async () => {
    const tokenFile = await write("token", "first\n");
    const connection = await openWith({ user: { tokenFile: "token" } });
    const before = await connection.access();
    await writeFile(tokenFile, "second\n");
    const meanwhile = await connection.access();
    await clock.advance(30_000);
    const after = await connection.access();
    expect([before, meanwhile, after].map(({ headers }) => headers["authorization"])).toEqual([
      "Bearer first",
      "Bearer first",
      "Bearer second",
    ]);
    expect(after.dispatcher).toBe(before.dispatcher);
  });

  test("that the server refused are read again at once", async () => {
    const tokenFile = await write("token", "first");
    const connection = await openWith({ user: { tokenFile } });
    await connection.access();
    await writeFile(tokenFile, "second");
    expect((await connection.access({ renew: true })).headers).toEqual({ authorization: "Bearer second" });
  });

  test("of a new certificate authority or client certificate get new connections", async () => {
    const caFile = await write("ca.crt", "authority 1");
    const certFile = await write("client.crt", "certificate 1");
    await write("client.key", "key");
    const connection = await openWith({
      cluster: { "certificate-authority": "ca.crt" },
      user: { "client-certificate": "client.crt", "client-key": "client.key" },
    });
    const dispatchers = [(await connection.access()).dispatcher];
    for (const file of [caFile, certFile]) {
      await writeFile(file, "another");
      await clock.advance(30_000);
      dispatchers.push((await connection.access()).dispatcher);
    }
    expect(new Set(dispatchers).size).toBe(3);
  });

  test("are asked for once by calls that come together", async () => {
    const connection = await openWith({ user: { token: "t1" } });
    const accesses = await Promise.all(Array.from({ length: 20 }, () => connection.access()));
    expect(new Set(accesses.map(({ dispatcher }) => dispatcher)).size).toBe(1);
  });

  test("that cannot be read are an error that names the file", async () => {
    const connection = await openWith({ user: { tokenFile: "missing" } });
    await expect(connection.access()).rejects.toThrow("missing");
  });
});

describe("an exec plug-in", () => {
  /** Writes how often it ran, and the environment that it was given, beside its answer. */
  const openWithPlugin = async (expirationTimestamp?: string): Promise<Connection> => {
    const script = await write(
      "plugin.mjs",
      `import { existsSync, readFileSync, writeFileSync } from "node:fs";
       const count = ${JSON.stringify(path.join(folder, "count"))};
       const runs = existsSync(count) ? Number(readFileSync(count, "utf8")) + 1 : 1;
       writeFileSync(count, String(runs));
       const interactive = JSON.parse(process.env.KUBERNETES_EXEC_INFO).spec.interactive;
       const status = { token: \`\${process.env.PREFIX}\${runs} interactive=\${interactive}\`, expirationTimestamp: ${JSON.stringify(expirationTimestamp)} };
       console.log(JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status }));`,
    );
    return openWith({
      user: {
        exec: {
          apiVersion: "client.authentication.k8s.io/v1",
          command: process.execPath,
          args: [script],
          env: [{ name: "PREFIX", value: "run " }],
          interactiveMode: "Never",
        },
      },
    });
  };

  test("is asked once while its answer holds, and again when the server refuses it", async () => {
    const connection = await openWithPlugin("2099-01-01T00:00:00Z");
    expect(await headersOf(connection)).toEqual({ authorization: "Bearer run 1 interactive=false" });
    await clock.advance(60_000);
    expect(await headersOf(connection)).toEqual({ authorization: "Bearer run 1 interactive=false" });
    const renewed = await connection.access({ renew: true });
    expect(renewed.headers).toEqual({ authorization: "Bearer run 2 interactive=false" });
  });

  test("is asked again when its answer has expired", async () => {
    const connection = await openWithPlugin("2020-01-01T00:00:00Z");
    await connection.access();
    await clock.advance(60_000);
    await connection.access();
    expect(await readFile(path.join(folder, "count"), "utf8")).toBe("2");
  });
});

describe("the kubeconfig", () => {
  test("of --kubeconfig goes before KUBECONFIG, that before ~/.kube/config", async () => {
    const named = await write("named", kubeconfig({ name: "named" }));
    const env = { HOME: folder, KUBECONFIG: await write("env", kubeconfig({ name: "env" })) };
    await write(".kube/config", kubeconfig({ name: "home" }));
    const origins = [await open({ kubeconfig: named, env }), await open({ env }), await open({})].map(
      ({ origin }) => origin,
    );
    expect(origins).toEqual(["https://named.example:6443", "https://env.example:6443", "https://home.example:6443"]);
  });

  test("in several files is one, in which the first entry of a name counts", async () => {
    const first = await write("first/config", kubeconfig({ name: "a", user: { tokenFile: "token" } }));
    const second = await write(
      "second/config",
      kubeconfig({ name: "a", cluster: { server: "https://other.example" } }),
    );
    const third = await write("third/config", kubeconfig({ name: "b" }));
    await write("first/token", "from the first folder");
    const env = { HOME: folder, KUBECONFIG: [first, second, third].join(path.delimiter) };
    const connection = await open({ env });
    expect(connection.origin).toBe("https://a.example:6443");
    expect(await headersOf(connection)).toEqual({ authorization: "Bearer from the first folder" });
    expect((await open({ env, context: "b" })).origin).toBe("https://b.example:6443");
  });

  test("tells the namespace of its context", async () => {
    expect((await openWith({ namespace: "shop" })).namespace).toBe("shop");
    expect((await openWith({})).namespace).toBeUndefined();
  });

  test.for<{ name: string; options: () => Promise<ConnectOptions>; sentence: RegExp }>([
    { name: "is nowhere", options: () => Promise.resolve({}), sentence: /pass --kubeconfig, set KUBECONFIG/ },
    {
      name: "is not there",
      options: () => Promise.resolve({ kubeconfig: "/no/such/file" }),
      sentence: /\/no\/such\/file/,
    },
    { name: "is none", options: async () => ({ kubeconfig: await write("c", "text") }), sentence: /not a kubeconfig/ },
    {
      name: "has no current context",
      options: async () => ({ kubeconfig: await write("c", "kind: Config") }),
      sentence: /no current-context/,
    },
    {
      name: "lacks the context",
      options: async () => ({ kubeconfig: await write("c", kubeconfig({})), context: "other" }),
      sentence: /no context named "other"/,
    },
  ])("that $name is an error that says so", async ({ options, sentence }) => {
    await expect(open(await options())).rejects.toThrow(sentence);
  });
});

test("a server below a path is asked below that path", async () => {
  const server = await startStubServer();
  try {
    server.answer(json({ kind: "Service", metadata: { name: "web" } }));
    const connection = await openWith({ cluster: { server: `${server.origin}/clusters/c1/` }, user: { token: "t1" } });
    await createKube(connection).get(kinds.service, { namespace: "shop", name: "web" });
    expect(server.requests).toMatchObject([
      {
        path: "/clusters/c1/api/v1/namespaces/shop/services/web",
        headers: { authorization: "Bearer t1", "user-agent": "aviary" },
      },
    ]);
  } finally {
    await server.close();
  }
});

test("many calls share few connections", async () => {
  const server = await startStubServer();
  try {
    const ports = new Set<number | undefined>();
    server.answer((response, request) => {
      ports.add(response.socket?.remotePort);
      return json({ kind: "Service", metadata: { name: "web" } })(response, request);
    });
    const kube = createKube(await openWith({ cluster: { server: server.origin } }));
    for (let call = 0; call < 30; call++) await kube.get(kinds.service, { namespace: "shop", name: "web" });
    expect(ports.size).toBeLessThanOrEqual(2);
  } finally {
    await server.close();
  }
});
