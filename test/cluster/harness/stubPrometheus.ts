import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a query is answered with. */
export type PrometheusAnswer =
  /** One sample without labels; NaN and infinities as Prometheus writes them. */
  | number
  /** An empty vector. */
  | "empty"
  /** No answer until the stub is closed or the answer is changed by the client's giving up. */
  | "hang"
  /** The connection is cut before an answer. */
  | "reset"
  | { readonly samples: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[] }
  /** Prometheus's error body, or the given one. */
  | { readonly httpStatus: number; readonly errorType?: string; readonly error?: string; readonly body?: string };

/** A string matches any query that contains it. */
export type QueryMatcher = string | RegExp | ((query: string) => boolean);

export interface RecordedQuery {
  readonly query: string;
  readonly method: string;
  readonly headers: IncomingMessage["headers"];
  /** Epoch milliseconds. */
  readonly at: number;
}

export interface StubPrometheus {
  readonly url: string;
  /** The newest matching answer counts; a query that nothing matches gets an empty vector. */
  answer(matcher: QueryMatcher, answer: PrometheusAnswer | ((query: string) => PrometheusAnswer)): void;
  /** Forgets answers and recorded queries, and accepts connections again. */
  reset(): Promise<void>;
  /** Queries that came, oldest first. */
  queries(matcher?: QueryMatcher): readonly RecordedQuery[];
  /** From now on connections are refused on the same address, and open ones are cut. */
  refuseConnections(): Promise<void>;
  acceptConnections(): Promise<void>;
  close(): Promise<void>;
}

interface Rule {
  readonly matcher: QueryMatcher;
  readonly answer: PrometheusAnswer | ((query: string) => PrometheusAnswer);
}

/** A server on a free loopback port that answers `/api/v1/query` (GET and POST) as the test says. */
export async function startStubPrometheus(): Promise<StubPrometheus> {
  const rules: Rule[] = [];
  const recorded: RecordedQuery[] = [];
  const server = createServer((request, response) => {
    handle(request, response, rules, recorded).catch(() => response.destroy());
  });
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;
  const acceptConnections = async (): Promise<void> => {
    if (!server.listening) await listen(server, port);
  };
  const refuseConnections = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    url: `http://127.0.0.1:${port}`,
    answer: (matcher, answer) => void rules.unshift({ matcher, answer }),
    reset: async () => {
      rules.length = 0;
      recorded.length = 0;
      await acceptConnections();
    },
    queries: (matcher = "") => recorded.filter(({ query }) => matches(matcher, query)),
    refuseConnections,
    acceptConnections,
    close: refuseConnections,
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  rules: readonly Rule[],
  recorded: RecordedQuery[],
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://stub");
  if (url.pathname !== "/api/v1/query") {
    sendError(response, 404, "not_found", `the stub does not serve ${url.pathname}`);
    return;
  }
  const { method = "GET", headers } = request;
  const parameters = method === "POST" ? new URLSearchParams(await bodyOf(request)) : url.searchParams;
  const query = parameters.get("query") ?? url.searchParams.get("query") ?? "";
  recorded.push({ query, method, headers, at: Date.now() });
  const rule = rules.find(({ matcher }) => matches(matcher, query));
  const answer = typeof rule?.answer === "function" ? rule.answer(query) : (rule?.answer ?? "empty");
  send(response, answer);
}

function send(response: ServerResponse, answer: PrometheusAnswer): void {
  if (answer === "hang") return;
  if (answer === "reset") response.destroy();
  else if (answer === "empty") sendVector(response, []);
  else if (typeof answer === "number") sendVector(response, [{ value: answer }]);
  else if ("samples" in answer) sendVector(response, answer.samples);
  else if (answer.body !== undefined) response.writeHead(answer.httpStatus).end(answer.body);
  else sendError(response, answer.httpStatus, answer.errorType ?? "internal", answer.error ?? "set by the test");
}

function sendVector(
  response: ServerResponse,
  samples: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[],
): void {
  const now = Date.now() / 1000;
  const result = samples.map(({ labels = {}, value }) => ({ metric: labels, value: [now, formatValue(value)] }));
  sendJson(response, 200, { status: "success", data: { resultType: "vector", result } });
}

function sendError(response: ServerResponse, status: number, errorType: string, error: string): void {
  sendJson(response, status, { status: "error", errorType, error });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function formatValue(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}

function matches(matcher: QueryMatcher, query: string): boolean {
  if (typeof matcher === "string") return query.includes(matcher);
  return typeof matcher === "function" ? matcher(query) : matcher.test(query);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}
