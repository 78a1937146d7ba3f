import type { IncomingHttpHeaders } from "node:http";
import { messageOf } from "../lib/errors.ts";
import { abortError, onAbort } from "./abort.ts";
import type { Connection } from "./config.ts";
import type { AnswerBody, HttpAnswer, HttpRequest } from "./dispatcher.ts";
import { KubeError, isKubeError, reasonOf } from "./errors.ts";
import type { ResourceKind } from "./port.ts";

/** What a call does, as it stands in metrics. */
export type Verb = "get" | "list" | "watch" | "create" | "apply" | "patch" | "update" | "delete" | "discover";

/** One finished request, for metrics. */
export interface RequestInfo {
  readonly verb: Verb;
  readonly kind: string;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** Until the whole answer was in; for a watch until its headers were. */
  readonly durationMs: number;
}

export interface HttpCall {
  readonly verb: Verb;
  readonly kind: ResourceKind;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  /** Form of the answer; JSON of the whole object when left out. */
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface TransportOptions {
  /** Once aborted every write is refused, and those in flight are broken off. Reads go on. */
  readonly fence?: AbortSignal;
  /** Asked before every write, which is refused when it says no; see `Leadership` in `leader.ts`. */
  readonly mayWrite?: () => boolean;
  /** Time for a whole answer, in milliseconds; default 30 s. */
  readonly requestTimeoutMs?: number;
  readonly onRequest?: (info: RequestInfo) => void;
}

export interface Transport {
  /** The JSON of a 2xx answer. @throws KubeError, AbortError */
  call(call: HttpCall): Promise<unknown>;
  /** The body of a 2xx answer, to be read by the caller, who must destroy it. @throws KubeError, AbortError */
  open(call: HttpCall): Promise<AnswerBody>;
}

const METHODS: Readonly<Record<Verb, HttpRequest["method"]>> = {
  get: "GET",
  list: "GET",
  watch: "GET",
  discover: "GET",
  create: "POST",
  apply: "PATCH",
  patch: "PATCH",
  update: "PUT",
  delete: "DELETE",
};

const DEFAULT_REQUEST_TIMEOUT_MS = 30_000;

export function createTransport(connection: Connection, options: TransportOptions): Transport {
  const { fence, mayWrite = () => true, requestTimeoutMs = DEFAULT_REQUEST_TIMEOUT_MS, onRequest } = options;

  const attempt = async <T>(call: HttpCall, renew: boolean, read: Reader<T>): Promise<T> => {
    const startedMs = performance.now();
    let status = 0;
    const guard = guardOf(call, fence, requestTimeoutMs);
    try {
      const response = await send(connection, call, { renew, signal: guard.signal });
      status = response.statusCode;
      if (status >= 300) throw await refusal(call, response);
      return await read(response.body);
    } catch (error) {
      throw guard.explain(error);
    } finally {
      guard.release();
      onRequest?.({ verb: call.verb, kind: call.kind.kind, status, durationMs: performance.now() - startedMs });
    }
  };

  /** A 401 means that nothing was done, and a read can be done twice: those are tried once more, nothing else. */
  const perform = async <T>(call: HttpCall, read: Reader<T>): Promise<T> => {
    if (isWrite(call.verb) && (fence?.aborted === true || !mayWrite())) throw abortError(fence, REFUSED);
    try {
      return await attempt(call, false, read);
    } catch (error) {
      const unauthorized = isKubeError(error) && error.status === 401;
      const reset = isKubeError(error, "Unavailable") && error.status === 0 && isReset(error.cause);
      if (unauthorized || (reset && !isWrite(call.verb))) return attempt(call, unauthorized, read);
      throw error;
    }
  };

  return {
    call: (call) => perform(call, readJson),
    open: (call) => perform(call, (body) => Promise.resolve(body)),
  };
}

type Reader<T> = (body: AnswerBody) => Promise<T>;

const REFUSED = "write refused: this replica no longer leads";

function isWrite(verb: Verb): boolean {
  return METHODS[verb] !== "GET";
}

async function readJson(body: AnswerBody): Promise<unknown> {
  const text = await body.text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KubeError({
      reason: "Unavailable",
      status: 0,
      message: "the answer of the API server is not JSON",
      cause,
    });
  }
}

