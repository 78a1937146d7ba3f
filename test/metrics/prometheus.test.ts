import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import { prometheus } from "../../src/metrics/prometheus.ts";
import type { Credentials, Reading } from "../../src/metrics/provider.ts";
import { json, vector } from "./dialects.ts";
import { type Respond, startStub, type StubRequest, type StubServer } from "./stubServer.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const thing of open.splice(0).reverse()) await thing.close();
});

interface Asking {
  readonly query?: string;
  readonly path?: string;
  readonly more?: object;
  readonly credentials?: Credentials;
}

async function ask(respond: Respond, asking: Asking = {}): Promise<{ reading: Reading; stub: StubServer }> {
  const { query = "up", path = "", more = {}, credentials = {} } = asking;
  const stub = await startStub(respond);
  const source = prometheus.connect(prometheus.schema.parse({ url: stub.url + path, ...more }), credentials, {
    mayUseOwnIdentity: false,
  });
  open.push(stub, source);
  const reading = await source.read(query, { signal: new AbortController().signal });
  return { reading, stub };
}

async function requestFor(asking: Asking): Promise<StubRequest> {
  const { stub } = await ask(vector("1"), asking);
  const [request] = stub.requests;
  if (request === undefined) throw new Error("no request");
  return request;
}

const data = (resultType: string, result: unknown) => json(200, { status: "success", data: { resultType, result } });

describe("answers of Prometheus", () => {
  it.each([
    { what: "a scalar", respond: data("scalar", [1.5, "3"]), expected: { kind: "value", value: 3 } },
    { what: "NaN", respond: vector("NaN"), expected: { kind: "empty" } },
    { what: "a scalar NaN", respond: data("scalar", [1, "NaN"]), expected: { kind: "empty" } },
    { what: "+Inf", respond: vector("+Inf"), expected: { kind: "value", value: Number.MAX_VALUE } },
    { what: "-Inf", respond: vector("-Inf"), expected: { kind: "value", value: -Number.MAX_VALUE } },
    { what: "an exponent", respond: vector("1e-07"), expected: { kind: "value", value: 1e-7 } },
  ])("$what is read as $expected", async ({ respond, expected }) => {
    expect((await ask(respond)).reading).toEqual(expected);
  });

  it.each([
    { what: "more than one series", respond: vector("1", "2", "3"), says: /3 series.*aggregate/ },
    { what: "a text", respond: data("string", [1, "hello"]), says: /text/ },
    {
      what: "a range",
      respond: data("matrix", [{ metric: {}, values: [[1, "1"]] }]),
      says: /rate\(\)/,
    },
    {
      what: "a native histogram",
      respond: data("vector", [{ metric: {}, histogram: [1, { count: "3", sum: "4" }] }]),
      says: /histogram_quantile/,
    },
    {
      what: "a query that cannot be executed",
      respond: json(422, { status: "error", errorType: "execution", error: "many-to-many matching not allowed" }),
      says: /refused: many-to-many/,
    },
    {
      what: "megabytes",
      respond: (_request, response) => void response.end(`{"status":"success","data":"${"x".repeat(5 << 20)}"}`),
      says: /too large/,
    },
    {
      what: "megabytes in a few kilobytes",
      respond: (_request, response) => {
        const body = gzipSync(`{"status":"success","data":"${"x".repeat(64 << 20)}"}`);
        response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(body);
      },
      says: /too large/,
    },
  ] satisfies { what: string; respond: Respond; says: RegExp }[])(
    "$what is the query's fault",
    async ({ respond, says }) => {
      const { reading } = await ask(respond);
      expect(reading).toMatchObject({ kind: "badQuery", message: expect.stringMatching(says) as string });
    },
  );

  it.each([
    ["a value that is no number", vector("many")],
    ["an empty value", vector("")],
    ["a value that is not a text", vector(5)],
    ["a series without a value", data("vector", [{ metric: {} }])],
    ["a series that is none", data("vector", [null])],
    ["an unknown kind of result", data("tensor", [])],
    ["a result that is no list", data("vector", "x")],
    ["no data", json(200, { status: "success" })],
    ["an error with status 200", json(200, { status: "error", error: "x" })],
    ["an error that is not a text", json(400, { status: "error", error: { a: 1 } })],
    ["a query that ran out of time", json(422, { status: "error", errorType: "timeout", error: "query timed out" })],
  ])("%s says nothing about the canary", async (_what, respond) => {
    expect((await ask(respond)).reading.kind).toBe("unreachable");
  });

  it.each([
    [{ isPartial: true }, /a part of the data only$/],
    [{ warnings: ["receive series from Addr: store:10901: timeout"] }, /a part of the data only: receive series/],
  ])("counters of which a part is missing are not counted: %j", async (missing, says) => {
    const stub = await startStub(
      json(200, { status: "success", ...missing, data: { resultType: "vector", result: [] } }),
    );
    const source = prometheus.connect(prometheus.schema.parse({ url: stub.url }), {}, { mayUseOwnIdentity: false });
    open.push(stub, source);
    const answer = await source.series?.("up", { signal: new AbortController().signal, atMs: 1_000 });
    expect(answer).toMatchObject({ kind: "unreachable", message: expect.stringMatching(says) as string });
  });

  it("keeps messages short", async () => {
    const { reading } = await ask(
      json(400, { status: "error", errorType: "bad_data", error: "long \n".repeat(9_999) }),
    );
    expect(reading).toMatchObject({ kind: "badQuery", message: expect.stringMatching(/^.{1,512}$/) as string });
  });
});

