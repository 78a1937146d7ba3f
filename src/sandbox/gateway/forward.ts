import {
  request as httpRequest,
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { Address } from "../runtime/loopback.ts";
import { passOn } from "./headers.ts";
import type { HeaderEdits } from "./model.ts";

export interface Upstream {
  readonly address: Address;
  readonly agent: Agent;
  readonly requestEdits: readonly HeaderEdits[];
  readonly responseEdits: readonly HeaderEdits[];
  readonly timeoutMs: number | undefined;
}

/** What came of asking a pod. With `failed` nothing has been answered yet. */
export type Forwarded =
  | { readonly type: "answered"; readonly status: number }
  | { readonly type: "failed"; readonly reason: "upstream-error" | "timeout" }
  /** The client went away first. */
  | { readonly type: "abandoned" };

/** Passes a request on to one address and its answer back. Never rejects; no retries. */
export function forward(request: IncomingMessage, response: ServerResponse, upstream: Upstream): Promise<Forwarded> {
  const { promise, resolve } = Promise.withResolvers<Forwarded>();
  const { host, port } = upstream.address;
  const headers = passOn(request.headers, upstream.requestEdits);
  headers["x-forwarded-for"] = request.socket.remoteAddress ?? "unknown";
  const { method = "GET", url: path = "/" } = request;
  const outgoing = httpRequest({ host, port, method, path, headers, agent: upstream.agent });

  const limit = limitTime(outgoing, upstream.timeoutMs);
  const finish = (outcome: Forwarded): void => {
    limit.end();
    resolve(outcome);
  };

  outgoing.on("response", (answer) => {
    const { statusCode: status = 502 } = answer;
    response.writeHead(status, passOn(answer.headers, upstream.responseEdits));
    answer.pipe(response);
    answer.once("end", () => {
      finish({ type: "answered", status });
    });
    // The status is out already: all that is left is to let the client see that the body is cut.
    answer.once("error", () => {
      response.destroy();
      finish({ type: "answered", status });
    });
  });
  outgoing.once("error", () => {
    if (response.headersSent) response.destroy();
    else finish({ type: "failed", reason: limit.passed() ? "timeout" : "upstream-error" });
  });
  response.once("close", () => {
    if (response.writableFinished) return;
    finish({ type: "abandoned" });
    outgoing.destroy();
  });
  request.pipe(outgoing);
  return promise;
}

/** Sends a copy of a request to one address. The answer is thrown away, and so is every error. */
export function sendCopy(
  request: IncomingMessage,
  { address, agent, requestEdits }: Pick<Upstream, "address" | "agent" | "requestEdits">,
  answered: (status: number) => void,
): void {
  const headers = passOn(request.headers, requestEdits);
  const { method = "GET", url: path = "/" } = request;
  const copy = httpRequest({ ...address, method, path, headers, agent });
  copy.on("response", (answer) => {
    answered(answer.statusCode ?? 502);
    answer.once("error", () => undefined).resume();
  });
  copy.once("error", () => {
    // The original goes on alone.
    request.unpipe(copy);
  });
  request.pipe(copy);
}

/** Ends the request when its time is up. */
function limitTime(outgoing: ClientRequest, timeoutMs: number | undefined) {
  let passed = false;
  const expire = (): void => {
    passed = true;
    outgoing.destroy();
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs);
  return {
    passed: () => passed,
    end: () => {
      clearTimeout(timer);
    },
  };
}
