import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Random } from "../random.ts";

/** Where to connect. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Translates a pod's address and port to where its server really listens. */
export type Dial = (ip: string, port: number) => Address;

/** Listens; rejects with the error that the socket reports. */
export async function listen(server: Server, { host, port }: Address): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

const MAX_TRIES = 20;

/**
 * Gives each pod an own address in 127/8, all of which Linux routes to the loopback device, so that every pod can
 * listen on the port it declares. Where that is not possible (macOS, ports below 1024) the server listens on a free
 * port of 127.0.0.1, and `dial` knows which.
 */
export interface Loopback {
  /** Makes servers with `create`, one a port, all on one new address. Resolves with that address. */
  bind(ports: readonly number[], create: () => Server): Promise<{ readonly ip: string; readonly servers: Server[] }>;
  release(ip: string): void;
  readonly dial: Dial;
}

export function createLoopback(random: Random): Loopback {
  const used = new Set<string>();
  const redirected = new Map<string, Address>();
  // The range is drawn at random so that two sandboxes on one machine rarely meet.
  const byte = (): number => 1 + Math.floor(random() * 254);
  const freshIp = (): string => {
    for (;;) {
      const ip = `127.${64 + Math.floor(random() * 64)}.${byte()}.${byte()}`;
      if (!used.has(ip)) return ip;
    }
  };

  return {
    async bind(ports, create) {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const ip = freshIp();
        const servers = ports.map(() => create());
        const bound = await Promise.all(
          servers.map((server, index) => bindOne(server, { host: ip, port: ports[index] ?? 0 }, redirected)),
        );
        if (bound.every(Boolean)) {
          used.add(ip);
          return { ip, servers };
        }
        for (const server of servers) server.close();
      }
      throw new Error(`no address of 127/8 has the ports ${ports.join(", ")} free`);
    },
    release(ip) {
      used.delete(ip);
      for (const key of redirected.keys()) if (key.startsWith(`${ip}:`)) redirected.delete(key);
    },
    dial: (ip, port) => redirected.get(`${ip}:${port}`) ?? { host: ip, port },
  };
}

/** Listens there, or, where the machine has no such address, elsewhere; false when the port is taken. */
async function bindOne(server: Server, wanted: Address, redirected: Map<string, Address>): Promise<boolean> {
  try {
    await listen(server, wanted);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") return false;
    if (code !== "EADDRNOTAVAIL" && code !== "EACCES") throw error;
    const port = await listen(server, { host: "127.0.0.1", port: 0 });
    redirected.set(`${wanted.host}:${wanted.port}`, { host: "127.0.0.1", port });
    return true;
  }
}
