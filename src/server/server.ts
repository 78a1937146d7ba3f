import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import type { ErrorRequestHandler, Express, RequestHandler, Response } from "express";
import type { Log } from "../lib/log.ts";
import type { Telemetry } from "./telemetry.ts";

export interface Readiness {
  readonly ready: boolean;
  /** What is still missing, as sentences; empty when ready. */
  readonly reasons: readonly string[];
}

export interface ServerOptions {
  /** Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly telemetry: Telemetry;
  /** May it be counted in a rolling update: caches are filled and their watches are heard of, leader or not. */
  isReady(): Readiness;
  readonly log: Log;
}

export interface RunningServer {
  /** The port that it listens on. */
  readonly port: number;
  /** Takes no more requests, lets those under way end for at most `graceMs` (default 1000), then cuts them off. */
  stop(graceMs?: number): Promise<void>;
}

/**
 * Serves `/healthz`, `/readyz` and `/metrics`.
 * @throws Error that names the address when it cannot be listened on.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host, port } = options.listen;
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, createApp(options));
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new Error(`cannot listen on ${host}:${port}; choose another address with --listen`, { cause });
  }
  server.on("error", (err) => {
    options.log.error({ err }, "the HTTP server had an error");
  });
  return { port: (server.address() as AddressInfo).port, stop: (graceMs = 1_000) => stop(server, graceMs) };
}

function createApp({ telemetry, isReady, log }: ServerOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  get(app, "/healthz", (_request, response) => {
    plain(response, 200, "ok");
  });
  get(app, "/readyz", (_request, response) => {
    const { ready, reasons } = isReady();
    plain(response, ready ? 200 : 503, ready ? "ok" : ["not ready", ...reasons].join("\n"));
  });
  get(app, "/metrics", async (_request, response) => {
    const text = await telemetry.metrics();
    response.status(200).set("content-type", telemetry.contentType).send(text);
  });
  app.use((_request, response) => {
    plain(response, 404, "not found: there are /healthz, /readyz and /metrics");
  });
  app.use(onError(log));
  return app;
}

function get(app: Express, path: string, handler: RequestHandler): void {
  app
    .route(path)
    .get(handler)
    .all((_request, response) => {
      response.set("allow", "GET, HEAD");
      plain(response, 405, "method not allowed: use GET");
    });
}

function plain(response: Response, status: number, text: string): void {
  response.status(status).set("cache-control", "no-store").type("text/plain").send(`${text}\n`);
}

/** Express knows an error handler by its four parameters. */
function onError(log: Log): ErrorRequestHandler {
  return (err: unknown, request, response, next) => {
    const status = clientError(err);
    if (status === undefined) log.error({ err, path: request.path }, "a request could not be answered");
    if (response.headersSent) next(err);
    else plain(response, status ?? 500, status === undefined ? "internal error" : "bad request");
  };
}

function clientError(error: unknown): number | undefined {
  const status = (error as { status?: unknown } | undefined)?.status;
  return typeof status === "number" && status >= 400 && status < 500 ? status : undefined;
}

async function stop(server: Server, graceMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  const cut = setTimeout(() => {
    server.closeAllConnections();
  }, graceMs);
  await closed;
  clearTimeout(cut);
}
