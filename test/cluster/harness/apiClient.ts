import { readFileSync } from "node:fs";
import { Agent, type Dispatcher } from "undici";

export interface ApiClientOptions {
  readonly url: string;
  readonly caFile: string;
  readonly token: string;
}

export interface ApiRequest {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** `application/json` when left out. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

export interface ApiClient {
  /** The parsed answer. Throws ApiError for an answer of 400 and above, and undici's errors when there is none. */
  request<T>(request: ApiRequest): Promise<T>;
  /** The answer's lines, as they come; ends when the server ends it. Throws as `request`, also in the middle. */
  lines(request: ApiRequest): AsyncGenerator<string, void, undefined>;
  close(): Promise<void>;
}

/** The API server said no. */
export class ApiError extends Error {
  readonly statusCode: number;
  /** The Status object's reason, such as `NotFound`; empty when the answer was not a Status. */
  readonly reason: string;

  constructor(statusCode: number, reason: string, message: string) {
    super(message);
    this.name = "ApiError";
    this.statusCode = statusCode;
    this.reason = reason;
  }
}

/** One user's connections to the API server; open until `close`. */
export function createApiClient(options: ApiClientOptions): ApiClient {
  const agent = new Agent({ connect: { ca: readFileSync(options.caFile) }, bodyTimeout: 0 });
  const send = async (request: ApiRequest): Promise<Dispatcher.ResponseData> => {
    const { method = "GET", path, query = {}, body, contentType = "application/json", signal } = request;
    const answer = await agent.request({
      origin: options.url,
      path: path + queryString(query),
      method,
      headers: { authorization: `Bearer ${options.token}`, accept: "application/json", "content-type": contentType },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (answer.statusCode >= 400) throw await errorOf(method, path, answer);
    return answer;
  };
  return {
    request: async <T>(request: ApiRequest): Promise<T> => {
      const text = await (await send(request)).body.text();
      return (text.startsWith("{") ? JSON.parse(text) : text) as T;
    },
    lines: async function* (request) {
      const { body } = await send(request);
      let rest = "";
      for await (const chunk of body.setEncoding("utf8")) {
        const lines = (rest + String(chunk)).split("\n");
        rest = lines.pop() ?? "";
        yield* lines;
      }
    },
    close: () => agent.destroy(),
  };
}

function queryString(query: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const set = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) set.set(key, String(value));
  return set.size === 0 ? "" : `?${set.toString()}`;
}

async function errorOf(method: string, path: string, answer: Dispatcher.ResponseData): Promise<ApiError> {
  const text = await answer.body.text();
  let status: { reason?: string; message?: string } = {};
  try {
    status = JSON.parse(text) as typeof status;
  } catch {
    // Plain text, as from /readyz.
  }
  const message = `${method} ${path}: ${answer.statusCode} ${status.message ?? text}`;
  return new ApiError(answer.statusCode, status.reason ?? "", message);
}
