import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { formatMatrix, formatValue } from "./api-format.ts";
import { BadParameter, matchParams, rangeParams, timeParam } from "./api-params.ts";
import { QueryError } from "./eval/error.ts";
import type { QueryEngine } from "./eval/query.ts";
import { labelsKey, type Labels } from "./labels.ts";
import type { NowMs, Queryable } from "./tsdb.ts";

export interface PrometheusApiOptions {
  readonly engine: QueryEngine;
  readonly storage: Queryable;
  readonly now: NowMs;
  /** Default 0: any free port of 127.0.0.1. */
  readonly port?: number;
}

export interface PrometheusApi {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** The larger part of a request that is read: a query is text, not an upload. */
const MAX_BODY_BYTES = 1_000_000;

/** Serves the query part of Prometheus's HTTP API, version 1, on the loopback address. */
export async function startPrometheusApi(options: PrometheusApiOptions): Promise<PrometheusApi> {
  const server = createServer((request, response) => {
    answer(request, options)
      .then((result) => send(response, result))
      .catch((error: unknown) => send(response, failure(500, "internal", String(error))));
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on a port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(request: IncomingMessage, options: PrometheusApiOptions): Promise<Answer | string> {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname === "/-/ready") return "Prometheus Server is Ready.\n";
  if (url.pathname === "/-/healthy") return "Prometheus Server is Healthy.\n";
  if (request.method !== "GET" && request.method !== "POST") return failure(405, "bad_data", "method not allowed");
  try {
    const params = await paramsOf(request, url);
    const data = dataOf(url.pathname, params, options);
    return data === undefined
      ? failure(404, "not_found", `${url.pathname} is not part of the embedded Prometheus`)
      : { status: 200, body: { status: "success", data } };
  } catch (error) {
    return failureOf(error);
  }
}

function dataOf(path: string, params: URLSearchParams, { engine, storage, now }: PrometheusApiOptions): unknown {
  const seriesOf = (): Labels[] => knownSeries(params, storage, now());
  switch (path) {
    case "/api/v1/query": {
      const atMs = timeParam(params, "time", now());
      return formatValue(engine.instant(params.get("query") ?? "", atMs), atMs);
    }
    case "/api/v1/query_range":
      return formatMatrix(engine.range(rangeParams(params)));
    case "/api/v1/series":
      if (!params.has("match[]")) throw new BadParameter("no match[] parameter provided");
      return seriesOf();
    case "/api/v1/labels":
      return sortedSet(seriesOf().flatMap((labels) => Object.keys(labels)));
  }
  const name = /^\/api\/v1\/label\/([^/]+)\/values$/.exec(path)?.[1];
  if (name === undefined) return undefined;
  return sortedSet(seriesOf().flatMap((labels) => labels[decodeURIComponent(name)] ?? []));
}

/** The series with a sample between `start` and `end` (default: all that is kept) that any `match[]` names. */
function knownSeries(params: URLSearchParams, storage: Queryable, nowMs: number): Labels[] {
  const window = { afterMs: timeParam(params, "start", 0) - 1, untilMs: timeParam(params, "end", nowMs) };
  const selectors = params.has("match[]") ? matchParams(params) : [[]];
  const found = selectors.flatMap((matchers) => storage.selectWindow(matchers, window));
  return [...new Map(found.map(({ labels }) => [labelsKey(labels), labels])).values()];
}

function sortedSet(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}

async function paramsOf(request: IncomingMessage, url: URL): Promise<URLSearchParams> {
  const params = new URLSearchParams(url.search);
  if (request.method !== "POST") return params;
  let body = "";
  request.setEncoding("utf8");
  for await (const chunk of request as AsyncIterable<string>) {
    body += chunk;
    if (body.length > MAX_BODY_BYTES) throw new BadParameter("the request body is too large");
  }
  // As in Prometheus, what the form says comes before what the address says.
  return new URLSearchParams([...new URLSearchParams(body), ...params]);
}

function failureOf(error: unknown): Answer {
  if (error instanceof BadParameter) return failure(400, "bad_data", error.message);
  if (!(error instanceof QueryError)) throw error;
  if (error.kind === "execution") return failure(422, "execution", error.message);
  return failure(400, "bad_data", `invalid parameter "query": ${error.message}`);
}

function failure(status: number, errorType: string, error: string): Answer {
  return { status, body: { status: "error", errorType, error } };
}

function send(response: ServerResponse, result: Answer | string): void {
  const [status, type, text] =
    typeof result === "string"
      ? [200, "text/plain; charset=utf-8", result]
      : [result.status, "application/json", JSON.stringify(result.body)];
  response.writeHead(status, { "content-type": type }).end(text);
}
