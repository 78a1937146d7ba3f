import type { Agent as HttpAgent } from "node:http";
import type { Agent as HttpsAgent } from "node:https";
import type { PrometheusConnectionOptions } from "prometheus-query";
import { messageOf } from "../lib/errors.ts";
import { rememberByText } from "../lib/remember.ts";
import { parseDuration } from "../lib/time.ts";
import { awsAuthorizer } from "./cloud/aws.ts";
import { googleAuthorizer } from "./cloud/google.ts";
import { plainAuthorizer } from "./http/authorizer.ts";
import type { Authorizer } from "./http/authorizer.ts";
import { MAX_ATTEMPTS, pause, pauseOf } from "./http/retry.ts";
import { MAX_ANSWER_BYTES } from "./http/sentences.ts";
import { type Answer, readAnswer, readFailure, readSeries, readSeriesFailure } from "./prometheusAnswer.ts";
import { prometheusSchema, type PrometheusBlock, secretsOf } from "./prometheusBlock.ts";
import { checkPromql } from "./promql.ts";
import { windowMs } from "./promqlWindow.ts";
import type { ConnectOptions, Credentials, MetricProviderKind, MetricSource } from "./provider.ts";
import { redactor } from "./redact.ts";

/**
 * Prometheus and what speaks its HTTP API, by instant queries.
 * Source: Prometheus, HTTP API, "Instant queries" and "Format overview". Amazon's wants requests signed for the service
 * `aps`; Google's a token, at `https://monitoring.googleapis.com/v1/projects/PROJECT/location/global/prometheus`.
 */
export const prometheus: MetricProviderKind<PrometheusBlock> = {
  name: "prometheus",
  schema: prometheusSchema,
  secrets: secretsOf,
  checkQuery(_block, query) {
    const parsed = parsePromql(query);
    return parsed.ok ? undefined : `line ${parsed.line}, column ${parsed.column}: ${parsed.message}`;
  },
  windowMs: (_block, query) => windowOf(query),
  givesSeries: true,
  connect,
};

/** Canaries are looked at often and their queries change seldom. */
const parsePromql = rememberByText(1_000, checkPromql);
const windowOf = rememberByText(1_000, windowMs);

/** Longer queries go by POST, since proxies commonly refuse a request line beyond 8 KiB. */
const MAX_GET_QUERY = 1_500;
const MAX_SOCKETS = 16;

interface Connection {
  readonly endpoint: string;
  readonly timeout: string;
  readonly authorizer: Authorizer;
  /** A signature is over a body: it does not depend on how anybody writes the parameters of a URL. */
  readonly isSigned: boolean;
  readonly agent: HttpAgent | HttpsAgent;
}

function connect(block: PrometheusBlock, credentials: Credentials, options: ConnectOptions): MetricSource {
  const authorizer = authorizerOf(block, credentials, options);
  const redact = redactor(credentials, () => authorizer.secrets());
  const connection = {
    endpoint: block.url.replace(/\/+$/, ""),
    timeout: block.timeout,
    authorizer,
    isSigned: block.sigV4 !== undefined,
    agent: agentFor(block, credentials),
  };
  return {
    async read(query, { signal }) {
      signal.throwIfAborted();
      const reading = await ask(connection, { query, signal }, { good: readAnswer, bad: readFailure });
      signal.throwIfAborted();
      return "message" in reading ? { ...reading, message: redact(reading.message) } : reading;
    },
    async series(query, { signal, atMs }) {
      signal.throwIfAborted();
      const answer = await ask(connection, { query, signal, atMs }, { good: readSeries, bad: readSeriesFailure });
      signal.throwIfAborted();
      return "message" in answer ? { ...answer, message: redact(answer.message) } : answer;
    },
    close() {
      connection.agent.destroy();
      return Promise.resolve();
    },
  };
}

function authorizerOf(block: PrometheusBlock, credentials: Credentials, options: ConnectOptions): Authorizer {
  const base = plainAuthorizer(block, credentials);
  const { sigV4: identity, google } = block;
  if (identity !== undefined) return awsAuthorizer({ identity, credentials, base, service: "aps", ...options });
  return google === undefined ? base : googleAuthorizer({ credentials, base, ...options });
}

interface Question {
  readonly query: string;
  readonly signal: AbortSignal;
  /** Left out: the back-end's own time. */
  readonly atMs?: number;
}

interface Readers<T> {
  readonly good: (answer: Answer) => T;
  readonly bad: (answer: Answer, failure: unknown) => T;
}

