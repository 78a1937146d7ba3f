import { startApiServer } from "../../../src/sandbox/apiserver/http.ts";
import type { ApiServerHttpOptions, RunningApiServer } from "../../../src/sandbox/apiserver/http.ts";
import type { Json, JsonObject } from "../../../src/sandbox/apiserver/json.ts";
import { testApi } from "./birds.ts";
import type { TestApi } from "./birds.ts";

export interface RunningTestApi extends TestApi, RunningApiServer {}

/** A test API over HTTP, on the real clock. */
export async function runningApi(options: Partial<ApiServerHttpOptions> = {}): Promise<RunningTestApi> {
  const api = testApi({ now: Date.now });
  const running = await startApiServer({ core: api.server, port: 0, ...options });
  return { ...api, ...running };
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: JsonObject;
}

export async function call(
  api: RunningApiServer,
  path: string,
  init: { method?: string; type?: string; accept?: string; body?: Json | string } = {},
): Promise<HttpAnswer> {
  const body = typeof init.body === "string" || init.body === undefined ? init.body : JSON.stringify(init.body);
  const response = await fetch(`${api.url}${path}`, {
    method: init.method ?? "GET",
    headers: { "content-type": init.type ?? "application/json", accept: init.accept ?? "application/json" },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") === true;
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? (JSON.parse(text) as JsonObject) : { text },
  };
}
