import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent, request } from "node:https";
import type { AddressInfo } from "node:net";

/** The API server at an address of loopback without TLS, where a client hears of some changes late. */
export interface ApiProxy {
  readonly url: string;
  close(): Promise<void>;
}

export interface ApiProxyOptions {
  readonly url: string;
  readonly caFile: string;
  /** Of the user that every request is made as: Go's client sends no token without TLS. */
  readonly token: string;
  /** Milliseconds that every event of a watch is held back, asked when it comes; `resource` is a plural. */
  readonly delayMs: (resource: string) => number;
}

export async function startApiProxy(options: ApiProxyOptions): Promise<ApiProxy> {
  const agent = new Agent({ ca: readFileSync(options.caFile), keepAlive: true });
  const server = createServer((incoming, outgoing) => forward(options, agent, { incoming, outgoing }));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        agent.destroy();
      }),
  };
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

function forward({ url, token, delayMs }: ApiProxyOptions, agent: Agent, { incoming, outgoing }: Exchange): void {
  const { method, headers } = incoming;
  const target = new URL(incoming.url ?? "/", url);
  const seen = { ...headers, host: target.host, authorization: `Bearer ${token}` };
  const upstream = request(target, { method, agent, headers: seen }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    outgoing.flushHeaders();
    const resource = target.searchParams.has("watch") ? (target.pathname.split("/").at(-1) ?? "") : "";
    answer.once("error", () => outgoing.destroy());
    answer.once("close", () => answer.complete || outgoing.destroy());
    if (resource === "") answer.pipe(outgoing);
    else deliverLate(answer, outgoing, () => delayMs(resource));
  });
  upstream.once("error", () => outgoing.destroy());
  outgoing.once("close", () => upstream.destroy());
  incoming.pipe(upstream);
}

function deliverLate(answer: IncomingMessage, outgoing: ServerResponse, delayMs: () => number): void {
  let lastDue = 0;
  const later = (deliver: () => void): void => {
    const now = performance.now();
    // Nothing overtakes what came before it.
    lastDue = Math.max(lastDue, now + delayMs());
    if (lastDue <= now) deliver();
    else setTimeout(deliver, lastDue - now);
  };
  answer.on("data", (chunk: Buffer) => later(() => outgoing.destroyed || outgoing.write(chunk)));
  answer.once("end", () => later(() => outgoing.end()));
}