async function send(
  connection: Connection,
  call: HttpCall,
  { renew, signal }: { readonly renew: boolean; readonly signal: AbortSignal },
): Promise<HttpAnswer> {
  const { dispatcher, headers } = await connection.access({ renew });
  if (signal.aborted) throw abortError(signal);
  const hasBody = call.body !== undefined;
  return dispatcher.request({
    origin: connection.origin,
    path: `${connection.basePath}${call.path}${queryOf(call.query)}`,
    method: METHODS[call.verb],
    headers: {
      accept: call.accept ?? "application/json",
      "user-agent": "aviary",
      ...headers,
      ...(hasBody ? { "content-type": call.contentType ?? "application/json" } : {}),
    },
    body: hasBody ? JSON.stringify(call.body) : null,
    signal,
    // Both are watched over by the guard, which also covers the time in the queue of the pool.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

function queryOf(query: HttpCall["query"]): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) search.set(name, String(value));
  return search.size === 0 ? "" : `?${search.toString()}`;
}

interface StatusBody {
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: { readonly retryAfterSeconds?: number } | null;
}

/** The error that a `Status` object, or whatever else came with a bad HTTP status, stands for. */
export function errorOfStatus(status: number, body: unknown, what: string, retryAfter?: string): KubeError {
  const { message, reason, details } = (typeof body === "object" && body !== null ? body : {}) as StatusBody;
  const seconds = retryAfter === undefined ? details?.retryAfterSeconds : Number(retryAfter);
  const retryAfterMs = seconds !== undefined && Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : undefined;
  return new KubeError({
    reason: reasonOf(status, reason),
    status,
    message: message !== undefined && message !== "" ? message : `${what}: HTTP status ${status}`,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

async function refusal(call: HttpCall, response: HttpAnswer): Promise<KubeError> {
  const text = await response.body.text();
  const body = parseOrUndefined(text);
  return errorOfStatus(response.statusCode, body, whatOf(call), headerOf(response.headers, "retry-after"));
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function whatOf(call: HttpCall): string {
  return `${call.verb} ${call.path}`;
}

/** One signal for everything that may end an attempt, and the sentence for what did. */
interface Guard {
  readonly signal: AbortSignal;
  explain(error: unknown): unknown;
  release(): void;
}

/**
 * The time-out covers the answer's body for a call that reads it, and the headers alone for one that hands it out.
 * (Plain listeners rather than `AbortSignal.any`, whose followers live as long as the longest-lived source.)
 */
function guardOf(call: HttpCall, fence: AbortSignal | undefined, timeoutMs: number): Guard {
  const controller = new AbortController();
  const fenced = isWrite(call.verb) ? fence : undefined;
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    controller.abort();
  }, timeoutMs);
  const unsubscribe = [call.signal, fenced].map((signal) => onAbort(signal, () => controller.abort()));
  return {
    signal: controller.signal,
    explain(error) {
      if (call.signal?.aborted === true) return abortError(call.signal);
      if (fenced?.aborted === true) return abortError(fenced, REFUSED);
      if (error instanceof KubeError) return error;
      const message = timedOut ? `no answer within ${timeoutMs} ms` : messageOf(error);
      return new KubeError({ reason: "Unavailable", status: 0, message: `${whatOf(call)}: ${message}`, cause: error });
    },
    release() {
      clearTimeout(timer);
      for (const end of unsubscribe) end();
    },
  };
}

const RESET_CODES: ReadonlySet<unknown> = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);

function isReset(error: unknown): boolean {
  return error instanceof Error && "code" in error && RESET_CODES.has(error.code);
}
