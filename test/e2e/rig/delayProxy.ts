import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A TCP proxy that holds back what the server says; what the client says passes at once. */
export interface DelayProxy {
  readonly port: number;
  close(): Promise<void>;
}

export interface DelayProxyOptions {
  /** Port of loopback that it connects to. */
  readonly port: number;
  /**
   * Milliseconds that a change is held back, asked when it comes; `said` is what the client of the connection said
   * first. What comes while something is held back goes with it, and what the server says next to the client's answers
   * passes: the delay is that of a change, and not of every packet of a dialogue about it.
   */
  readonly delayMs: (said: string) => number;
}

/** The dialogue about a change is over when so many milliseconds nothing was said. */
const PAUSE_MS = 100;
const FIRST_BYTES = 4096;

/** Listens on a free port of loopback. */
export async function startDelayProxy({ port, delayMs }: DelayProxyOptions): Promise<DelayProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.once("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
      socket.once("error", () => undefined);
    }
    let said = "";
    client.on("data", (chunk: Buffer) => {
      if (said.length < FIRST_BYTES) said += chunk.toString("latin1");
      upstream.write(chunk);
    });
    holdBack(upstream, client, () => delayMs(said));
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function holdBack(from: Socket, to: Socket, delayMs: () => number): void {
  const held: Buffer[] = [];
  let open = false;
  let timer: NodeJS.Timeout | undefined;
  const close = (): void => {
    timer = undefined;
    open = false;
  };
  const release = (): void => {
    open = true;
    timer = setTimeout(close, PAUSE_MS);
    for (const chunk of held.splice(0)) if (!to.destroyed) to.write(chunk);
  };
  from.on("data", (chunk: Buffer) => {
    if (open || delayMs() === 0) {
      if (held.length > 0) held.push(chunk);
      else to.write(chunk);
      if (open) timer?.refresh();
      return;
    }
    held.push(chunk);
    timer ??= setTimeout(release, delayMs());
  });
}
