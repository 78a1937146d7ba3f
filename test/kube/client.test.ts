import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createKube } from "../../src/kube/client.ts";
import type { KubeOptions } from "../../src/kube/client.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { Kube, KubeObject } from "../../src/kube/port.ts";
import type { RequestInfo } from "../../src/kube/transport.ts";
import { json, reset, startStubServer, status } from "./stubServer.ts";
import type { StubHandler, StubServer } from "./stubServer.ts";

const ref = { namespace: "shop", name: "podinfo" };
const service = (resourceVersion = "7", name = "podinfo"): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { namespace: "shop", name, resourceVersion },
});

let server: StubServer;
beforeEach(async () => {
  server = await startStubServer();
});
afterEach(async () => {
  await server.close();
});

const client = (options: KubeOptions = {}): Kube => createKube(server.connection, options);

describe("a refused request", () => {
  test.for([
    { code: 400, reason: "Invalid" },
    { code: 401, reason: "Forbidden" },
    { code: 403, reason: "Forbidden" },
    { code: 409, reason: "Conflict" },
    { code: 410, reason: "Gone" },
    { code: 422, reason: "Invalid" },
    { code: 429, reason: "TooManyRequests" },
    { code: 500, reason: "Unavailable" },
    { code: 503, reason: "Unavailable" },
  ])("with $code is $reason, with the sentence of the server", async ({ code, reason }) => {
    server.answer(status(code));
    await expect(client().get(kinds.service, ref)).rejects.toMatchObject({
      name: "KubeError",
      status: code,
      reason,
      message: `stub says ${code}`,
    });
  });

  test("of a create whose name is taken is AlreadyExists, not Conflict", async () => {
    server.answer(status(409, "AlreadyExists"));
    await expect(client().create(kinds.service, service())).rejects.toMatchObject({ reason: "AlreadyExists" });
  });

  test("says how long to wait when the server does", async () => {
    server.answer(status(429, "TooManyRequests", { "retry-after": "3" }));
    await expect(client().list(kinds.service)).rejects.toMatchObject({
      reason: "TooManyRequests",
      retryAfterMs: 3_000,
    });
  });

  test("whose body is no Status is still classified by its code", async () => {
    server.answer((response) => void response.writeHead(502).end("<html>bad gateway"));
    await expect(client().get(kinds.service, ref)).rejects.toMatchObject({ reason: "Unavailable", status: 502 });
  });
});

