import { afterEach, expect, it } from "vitest";
import type { Canary } from "../../src/api/canary.ts";
import { createProviders } from "../../src/observe/providers.ts";
import type { ProviderOptions, Providers } from "../../src/observe/providers.ts";
import { startStub } from "../metrics/stubServer.ts";
import type { Respond, StubServer } from "../metrics/stubServer.ts";
import { createVirtualClock } from "../virtualClock.ts";

let stub: StubServer | undefined;
let providers: Providers | undefined;
afterEach(async () => {
  await providers?.close();
  await stub?.close();
});

const answer: Respond = (_, response) => {
  response.setHeader("content-type", "application/json");
  response.end(
    JSON.stringify({ status: "success", data: { resultType: "vector", result: [{ metric: {}, value: [1, "1"] }] } }),
  );
};

/** One ClusterMetricProvider `default`, whose version the test changes, and questions to it. */
async function start(respond: Respond = answer) {
  const server = await startStub(respond);
  stub = server;
  const clock = createVirtualClock();
  let version = 1;
  const provider = () => ({
    apiVersion: "aviary.dev/v1beta1",
    kind: "ClusterMetricProvider",
    metadata: { name: "default", uid: "u", resourceVersion: String(version) },
    spec: { prometheus: { url: server.url } },
  });
  const options = { reads: { get: provider }, defaultPrometheusUrl: undefined, ownNamespace: "aviary" };
  const made = createProviders(options as unknown as ProviderOptions, clock);
  providers = made;
  const canary = { metadata: { namespace: "shop", name: "web" } } as Canary;
  const question = { what: "check success", field: "", query: "up" };
  const ask = () => made.ask({ canary, question, query: "up" }, new AbortController().signal);
  return { server, clock, ask, change: () => (version += 1) };
}

it("keeps one connection to a provider for all its questions", async () => {
  const { server, ask } = await start();
  for (let times = 0; times < 5; times++) expect(await ask()).toEqual({ kind: "value", value: 1 });
  expect(server.connections()).toBe(1);
});

it("closes what belonged to an older version of a provider, so that edits leave nothing open", async () => {
  const { server, ask, change } = await start();
  for (let times = 0; times < 20; times++) {
    await ask();
    change();
  }
  await expect.poll(() => server.open()).toBe(1);
});

it("closes a connection that nobody has used for long", async () => {
  const { server, ask, clock, change } = await start();
  await ask();
  await clock.advance(700_000);
  change();
  await ask();
  expect(server.connections()).toBe(2);
  await expect.poll(() => server.open()).toBe(1);
});

it("lets a question end that was asked before the provider changed", async () => {
  const waiting: (() => void)[] = [];
  const { server, ask, change } = await start((request, response) => {
    waiting.push(() => {
      answer(request, response);
    });
  });
  const first = ask();
  await expect.poll(() => waiting.length).toBe(1);
  change();
  const second = ask();
  await expect.poll(() => waiting.length).toBe(2);
  for (const respond of waiting) respond();
  expect(await Promise.all([first, second])).toEqual([
    { kind: "value", value: 1 },
    { kind: "value", value: 1 },
  ]);
  await expect.poll(() => server.open()).toBe(1);
});
