import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Something that both versions call for every answer, such as a database. */
export interface Dependency {
  readonly url: string;
  /** From now on it answers 503, or as it should again. */
  setUp(up: boolean): void;
  stop(): Promise<void>;
}

export async function startDependency(): Promise<Dependency> {
  let up = true;
  const server = createServer((_request, response) => {
    response.statusCode = up ? 200 : 503;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    setUp: (next) => {
      up = next;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
