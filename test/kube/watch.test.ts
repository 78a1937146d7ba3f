import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createKube } from "../../src/kube/client.ts";
import type { KubeOptions } from "../../src/kube/client.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { Kube, KubeObject, WatchEvent } from "../../src/kube/port.ts";
import { event, startStubServer, status, stream } from "./stubServer.ts";
import type { StubHandler, StubServer } from "./stubServer.ts";

const service = (resourceVersion: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { namespace: "shop", name: "podinfo", resourceVersion },
});

let server: StubServer;
beforeEach(async () => {
  server = await startStubServer();
});
afterEach(async () => {
  await server.close();
});

const client = (options: KubeOptions = {}): Kube => createKube(server.connection, options);

describe("a watch", () => {
  const watching = async (
    kube: Kube,
    signal?: AbortSignal,
  ): Promise<{ events: WatchEvent<KubeObject>[]; error?: unknown }> => {
    const events: WatchEvent<KubeObject>[] = [];
    try {
      const options = { resourceVersion: "5", timeoutSeconds: 300, ...(signal === undefined ? {} : { signal }) };
      for await (const seen of kube.watch<KubeObject>(kinds.service, options)) events.push(seen);
      return { events };
    } catch (error) {
      return { events, error };
    }
  };
  const versions = (events: readonly WatchEvent<KubeObject>[]): (string | undefined)[] =>
    events.map((seen) =>
      seen.type === "BOOKMARK" ? `mark ${seen.resourceVersion}` : seen.object.metadata.resourceVersion,
    );

  const line = event("MODIFIED", service("8"));
  const text = Buffer.from(event("ADDED", { ...service("9"), note: "späte Änderung" }));
  const middle = text.indexOf("ä") + 1; // within the character
  const bookmark = event("BOOKMARK", { metadata: { resourceVersion: "11" } });
  const gone = event("ERROR", { kind: "Status", code: 410, reason: "Expired", message: "too old" });
  const huge = event("ADDED", { ...service("12"), data: "x".repeat(3_000_000) });

  test.for<{ name: string; handler: StubHandler; seen: string[]; error?: object }>([
    { name: "ends cleanly", handler: stream([line, bookmark]), seen: ["8", "mark 11"] },
    { name: "ends cleanly without an event", handler: stream([]), seen: [] },
    { name: "comes in one chunk", handler: stream([line + line + bookmark]), seen: ["8", "8", "mark 11"] },
    {
      name: "comes in halves of lines",
      handler: stream([line.slice(0, 9), line.slice(9) + line.slice(0, 3), line.slice(3)]),
      seen: ["8", "8"],
    },
    {
      name: "is cut within a character",
      handler: stream([text.subarray(0, middle), text.subarray(middle)]),
      seen: ["9"],
    },
    { name: "has a very long line", handler: stream([huge, line]), seen: ["12", "8"] },
    {
      name: "is reset within a line",
      handler: stream([line, line.slice(0, 20)], "reset"),
      seen: ["8"],
      error: { reason: "Unavailable" },
    },
    { name: "is reset between lines", handler: stream([line], "reset"), seen: ["8"], error: { reason: "Unavailable" } },
    {
      name: "ends within a line",
      handler: stream([line, line.slice(0, 20)]),
      seen: ["8"],
      error: { reason: "Unavailable" },
    },
    {
      name: "has half a JSON document",
      handler: stream([line, '{"type":"ADDED"\n']),
      seen: ["8"],
      error: { reason: "Unavailable" },
    },
    {
      name: "has an event of a new type",
      handler: stream([event("NOVEL", {})]),
      seen: [],
      error: { reason: "Unavailable" },
    },
    {
      name: "is too old, as an event",
      handler: stream([line, gone]),
      seen: ["8"],
      error: { reason: "Gone", status: 410, message: "too old" },
    },
    { name: "is too old, as a status", handler: status(410), seen: [], error: { reason: "Gone", status: 410 } },
    { name: "is refused with 500", handler: status(500), seen: [], error: { reason: "Unavailable", status: 500 } },
    {
      name: "is refused with 429",
      handler: status(429, "", { "retry-after": "1" }),
      seen: [],
      error: { reason: "TooManyRequests", retryAfterMs: 1_000 },
    },
    { name: "is silent from the start", handler: stream([], "silence"), seen: [], error: { reason: "Unavailable" } },
    { name: "falls silent", handler: stream([line], "silence"), seen: ["8"], error: { reason: "Unavailable" } },
  ])("that $name", async ({ handler, seen, error }) => {
    server.answer(handler);
    const result = await watching(client({ watchInactivityMs: 300 }));
    expect(versions(result.events)).toEqual(seen);
    if (error === undefined) expect(result.error).toBeUndefined();
    else expect(result.error).toMatchObject({ name: "KubeError", ...error });
  });

  test("keeps characters whole that arrive in two chunks", async () => {
    server.answer(stream([text.subarray(0, middle), text.subarray(middle)]));
    const { events } = await watching(client());
    expect(events).toMatchObject([{ object: { note: "späte Änderung" } }]);
  });

  test("lives on as long as something comes now and then", async () => {
    server.answer(async (response) => {
      response.writeHead(200).flushHeaders();
      // Longer in all than the silence that ends a watch, and each pause so much shorter that a busy machine is not one.
      for (let beat = 0; beat < 8; beat++) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        response.write(bookmark);
      }
      response.end();
    });
    const { events, error } = await watching(client({ watchInactivityMs: 2_000 }));
    expect({ count: events.length, error }).toEqual({ count: 8, error: undefined });
  });

  test("asks for bookmarks and starts where it is told", async () => {
    server.answer(stream([]));
    await watching(client());
    expect(Object.fromEntries(server.requests[0]?.query ?? [])).toEqual({
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: "5",
      timeoutSeconds: "300",
    });
  });

  test("ends with an AbortError when its signal is aborted, also while it is silent", async () => {
    server.answer(stream([line], "silence"));
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    const { events, error } = await watching(client(), abort.signal);
    expect(versions(events)).toEqual(["8"]);
    expect(error).toMatchObject({ name: "AbortError" });
  });

  test("left by its reader gives its connection back", async () => {
    let closed: Promise<unknown> = Promise.resolve();
    server.answer((response, request) => {
      closed = new Promise((resolve) => response.once("close", resolve));
      return stream([line, line], "silence")(response, request);
    });
    for await (const seen of client().watch(kinds.service, { resourceVersion: "5" })) {
      expect(seen.type).toBe("MODIFIED");
      break;
    }
    await closed;
  });
});