async function ask<T>(connection: Connection, { query, signal, atMs }: Question, readers: Readers<T>): Promise<T> {
  // When somebody is asked: whoever asks nobody, as a simulation, need not wait for it to be loaded.
  const { PrometheusDriver } = await import("prometheus-query");
  const { endpoint, timeout } = connection;
  const timeoutMs = parseDuration(timeout);
  const endsAtMs = performance.now() + timeoutMs;
  const deadline = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, deadline]);
  for (let attempt = 1; ; attempt += 1) {
    const answer: Answer = { endpoint, timeout, timedOut: () => deadline.aborted };
    const timed = atMs !== undefined;
    const options = driverOptions(connection, { query, answer, timeoutMs, timed, signal: either });
    try {
      const moment = atMs === undefined ? undefined : new Date(atMs);
      await new PrometheusDriver(options).instantQuery(query, moment, `${timeoutMs}ms`);
      return readers.good(answer);
    } catch (failure) {
      const header = (name: string) => answer.headers?.[name];
      const pauseMs = pauseOf({ status: answer.status, header }, endsAtMs - performance.now());
      if (pauseMs === undefined || attempt === MAX_ATTEMPTS) return readers.bad(answer, failure);
      await pause(pauseMs, either);
    }
  }
}

interface DriverQuestion {
  readonly query: string;
  readonly answer: Answer;
  readonly timeoutMs: number;
  /** The question is about a moment of its own. */
  readonly timed: boolean;
  readonly signal: AbortSignal;
}

/**
 * A driver serves one question, since it takes no signal and says too little about failures (no status when the body
 * is not Prometheus' own) and values (it reads `+Inf` as NaN). The connections are shared by the agent.
 */
function driverOptions(connection: Connection, question: DriverQuestion): PrometheusConnectionOptions {
  const { query, answer, timeoutMs } = question;
  return {
    endpoint: connection.endpoint,
    timeout: timeoutMs,
    preferPost: connection.isSigned || query.length > MAX_GET_QUERY,
    requestInterceptor: {
      onFulfilled: (config) => outgoing(connection, question, config),
    },
    responseInterceptor: {
      onFulfilled(response) {
        answer.status = response.status;
        answer.body = response.data;
        return response;
      },
      onRejected(error: unknown) {
        const { response } = error as { response?: { status: number; data: unknown; headers: Answer["headers"] } };
        answer.status = response?.status;
        answer.body = response?.data;
        answer.headers = response?.headers;
        return Promise.reject(error);
      },
    },
  };
}

type DriverRequest = Parameters<NonNullable<PrometheusConnectionOptions["requestInterceptor"]>["onFulfilled"]>[0];

async function outgoing(
  { endpoint, authorizer, agent }: Connection,
  { answer, timed, signal }: DriverQuestion,
  config: DriverRequest,
): Promise<DriverRequest> {
  const params = parametersOf(config.params, timed);
  const form = parametersOf(config.data, timed);
  const body = form.size === 0 ? undefined : form.toString();
  const headers: Record<string, string> = body === undefined ? {} : { "Content-Type": FORM };
  const url = new URL(`${endpoint}/api/v1/query`);
  const method = body === undefined ? "GET" : "POST";
  const shown = await authorizer.authorize({ method, url, headers, body }, signal).catch((error: unknown) => {
    answer.unasked = messageOf(error);
    throw error;
  });
  config.headers.set({ ...headers, ...shown });
  return {
    ...config,
    params,
    data: body,
    signal,
    httpAgent: agent,
    httpsAgent: agent,
    // Not by a proxy of the environment, and not where a redirect says: both would be handed the credentials.
    proxy: false,
    maxRedirects: 0,
    maxContentLength: MAX_ANSWER_BYTES,
  };
}

const FORM = "application/x-www-form-urlencoded";

/** The driver insists on a time of its own; without one the server takes its own. */
function parametersOf(parameters: unknown, timed: boolean): URLSearchParams {
  const kept = new URLSearchParams(parameters instanceof URLSearchParams ? parameters : undefined);
  if (!timed) kept.delete("time");
  return kept;
}

function agentFor(block: PrometheusBlock, { ca, cert, key }: Credentials): HttpAgent | HttpsAgent {
  const pool = { keepAlive: true, maxSockets: MAX_SOCKETS };
  // To import them would load the undici that Node has inside, also where nobody is asked.
  if (!block.url.startsWith("https:")) return new (process.getBuiltinModule("node:http").Agent)(pool);
  return new (process.getBuiltinModule("node:https").Agent)({
    ...pool,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: block.tls?.insecureSkipVerify !== true,
  });
}
