import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { PrometheusDriver, type PrometheusConnectionOptions } from "prometheus-query";
import { parseDuration } from "../lib/time.ts";
import { type Answer, readAnswer, readFailure } from "./prometheusAnswer.ts";
import { prometheusSchema, type PrometheusBlock, secretsOf } from "./prometheusBlock.ts";
import type { Credentials, MetricProviderKind, MetricSource, Reading } from "./provider.ts";
import { redactor } from "./redact.ts";

/** Prometheus and what speaks its HTTP API, by instant queries. */
export const prometheus: MetricProviderKind<PrometheusBlock> = {
  name: "prometheus",
  schema: prometheusSchema,
  secrets: secretsOf,
  connect,
};

/** An answer to a good query is some hundred bytes; more than this is not worth the memory. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** Longer queries go by POST, since proxies commonly refuse a request line beyond 8 KiB. */
const MAX_GET_QUERY = 1_500;
const MAX_SOCKETS = 16;

interface Connection {
  readonly endpoint: string;
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: HttpAgent | HttpsAgent;
}

function connect(block: PrometheusBlock, credentials: Credentials): MetricSource {
  const headers = headersOf(block, credentials);
  const redact = redactor(credentials, Object.values(headers));
  const connection = {
    endpoint: block.url.replace(/\/+$/, ""),
    timeoutMs: parseDuration(block.timeout),
    headers,
    agent: agentFor(block, credentials),
  };
  return {
    async read(query, { signal }) {
      signal.throwIfAborted();
      const reading = await ask(connection, { query, signal });
      signal.throwIfAborted();
      return "message" in reading ? { ...reading, message: redact(reading.message) } : reading;
    },
    close() {
      connection.agent.destroy();
      return Promise.resolve();
    },
  };
}

interface Question {
  readonly query: string;
  readonly signal: AbortSignal;
}

async function ask(connection: Connection, { query, signal }: Question): Promise<Reading> {
  const { endpoint, timeoutMs } = connection;
  const deadline = AbortSignal.timeout(timeoutMs);
  const answer: Answer = { endpoint, timeoutMs, timedOut: () => deadline.aborted };
  const options = driverOptions(connection, { query, answer, signal: AbortSignal.any([signal, deadline]) });
  try {
    await new PrometheusDriver(options).instantQuery(query, undefined, `${timeoutMs}ms`);
    return readAnswer(answer);
  } catch (failure) {
    return readFailure(answer, failure);
  }
}

interface DriverQuestion {
  readonly query: string;
  readonly answer: Answer;
  readonly signal: AbortSignal;
}

/**
 * A driver serves one question, since it takes no signal and says too little about failures (no status when the body
 * is not Prometheus' own) and values (it reads `+Inf` as NaN). The connections are shared by the agent.
 */
function driverOptions(connection: Connection, { query, answer, signal }: DriverQuestion): PrometheusConnectionOptions {
  return {
    endpoint: connection.endpoint,
    headers: connection.headers,
    timeout: connection.timeoutMs,
    preferPost: query.length > MAX_GET_QUERY,
    requestInterceptor: {
      onFulfilled: (config) => ({
        ...config,
        params: withoutTime(config.params),
        data: withoutTime(config.data),
        signal,
        httpAgent: connection.agent,
        httpsAgent: connection.agent,
        // Not by a proxy of the environment, and not where a redirect says: both would be handed the credentials.
        proxy: false,
        maxRedirects: 0,
        maxContentLength: MAX_ANSWER_BYTES,
      }),
    },
    responseInterceptor: {
      onFulfilled(response) {
        answer.status = response.status;
        answer.body = response.data;
        return response;
      },
      onRejected(error: unknown) {
        const { response } = error as { response?: { status: number; data: unknown } };
        answer.status = response?.status;
        answer.body = response?.data;
        return Promise.reject(error);
      },
    },
  };
}

/** The driver insists on a time of its own; without one the server takes its own. */
function withoutTime(parameters: unknown): unknown {
  if (parameters instanceof URLSearchParams) parameters.delete("time");
  return parameters;
}

/** Credentials come last: a header of the block cannot replace them. */
function headersOf(block: PrometheusBlock, credentials: Credentials): Record<string, string> {
  const plain = (block.headers ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]));
  const authorization = authorizationOf(block, credentials);
  return {
    ...(Object.fromEntries(plain) as Record<string, string>),
    ...credentials.headers,
    ...(authorization === undefined ? {} : { Authorization: authorization }),
  };
}

function authorizationOf(block: PrometheusBlock, credentials: Credentials): string | undefined {
  if (credentials.bearerToken !== undefined) return `Bearer ${credentials.bearerToken.trim()}`;
  if (credentials.password === undefined) return undefined;
  const username = credentials.username ?? block.basicAuth?.username ?? "";
  return `Basic ${Buffer.from(`${username}:${credentials.password}`).toString("base64")}`;
}

function agentFor(block: PrometheusBlock, { ca, cert, key }: Credentials): HttpAgent | HttpsAgent {
  const pool = { keepAlive: true, maxSockets: MAX_SOCKETS };
  if (!block.url.startsWith("https:")) return new HttpAgent(pool);
  return new HttpsAgent({
    ...pool,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: block.tls?.insecureSkipVerify !== true,
  });
}