describe("a get", () => {
  test("of an absent object answers undefined", async () => {
    server.answer(status(404));
    expect(await client().get(kinds.service, ref)).toBeUndefined();
  });

  test("is tried once more after a reset", async () => {
    server.answer(reset, json(service()));
    expect(await client().get(kinds.service, ref)).toMatchObject({ metadata: { name: "podinfo" } });
  });

  test("is given up after the second reset", async () => {
    server.answer(reset);
    await expect(client().get(kinds.service, ref)).rejects.toMatchObject({ reason: "Unavailable", status: 0 });
    expect(server.requests).toHaveLength(2);
  });

  test("that is not answered in time is Unavailable", async () => {
    server.answer(() => undefined);
    const get = client({ requestTimeoutMs: 50 }).get(kinds.service, ref);
    await expect(get).rejects.toMatchObject({
      reason: "Unavailable",
      message: expect.stringContaining("50 ms") as string,
    });
  });

  test("whose answer breaks off in the middle is Unavailable", async () => {
    server.answer((response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write('{"kind":');
      setTimeout(() => response.destroy(), 10);
    });
    await expect(client().get(kinds.service, ref)).rejects.toMatchObject({ reason: "Unavailable" });
  });

  test("ends with an AbortError when its signal is aborted", async () => {
    server.answer(() => undefined);
    const abort = new AbortController();
    const get = client().get(kinds.service, ref, { signal: abort.signal });
    setTimeout(() => abort.abort(), 20);
    await expect(get).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("a write", () => {
  const writes: readonly { name: string; write: (kube: Kube) => Promise<unknown>; request: object }[] = [
    {
      name: "create",
      write: (kube) => kube.create(kinds.service, service()),
      request: { method: "POST", path: "/api/v1/namespaces/shop/services" },
    },
    {
      name: "replace",
      write: (kube) => kube.replace(kinds.service, service()),
      request: { method: "PUT", path: "/api/v1/namespaces/shop/services/podinfo" },
    },
    {
      name: "apply",
      write: (kube) => kube.apply(kinds.service, service(), { force: true }),
      request: { method: "PATCH", headers: { "content-type": "application/apply-patch+yaml" } },
    },
    {
      name: "JSON patch",
      write: (kube) => kube.jsonPatch(kinds.service, ref, [{ op: "remove", path: "/spec/selector" }]),
      request: { method: "PATCH", headers: { "content-type": "application/json-patch+json" } },
    },
    {
      name: "merge patch of the status",
      write: (kube) => kube.mergePatch(kinds.service, ref, { status: {} }, { subresource: "status" }),
      request: {
        path: "/api/v1/namespaces/shop/services/podinfo/status",
        headers: { "content-type": "application/merge-patch+json" },
      },
    },
    {
      name: "delete",
      write: (kube) => kube.delete(kinds.service, ref, { uid: "u1", propagation: "Orphan" }),
      request: { method: "DELETE", body: { preconditions: { uid: "u1" }, propagationPolicy: "Orphan" } },
    },
  ];

  test.for(writes)("($name) is sent as the API server wants it", async ({ write, request }) => {
    server.answer(json(service()));
    await write(client());
    expect(server.requests).toMatchObject([request]);
  });

  test.for(writes)("($name) is not sent a second time after a reset", async ({ write }) => {
    server.answer(reset);
    await expect(write(client())).rejects.toMatchObject({ reason: "Unavailable" });
    expect(server.requests).toHaveLength(1);
  });

  test.for(writes)("($name) is refused once the fence is down, and nothing is sent", async ({ write }) => {
    await expect(write(client({ fence: AbortSignal.abort() }))).rejects.toMatchObject({ name: "AbortError" });
    expect(server.requests).toHaveLength(0);
  });

  test.for(writes)("($name) in flight ends when the fence goes down", async ({ write }) => {
    server.answer(() => undefined);
    const fence = new AbortController();
    const writing = write(client({ fence: fence.signal }));
    setTimeout(() => fence.abort(), 20);
    await expect(writing).rejects.toMatchObject({ name: "AbortError" });
  });

  test("is refused when the leader's deadline has passed although no timer has told so yet", async () => {
    const kube = client({ mayWrite: () => false });
    await expect(kube.create(kinds.service, service())).rejects.toMatchObject({ name: "AbortError" });
  });

  test("deleting what is gone succeeds", async () => {
    server.answer(status(404));
    await expect(client().delete(kinds.service, ref)).resolves.toBeUndefined();
  });
});

test("reads go on when the fence is down", async () => {
  server.answer(json(service()));
  expect(await client({ fence: AbortSignal.abort() }).get(kinds.service, ref)).toBeDefined();
});

test("credentials that were refused are read again, once", async () => {
  let renewed = 0;
  const connection: StubServer["connection"] = {
    ...server.connection,
    access: async (options) => {
      if (options?.renew === true) renewed += 1;
      const { dispatcher } = await server.connection.access();
      return { dispatcher, headers: { authorization: `Bearer ${renewed}` } };
    },
  };
  server.answer((response, request) => {
    const good = request.headers.authorization === "Bearer 1";
    return (good ? json(service()) : status(401))(response, request);
  });
  await createKube(connection).create(kinds.service, service());
  expect({ renewed, requests: server.requests.length }).toEqual({ renewed: 1, requests: 2 });
});

test("every request is told to the metrics, also one without an answer", async () => {
  const seen: RequestInfo[] = [];
  server.answer(json(service()), reset);
  const kube = client({ onRequest: (info) => seen.push(info) });
  await kube.get(kinds.service, ref);
  await kube.create(kinds.service, service()).catch(() => undefined);
  expect(seen).toMatchObject([
    { verb: "get", kind: "Service", status: 200 },
    { verb: "create", kind: "Service", status: 0 },
  ]);
});

describe("a list", () => {
  const page = (names: readonly string[], next?: string): StubHandler => {
    const items = names.map((name) => ({ metadata: { namespace: "shop", name } }));
    return json({ kind: "ServiceList", metadata: { resourceVersion: "42", continue: next }, items });
  };
  const names = (list: { items: readonly KubeObject[] }): string[] => list.items.map(({ metadata }) => metadata.name);

  test("follows its pages and gives every item its kind", async () => {
    server.answer(page(["a"], "token 1"), page(["b"], "token 2"), page(["c"]));
    const list = await client().list(kinds.service, { pageSize: 1 });
    expect(names(list)).toEqual(["a", "b", "c"]);
    expect(list).toMatchObject({ resourceVersion: "42", items: [{ apiVersion: "v1", kind: "Service" }, {}, {}] });
    expect(server.requests.map(({ query }) => query.get("continue"))).toEqual([null, "token 1", "token 2"]);
  });

  test("starts again, in one piece, when its token has expired", async () => {
    server.answer(page(["a"], "old"), status(410), page(["a", "b"]));
    expect(names(await client().list(kinds.service))).toEqual(["a", "b"]);
    expect(server.requests[2]?.query.has("limit")).toBe(false);
  });

  test("of a kind that is not served is NotFound", async () => {
    server.answer(status(404));
    await expect(client().list(kinds.canary)).rejects.toMatchObject({ reason: "NotFound" });
  });
});

describe("serves", () => {
  test.for([
    { name: "is true for a kind of the group", handler: json({ resources: [{ name: "canaries" }] }), served: true },
    {
      name: "is false when the group has other kinds only",
      handler: json({ resources: [{ name: "others" }] }),
      served: false,
    },
    { name: "is false when there is no such group", handler: status(404), served: false },
  ])("$name", async ({ handler, served }) => {
    server.answer(handler);
    expect(await client().serves(kinds.canary)).toBe(served);
  });
});
