import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { GATEWAY_HEADER } from "../../src/sandbox/gateway/headers.ts";
import { startLoad, type LoadCounts } from "../../src/sandbox/load.ts";

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function serve(handle: RequestListener): Promise<string> {
  const listening = createServer(handle);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

/** Runs a load until it has had so many answers. */
async function run(
  url: string,
  answers: number,
  options: { rps?: number; maxInFlight?: number } = {},
): Promise<LoadCounts> {
  const enough = Promise.withResolvers<void>();
  let seen = 0;
  const load = startLoad({
    url,
    rps: 500,
    ...options,
    onAnswer: () => {
      if (++seen === answers) enough.resolve();
    },
  });
  await enough.promise;
  return load.stop();
}

describe("the load", () => {
  it("counts by version and status, and an application's 500 is not the gateway's failure", async () => {
    let asked = 0;
    const url = await serve((_request, response) => {
      asked += 1;
      response.writeHead(asked % 2 === 0 ? 500 : 200, { "x-version": asked % 2 === 0 ? "bad" : "good" }).end();
    });
    const counts = await run(url, 20);
    expect(counts.requests).toBe(asked);
    expect(counts.failedByGateway).toBe(0);
    expect(counts.byVersion["good"]).toEqual({ requests: Math.ceil(asked / 2), errors: 0 });
    expect(counts.byVersion["bad"]).toEqual({ requests: Math.floor(asked / 2), errors: Math.floor(asked / 2) });
    expect((counts.byStatus["200"] ?? 0) + (counts.byStatus["500"] ?? 0)).toBe(asked);
  });

  const handlers: Readonly<Record<string, RequestListener>> = {
    "what the gateway answered by itself": (_request, response) => {
      response.writeHead(503, { [GATEWAY_HEADER]: "no-endpoints" }).end();
    },
    "connections that are cut": (request) => {
      request.socket.destroy();
    },
  };

  it.each(Object.entries(handlers))("counts %s as failed by the gateway", async (_what, handle) => {
    const counts = await run(await serve(handle), 5);
    expect(counts.failedByGateway).toBe(counts.requests);
    expect(counts.byVersion).toEqual({});
  });

  it("has no more requests under way than it may, and says what it skipped", async () => {
    let underWay = 0;
    let most = 0;
    const url = await serve((_request, response) => {
      underWay += 1;
      most = Math.max(most, underWay);
      setTimeout(() => {
        underWay -= 1;
        response.end();
      }, 50);
    });
    const counts = await run(url, 10, { rps: 1_000, maxInFlight: 3 });
    expect(most).toBeLessThanOrEqual(3);
    expect(counts.skipped).toBeGreaterThan(0);
  });

  it("keeps to its rate", async () => {
    const url = await serve((_request, response) => response.end());
    const startedMs = performance.now();
    const { requests } = await run(url, 40, { rps: 100 });
    const seconds = (performance.now() - startedMs) / 1_000;
    expect(requests).toBeLessThanOrEqual(Math.ceil(seconds * 100) + 1);
  });
});
