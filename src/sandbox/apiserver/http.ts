import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ApiServer } from "./apiServer.ts";
import { createDiscovery } from "./discovery.ts";
import { createOpenApi } from "./openapi.ts";
import type { JsonObject } from "./json.ts";
import { handleResource } from "./resourceHandler.ts";
import type { Answer, PodLogs } from "./resourceHandler.ts";
import { addressOf, readRequest } from "./request.ts";
import type { ApiRequest } from "./request.ts";
import { reviewOf } from "./reviews.ts";
import { ApiError, noSuchResource } from "./status.ts";
import { serveWatch } from "./watchHandler.ts";

export interface ApiServerHttpOptions {
  readonly core: ApiServer;
  /** TCP port on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** Milliseconds between bookmarks on watches that allow them. Default 30 000. */
  readonly bookmarkIntervalMs?: number;
  /** Answers `kubectl logs`; undefined when there is no such pod or container. */
  readonly podLogs?: PodLogs;
}

export interface RunningApiServer {
  /** Address without a trailing slash. */
  readonly url: string;
  /** Ends all watches and connections; resolves when the port is free. */
  stop(): Promise<void>;
}

/**
 * Serves the in-memory API over HTTP on the loopback interface, for the real client libraries and for kubectl.
 * There is no authentication: any token is accepted.
 */
export async function startApiServer(options: ApiServerHttpOptions): Promise<RunningApiServer> {
  const handle = createHandler(options);
  const server = createServer((message, response) => {
    void handle(message, response);
  });
  // Watches are quiet for long, and clients keep idle connections.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** A kubeconfig for kubectl and client libraries. */
export function kubeconfig(url: string): string {
  return [
    "apiVersion: v1",
    "kind: Config",
    "clusters:",
    // The official JavaScript client refuses plain HTTP without this flag; there is no TLS here to be verified.
    `- { name: sandbox, cluster: { server: "${url}", insecure-skip-tls-verify: true } }`,
    "users:",
    "- { name: sandbox, user: { token: sandbox } }",
    "contexts:",
    "- { name: sandbox, context: { cluster: sandbox, user: sandbox, namespace: default } }",
    "current-context: sandbox",
    "",
  ].join("\n");
}

type Handler = (message: IncomingMessage, response: ServerResponse) => Promise<void>;

function createHandler(options: ApiServerHttpOptions): Handler {
  const { core } = options;
  const discovery = createDiscovery(core.registry);
  const openApi = createOpenApi(core.registry);
  const answer = (request: ApiRequest): Answer => {
    const general =
      generalAnswer(request, core) ?? discovery.answer(request) ?? openApi.answer(request) ?? reviewOf(request);
    if (general !== undefined) return general;
    const address = addressOf(request.path);
    if (address === undefined) throw noSuchResource();
    return handleResource({ core, request, address, podLogs: options.podLogs });
  };
  return async (message, response) => {
    try {
      const request = await readRequest(message);
      const address = addressOf(request.path);
      const isWatch =
        request.method === "GET" && address !== undefined && /^(true|1)$/.test(request.query.get("watch") ?? "");
      if (isWatch)
        serveWatch({ core, request, address, response, bookmarkIntervalMs: options.bookmarkIntervalMs ?? 30_000 });
      else write(response, answer(request));
    } catch (error) {
      write(response, failure(error));
    }
  };
}

function failure(error: unknown): Answer {
  if (error instanceof ApiError) {
    const after = error.init.details?.retryAfterSeconds;
    const headers = after === undefined ? {} : { "retry-after": String(after) };
    return { code: error.code, body: error.toStatus(), headers };
  }
  const message = `Internal error occurred: ${error instanceof Error ? (error.stack ?? error.message) : "unknown"}`;
  return { code: 500, body: new ApiError({ code: 500, reason: "InternalError", message }).toStatus() };
}

function write(response: ServerResponse, answer: Answer): void {
  if (response.headersSent) {
    response.end();
    return;
  }
  for (const text of answer.warnings ?? []) response.appendHeader("warning", `299 - ${JSON.stringify(text)}`);
  for (const [key, value] of Object.entries(answer.headers ?? {})) response.setHeader(key, value);
  const isText = typeof answer.body === "string";
  const type = answer.contentType ?? (isText ? "text/plain; charset=utf-8" : "application/json");
  const body = isText ? answer.body : `${JSON.stringify(answer.body)}\n`;
  response.writeHead(answer.code, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

/** Version served to clients; its minor number is what the behaviour here was compared with. */
const VERSION: JsonObject = {
  major: "1",
  minor: "36",
  gitVersion: "v1.36.0+aviary-sandbox",
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "",
  compiler: "",
  platform: "embedded",
};

function generalAnswer(request: ApiRequest, core: ApiServer): Answer | undefined {
  if (request.method !== "GET") return undefined;
  switch (request.path) {
    case "/version":
    case "/version/":
      return { code: 200, body: VERSION };
    case "/healthz":
    case "/readyz":
    case "/livez":
      return { code: 200, body: "ok" };
    case "/":
      return {
        code: 200,
        body: { paths: ["/api", "/apis", "/healthz", "/openapi/v3", "/version", ...groupPaths(core)] },
      };
    default:
      return undefined;
  }
}

function groupPaths(core: ApiServer): string[] {
  const groups = core.registry.all().filter((resource) => resource.group !== "");
  return [...new Set(groups.map((resource) => `/apis/${resource.group}/${resource.version}`))].toSorted();
}
