import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent } from "undici";
import type { Connection } from "../../src/kube/config.ts";

export interface StubRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

/** Answers one request, as badly as the test wants. */
export type StubHandler = (response: ServerResponse, request: StubRequest) => void | Promise<void>;

export interface StubServer {
  readonly connection: Connection;
  readonly origin: string;
  readonly requests: readonly StubRequest[];
  /** The handlers answer in this order; the last one answers everything after. */
  answer(...handlers: readonly StubHandler[]): void;
  close(): Promise<void>;
}

/** An HTTP server on a free loopback port that plays an API server in trouble. */
export async function startStubServer(): Promise<StubServer> {
  let handlers: readonly StubHandler[] = [status(404)];
  const requests: StubRequest[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then(async (body) => {
      const url = new URL(request.url ?? "/", "http://stub");
      const seen = {
        method: request.method ?? "",
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body,
      };
      requests.push(seen);
      const handler = handlers[0] ?? status(404);
      handlers = handlers.length > 1 ? handlers.slice(1) : handlers;
      await handler(response, seen);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const dispatcher = new Agent({ connections: 4 });
  return {
    origin,
    requests,
    connection: plainConnection(origin, dispatcher),
    answer(...next) {
      handlers = next;
    },
    async close() {
      await dispatcher.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A connection without credentials. */
export function plainConnection(origin: string, dispatcher: Agent): Connection {
  return {
    origin,
    basePath: "",
    access: () => Promise.resolve({ dispatcher, headers: {} }),
    close: () => dispatcher.destroy(),
  };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  return text === "" ? undefined : (JSON.parse(text) as unknown);
}

export function json(body: unknown, code = 200, headers: Readonly<Record<string, string>> = {}): StubHandler {
  return (response) => {
    response.writeHead(code, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };
}

/** A `Status` object, as an API server refuses a request. */
export function status(code: number, reason = "", headers: Readonly<Record<string, string>> = {}): StubHandler {
  const message = `stub says ${code}`;
  return json({ kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message }, code, headers);
}

/** Cuts the connection without an answer. */
export const reset: StubHandler = (response) => {
  response.destroy();
};

/** A watch: what to write, piece by piece; then a clean end, a reset, or silence. */
export function stream(pieces: readonly (string | Buffer)[], end: "end" | "reset" | "silence" = "end"): StubHandler {
  return async (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    for (const piece of pieces) {
      await new Promise<void>((resolve) => response.write(piece, () => resolve()));
      // Gives the other side a turn, so that pieces arrive one by one.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (end === "end") response.end();
    if (end === "reset") response.destroy();
  };
}

/** One line of a watch. */
export function event(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}