it("a native histogram is a series with its buckets, for who asks for series", async () => {
  const buckets = [[0, "0.25", "0.5", "30"], [3, "-1e-09", "1e-09", "1.5"], [0, "8", "+Inf", "2"]]; // prettier-ignore
  const stub = await startStub(
    data("vector", [{ metric: { pod: "a" }, histogram: [1, { count: "33.5", sum: "9", buckets }] }]),
  );
  const source = prometheus.connect(prometheus.schema.parse({ url: stub.url }), {}, { mayUseOwnIdentity: false });
  open.push(stub, source);
  expect(await source.series?.("m", { signal: new AbortController().signal, atMs: 1_000 })).toEqual({
    kind: "series",
    series: [
      {
        labels: { pod: "a" },
        points: [],
        histogram: {
          count: 33.5,
          buckets: [
            { lower: 0.25, upper: 0.5, count: 30 },
            { lower: -1e-9, upper: 1e-9, count: 1.5 },
            { lower: 8, upper: Infinity, count: 2 },
          ],
        },
      },
    ],
  });
});

describe("questions to Prometheus", () => {
  it("are instant queries as of the server's own time, with a limit for the server too", async () => {
    const request = await requestFor({ query: 'sum(rate(x{a="b c"}[1m]))', more: { timeout: "3s" } });
    expect(request).toMatchObject({ method: "GET", path: "/api/v1/query" });
    expect(Object.fromEntries(request.params)).toEqual({
      query: 'sum(rate(x{a="b c"}[1m]))',
      timeout: "3000ms",
    });
  });

  it("go below the path of the url, however it ends", async () => {
    expect((await requestFor({ path: "/" })).path).toBe("/api/v1/query");
    expect((await requestFor({ path: "/prometheus" })).path).toBe("/prometheus/api/v1/query");
    expect((await requestFor({ path: "/select/0/prometheus/" })).path).toBe("/select/0/prometheus/api/v1/query");
  });

  it("go by POST when they are long", async () => {
    const query = `sum(${"a".repeat(4_000)})`;
    const request = await requestFor({ query });
    expect(request.method).toBe("POST");
    expect(request.params.get("query")).toBe(query);
  });

  it("carry the bearer token, without the line end that Secrets often have", async () => {
    const { headers } = await requestFor({ credentials: { bearerToken: "abc\n" } });
    expect(headers.authorization).toBe("Bearer abc");
  });

  it.each([
    { why: "from a Secret", more: {}, credentials: { username: "u", password: "p:w" }, expected: "u:p:w" },
    {
      why: "with the name in the block",
      more: { basicAuth: { username: "u", passwordSecretRef: { name: "s", key: "k" } } },
      credentials: { password: "" },
      expected: "u:",
    },
  ])("carry user name and password $why", async ({ more, credentials, expected }) => {
    const { headers } = await requestFor({ more, credentials });
    expect(Buffer.from(headers.authorization?.replace("Basic ", "") ?? "", "base64").toString()).toBe(expected);
  });

  it("carry headers of the block and of Secrets", async () => {
    const { headers } = await requestFor({
      more: { headers: [{ name: "X-Scope-OrgID", value: "team-a" }] },
      credentials: { headers: { "X-Api-Key": "k" } },
    });
    expect(headers).toMatchObject({ "x-scope-orgid": "team-a", "x-api-key": "k" });
  });

  it("do not follow a redirect, which would hand the credentials on", async () => {
    const { stub } = await ask((_request, response) => void response.writeHead(307, { location: "/elsewhere" }).end(), {
      credentials: { bearerToken: "abc" },
    });
    expect(stub.requests).toHaveLength(1);
  });

  it("do not go through a proxy of the environment", async () => {
    vi.stubEnv("HTTP_PROXY", "http://127.0.0.1:1");
    vi.stubEnv("NO_PROXY", "");
    expect((await ask(vector("1"))).reading).toEqual({ kind: "value", value: 1 });
  });

  it.each(["abc\n", "\u043a\u043b\u044e\u0447", "a\u0001b"])(
    "neither fail nor tell on the odd header %j",
    async (value) => {
      const { reading } = await ask(text(500), { credentials: { headers: { "X-Key": value } } });
      expect(reading.kind).toBe("unreachable");
      expect(JSON.stringify(reading)).not.toContain(value.trim());
    },
  );
});

function text(status: number): Respond {
  return (request, response) => void response.writeHead(status).end(String(request.headers["x-key"]));
}
