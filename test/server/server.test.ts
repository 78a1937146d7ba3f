import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { silentLog } from "../../src/lib/log.ts";
import { startServer, type RunningServer, type ServerOptions } from "../../src/server/server.ts";
import { createTelemetry } from "../../src/server/telemetry.ts";

let server: RunningServer | undefined;

afterEach(async () => {
  await server?.stop(0);
  server = undefined;
});

async function start(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  server = await startServer({
    listen: { host: "127.0.0.1", port: 0 },
    telemetry: createTelemetry(),
    isReady: () => ({ ready: true, reasons: [] }),
    log: silentLog,
    ...options,
  });
  return server;
}

/** Without keep-alive, so that no connection of a test outlives it. */
async function ask(
  port: number,
  path: string,
  method = "GET",
): Promise<{ status: number; body: string; type: string }> {
  const outgoing = request({ host: "127.0.0.1", port, path, method, agent: false });
  outgoing.end();
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  let body = "";
  for await (const chunk of response.setEncoding("utf8")) body += String(chunk);
  return { status: response.statusCode ?? 0, body, type: String(response.headers["content-type"]) };
}

/** What comes back for raw bytes, until the server closes the connection. */
async function sendRaw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.end(bytes);
  let answer = "";
  for await (const chunk of socket.setEncoding("utf8")) answer += String(chunk);
  return answer;
}

describe("the HTTP server", () => {
  it("says that it lives", async () => {
    const { port } = await start();
    expect(await ask(port, "/healthz")).toMatchObject({ status: 200, body: "ok\n" });
  });

  it("is ready as soon as nothing is missing, and says what is until then", async () => {
    const reasons = ["the cache of deployments is not filled yet", "nothing was heard of services for too long"];
    const { port } = await start({ isReady: () => ({ ready: reasons.length === 0, reasons }) });
    expect(await ask(port, "/readyz")).toMatchObject({
      status: 503,
      body: "not ready\nthe cache of deployments is not filled yet\nnothing was heard of services for too long\n",
    });
    reasons.length = 0;
    expect(await ask(port, "/readyz")).toMatchObject({ status: 200, body: "ok\n" });
  });

  it("serves metrics in the format of Prometheus", async () => {
    const { port } = await start();
    const { status, type, body } = await ask(port, "/metrics");
    expect({ status, type }).toEqual({ status: 200, type: "text/plain; version=0.0.4; charset=utf-8" });
    expect(body).toContain("# TYPE aviary_leader gauge");
  });

  it.each([
    ["GET", "/", 404],
    ["GET", "/metrics/x", 404],
    ["POST", "/metrics", 405],
    ["DELETE", "/healthz", 405],
    ["HEAD", "/readyz", 200],
    ["GET", "/%E0%A4%A", 404],
  ])("answers %s %s with %d in plain text", async (method, path, status) => {
    const { port } = await start();
    expect(await ask(port, path, method)).toMatchObject({ status, type: "text/plain; charset=utf-8" });
  });

  it.each([
    ["no HTTP at all", "\u0000\u0001 hello\r\n\r\n"],
    ["a header without end", `GET /healthz HTTP/1.1\r\nx: ${"a".repeat(40_000)}`],
    ["two lengths", "GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
    [
      "a body where none belongs",
      "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
    ],
  ])("survives %s", async (_what, bytes) => {
    const { port } = await start();
    expect(await sendRaw(port, bytes)).toMatch(/^HTTP\/1\.1 (200|4\d\d) /);
    expect(await ask(port, "/healthz")).toMatchObject({ status: 200 });
  });

  it("answers 500 without the reason when something of ours throws, and goes on", async () => {
    const errors: unknown[] = [];
    const log = { ...silentLog, error: (fields: object) => void errors.push(fields) };
    const telemetry = { ...createTelemetry(), metrics: () => Promise.reject(new Error("inner detail")) };
    const { port } = await start({ log, telemetry });
    expect(await ask(port, "/metrics")).toMatchObject({ status: 500, body: "internal error\n" });
    expect(errors).toHaveLength(1);
    expect(await ask(port, "/healthz")).toMatchObject({ status: 200 });
  });

  it("says which address is taken", async () => {
    const { port } = await start();
    const second = startServer({
      listen: { host: "127.0.0.1", port },
      telemetry: createTelemetry(),
      isReady: () => ({ ready: true, reasons: [] }),
      log: silentLog,
    });
    await expect(second).rejects.toThrow(`cannot listen on 127.0.0.1:${port}; choose another address with --listen`);
  });
});

describe("stopping the HTTP server", () => {
  it("lets a request that is under way end", async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const { promise: released, resolve: release } = Promise.withResolvers<string>();
    const metrics = () => {
      arrive();
      return released;
    };
    const { port, stop } = await start({ telemetry: { ...createTelemetry(), metrics } });
    const answer = ask(port, "/metrics");
    await arrived;
    const stopped = stop(10_000);
    release("late 1\n");
    expect(await answer).toMatchObject({ status: 200, body: "late 1\n" });
    await stopped;
    await expect(ask(port, "/healthz")).rejects.toThrow("ECONNREFUSED");
  });

  it("cuts off a request that does not end in time, and may be asked twice", async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const metrics = () => {
      arrive();
      return new Promise<string>(() => undefined);
    };
    const { port, stop } = await start({ telemetry: { ...createTelemetry(), metrics } });
    const answer = expect(ask(port, "/metrics")).rejects.toThrow("socket hang up");
    await arrived;
    await stop(0);
    await stop(0);
    await answer;
  });
});
