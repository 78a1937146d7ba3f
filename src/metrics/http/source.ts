import type { Agent, request } from "undici";
import { messageOf } from "../../lib/errors.ts";
import { parseDuration } from "../../lib/time.ts";
import type { Credentials, MetricSource, Reading } from "../provider.ts";
import { redactor } from "../redact.ts";
import { AuthorizationError, plainAuthorizer } from "./authorizer.ts";
import type { Authorizer, Outgoing } from "./authorizer.ts";
import type { Endpoint } from "./endpoint.ts";
import { MAX_ATTEMPTS, pause, pauseOf } from "./retry.ts";
import { badQuery, MAX_ANSWER_BYTES, noAnswer, notTheApi, refusal, tooLarge, unreachable } from "./sentences.ts";

/** A question in the words of one API. */
export interface ApiRequest {
  readonly method: "GET" | "POST";
  /** Below the address of the block, with a leading slash. */
  readonly path: string;
  readonly params?: readonly (readonly [name: string, value: string])[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON when it is no text. */
  readonly body?: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
  /** Undefined when the text is not JSON. */
  readonly json: unknown;
}

/** What an error answer says for people, and whether it is the query that is to blame. */
export interface Explanation {
  readonly detail: string;
  readonly blamesQuery: boolean;
}

/** What is particular to one API over HTTP. All of it is pure. */
export interface HttpApi {
  /** For sentences: `Datadog`. */
  readonly product: string;
  /** The request for a question, or what is wrong with the question. */
  ask(query: string, nowMs: number): ApiRequest | { readonly wrong: string };
  /** Reads an answer with a status of success; undefined when it is not one of this API. */
  read(answer: ApiAnswer, endpoint: string): Reading | undefined;
  explain(answer: ApiAnswer): Explanation;
}

export interface HttpSourceOptions {
  readonly api: HttpApi;
  readonly endpoint: Endpoint;
  readonly credentials: Credentials;
  readonly authorizer: Authorizer;
}

interface Client {
  readonly agent: Agent;
  readonly request: typeof request;
}

interface Connection extends HttpSourceOptions {
  /** Loaded when somebody is asked: whoever asks nobody, as a simulation, need not wait for it. */
  readonly client: () => Promise<Client>;
}

/** A connection to a back-end that answers a question by one request. */
export function httpSource(options: HttpSourceOptions): MetricSource {
  const { endpoint, credentials, authorizer } = options;
  let loaded: Promise<Client> | undefined;
  const connection = { ...options, client: () => (loaded ??= clientFor(endpoint, credentials)) };
  const redact = redactor(credentials, () => authorizer.secrets());
  return {
    async read(query, { signal }) {
      signal.throwIfAborted();
      const reading = await answerTo(connection, query, signal);
      signal.throwIfAborted();
      return "message" in reading ? { ...reading, message: redact(reading.message) } : reading;
    },
    close: async () => (await loaded)?.agent.destroy(),
  };
}

/** The same for a back-end that is shown what the Secrets hold, and nothing that is made of it. */
export function plainSource(
  api: HttpApi,
  endpoint: Endpoint,
  { credentials, scheme }: { readonly credentials: Credentials; readonly scheme?: string },
): MetricSource {
  return httpSource({ api, endpoint, credentials, authorizer: plainAuthorizer(endpoint, credentials, scheme) });
}

const MAX_SOCKETS = 16;

async function clientFor(endpoint: Endpoint, { ca, cert, key }: Credentials): Promise<Client> {
  const { Agent, request } = await import("undici");
  const agent = new Agent({
    connections: MAX_SOCKETS,
    pipelining: 1,
    maxResponseSize: MAX_ANSWER_BYTES,
    connect: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      rejectUnauthorized: endpoint.tls?.insecureSkipVerify !== true,
    },
  });
  return { agent, request };
}

async function answerTo(connection: Connection, query: string, signal: AbortSignal): Promise<Reading> {
  const { api, endpoint } = connection;
  const question = api.ask(query, Date.now());
  if ("wrong" in question) return badQuery(question.wrong);
  const client = await connection.client();
  const timeoutMs = parseDuration(endpoint.timeout);
  const endsAtMs = performance.now() + timeoutMs;
  const deadline = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, deadline]);
  const outgoing = outgoingOf(endpoint.url, question);
  try {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await send(connection.authorizer, client, { outgoing, signal: either });
      const pauseMs = pauseOf(answer, endsAtMs - performance.now());
      if (pauseMs === undefined || attempt === MAX_ATTEMPTS) return readingOf(connection, answer);
      await pause(pauseMs, either);
    }
  } catch (error) {
    if (deadline.aborted) return noAnswer(endpoint.url, endpoint.timeout);
    if (isTooLarge(error)) return tooLarge();
    if (error instanceof AuthorizationError) return unreachable(endpoint.url, `was not asked: ${error.message}`);
    return unreachable(endpoint.url, `cannot be reached: ${detailOf(error)}`);
  }
}

function outgoingOf(base: string, { method, path, params, headers, body }: ApiRequest): Outgoing {
  const url = new URL(base.replace(/\/+$/, "") + path);
  for (const [name, value] of params ?? []) url.searchParams.append(name, value);
  const isJson = body !== undefined && typeof body !== "string";
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const type = isJson ? { "Content-Type": "application/json" } : {};
  return { method, url, headers: { Accept: "application/json", ...type, ...headers }, body: text };
}

interface Answer extends ApiAnswer {
  readonly header: (name: string) => string | undefined;
}

interface Sending {
  readonly outgoing: Outgoing;
  readonly signal: AbortSignal;
}

async function send(authorizer: Authorizer, client: Client, { outgoing, signal }: Sending): Promise<Answer> {
  const shown = await endedBy(authorizer.authorize(outgoing, signal), signal);
  const { method, url, headers, body } = outgoing;
  const response = await client.request(url, {
    dispatcher: client.agent,
    method,
    headers: { ...headers, ...shown },
    body: body ?? null,
    signal,
  });
  const { statusCode: status } = response;
  const text = await response.body.text().catch((error: unknown) => {
    // What went wrong is in the status already.
    if (status >= 300 && isTooLarge(error)) return "";
    throw error;
  });
  const header = (name: string) => {
    const value = response.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  return { status, text, json: parsed(text), header };
}

/** The result of work that knows no signal, or a rejection as soon as nobody waits for it. */
function endedBy<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      reject(new Error("nobody waits for it any more"));
    };
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener("abort", stop);
    });
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readingOf({ api, endpoint }: Connection, answer: Answer): Reading {
  if (answer.status < 300) return api.read(answer, endpoint.url) ?? notTheApi(endpoint.url, api.product);
  const { detail, blamesQuery } = api.explain(answer);
  if (blamesQuery) return badQuery(`the query was refused${detail === "" ? "" : `: ${detail}`}`);
  return refusal(endpoint.url, answer.status, detail);
}

function isTooLarge(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null)?.code === "UND_ERR_RES_EXCEEDED_MAX_SIZE";
}

function detailOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: unknown };
  const message = messageOf(error);
  if (message !== "") return message;
  return typeof code === "string" ? code : messageOf(cause ?? "no answer");
}
