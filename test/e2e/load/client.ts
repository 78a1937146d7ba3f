import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:net";
import type { Endpoint } from "./endpoints.ts";
import type { Job } from "./job.ts";

export interface Answer {
  /** 0 when there was none. */
  readonly status: number;
  readonly error?: string;
  readonly version?: string;
  /** What the answer gives the user to keep. */
  readonly cookies?: readonly string[];
  readonly deliberate: boolean;
  readonly tookMs: number;
  readonly connection: "fresh" | "kept";
  readonly detail?: string;
  readonly peer?: string;
}

export type Headers = Readonly<Record<string, string>>;

export interface Client {
  /** One request. Never rejects. */
  ask(connection: "fresh" | "kept", headers?: Headers): Promise<Answer>;
}

const KEPT_CONNECTIONS = 32;

/**
 * A client whose every new connection goes where `pick` says. A kept connection stays with its peer until one of the
 * two ends it, as a connection through kube-proxy does.
 */
export function createClient(job: Job, pick: () => Endpoint | undefined): Client {
  const kept = dialling(new Agent({ keepAlive: true, maxSockets: KEPT_CONNECTIONS, scheduling: "fifo" }), pick);
  const fresh = dialling(new Agent({ keepAlive: false }), pick);
  return {
    ask: (connection, headers = {}) => {
      const all = { ...job.headers, ...headers, host: job.host };
      return ask({ ...job, headers: all }, connection === "fresh" ? fresh : kept, connection);
    },
  };
}

function dialling(agent: Agent, pick: () => Endpoint | undefined): Agent {
  agent.createConnection = (_options, callback) => {
    const endpoint = pick();
    if (endpoint !== undefined) return connect(endpoint.port, endpoint.address).setNoDelay(true);
    callback?.(Object.assign(new Error("the Service has no endpoints"), { code: "NO_ENDPOINTS" }), undefined as never);
    return undefined;
  };
  return agent;
}

function ask(job: Job, agent: Agent, connection: Answer["connection"]): Promise<Answer> {
  const { path, timeoutMs, headers } = job;
  const start = performance.now();
  let peer: string | undefined;
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const settle = (
    answer: Omit<Answer, "deliberate" | "tookMs" | "connection" | "peer"> & { deliberate?: boolean },
  ): void => {
    clearTimeout(late);
    const seen = peer === undefined ? {} : { peer };
    resolve({ deliberate: false, ...answer, tookMs: performance.now() - start, connection, ...seen });
  };
  const asked = httpRequest({ host: "load.invalid", agent, path, headers }, (response) => {
    let body = "";
    response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    response.once("error", (error: NodeJS.ErrnoException) => settle({ status: 0, error: codeOf(error) }));
    response.once("end", () => {
      const { statusCode: status = 0, headers: said } = response;
      const version = said["x-version"];
      settle({
        status,
        deliberate: said["x-deliberate"] === "true",
        ...(typeof version === "string" ? { version } : {}),
        ...(said["set-cookie"] === undefined ? {} : { cookies: said["set-cookie"] }),
        ...(status === 200 ? {} : { detail: body.slice(0, 200) }),
      });
    });
  });
  const late = setTimeout(
    () => asked.destroy(Object.assign(new Error("no answer in time"), { code: "TIMEOUT" })),
    timeoutMs,
  );
  asked.once("socket", (socket) => {
    const seen = (): void => void (peer = `${socket.remoteAddress ?? "?"}:${socket.remotePort ?? 0}`);
    if (socket.connecting) socket.once("connect", seen);
    else seen();
  });
  asked.once("error", (error: NodeJS.ErrnoException) =>
    settle({ status: 0, error: codeOf(error), detail: error.message }),
  );
  asked.end();
  return promise;
}

function codeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.name;
}
