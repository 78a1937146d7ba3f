import { afterEach, expect, it } from "vitest";
import { probeOverHttp } from "../../src/observe/probe.ts";
import { startStub } from "../metrics/stubServer.ts";
import type { StubServer } from "../metrics/stubServer.ts";

let stub: StubServer | undefined;
afterEach(() => stub?.close());

const signal = new AbortController().signal;
const looked = { header: "X-Served-By", value: "canary", requests: 10 };

it("counts the answers whose header is the canary's, over a connection each", async () => {
  let turn = 0;
  const server = await startStub((_, response) => {
    response.setHeader("x-served-by", turn++ % 2 === 0 ? "canary" : "canary-primary");
    response.end("a body that nobody reads");
  });
  stub = server;
  expect(await probeOverHttp({ ...looked, url: server.url }, signal)).toEqual({ sent: 10, hits: 5, answered: 10 });
  expect(server.requests).toHaveLength(10);
  expect(server.connections()).toBe(10);
});

it("names the host that the route serves, and follows nobody elsewhere", async () => {
  const server = await startStub((_, response) => {
    response.writeHead(302, { location: "/elsewhere", "x-served-by": "canary" });
    response.end();
  });
  stub = server;
  const probe = { ...looked, requests: 1, url: `${server.url}/ready`, host: "shop.example.com" };
  expect(await probeOverHttp(probe, signal)).toEqual({ sent: 1, hits: 1, answered: 1 });
  expect(server.requests.map(({ path, headers }) => [path, headers["host"]])).toEqual([["/ready", "shop.example.com"]]);
});

it("takes an answer without the header for one of the primary's", async () => {
  stub = await startStub((_, response) => response.end());
  expect(await probeOverHttp({ ...looked, url: stub.url }, signal)).toEqual({ sent: 10, hits: 0, answered: 10 });
});

it("counts requests that nobody answers", async () => {
  stub = await startStub((_, response) => response.socket?.destroy());
  expect(await probeOverHttp({ ...looked, url: stub.url }, signal)).toEqual({ sent: 10, hits: 0, answered: 0 });
});

it("ends when it is told to", async () => {
  stub = await startStub(() => undefined);
  const ending = new AbortController();
  const probing = probeOverHttp({ ...looked, url: stub.url }, ending.signal);
  ending.abort();
  await expect(probing).rejects.toMatchObject({ name: "AbortError" });
});
