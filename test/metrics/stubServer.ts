import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Identity } from "./certificates.ts";

export type Respond = (request: StubRequest, response: ServerResponse) => void;

export interface StubRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** From the URL and from the body. */
  readonly params: URLSearchParams;
  readonly body: string;
  /** Common name of the client's certificate. */
  readonly client: string | undefined;
}

export interface StubServer {
  readonly url: string;
  readonly requests: readonly StubRequest[];
  /** Connections ever opened. */
  readonly connections: () => number;
  /** Connections that are open now. */
  readonly open: () => number;
  respond: Respond;
  close(): Promise<void>;
}

export interface StubTls extends Identity {
  /** Asks for a client certificate of this authority. */
  readonly clientAuthority?: string;
}

/** A server on a port of its own that answers as the test says. */
export async function startStub(respond: Respond, tls?: StubTls): Promise<StubServer> {
  const requests: StubRequest[] = [];
  let connections = 0;
  let open = 0;
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const seen = describe(request, Buffer.concat(chunks).toString());
      requests.push(seen);
      stub.respond(seen, response);
    });
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tlsOptions(tls), listener);
  server.on("connection", (socket: Socket) => {
    connections += 1;
    open += 1;
    socket.on("close", () => (open -= 1));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const stub: StubServer = {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    requests,
    connections: () => connections,
    open: () => open,
    respond,
    close: () => stop(server),
  };
  return stub;
}

function tlsOptions({ cert, key, clientAuthority }: StubTls) {
  if (clientAuthority === undefined) return { cert, key };
  return { cert, key, ca: clientAuthority, requestCert: true, rejectUnauthorized: true };
}

function describe(request: IncomingMessage, body: string): StubRequest {
  const url = new URL(request.url ?? "/", "http://stub");
  const params = new URLSearchParams([...url.searchParams, ...new URLSearchParams(body)]);
  const socket = request.socket as Socket & { getPeerCertificate?: () => { subject?: { CN?: string } } };
  const client = socket.getPeerCertificate?.().subject?.CN;
  return { method: request.method ?? "", path: url.pathname, headers: request.headers, params, body, client };
}

function stop(server: Server | ReturnType<typeof createTlsServer>): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
