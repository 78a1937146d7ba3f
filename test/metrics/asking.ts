import { afterEach } from "vitest";
import { metricProviderFor } from "../../src/metrics/index.ts";
import type { Reading } from "../../src/metrics/provider.ts";
import { startStub } from "./stubServer.ts";
import type { Respond, StubRequest } from "./stubServer.ts";
import { dialects } from "./vendorDialects.ts";

/** What a test has opened and has not closed yet. */
export const open: { close(): Promise<void> }[] = [];

/** Closes after each test of a file what it has opened. */
export function closeAfterEach(): void {
  afterEach(async () => {
    for (const thing of open.splice(0).reverse()) await thing.close();
  });
}

/** A question to a back-end of one kind, beside what its dialect says of it. */
export interface Asking {
  readonly provider: string;
  readonly more?: object;
  readonly query?: string;
  readonly respond?: Respond;
}

/** Asks a stub of that kind: the reading, and the first request that the stub saw. */
export async function ask(asking: Asking): Promise<{ reading: Reading; sent: StubRequest }> {
  const { provider, more = {}, query, respond } = asking;
  const dialect = dialects.find((entry) => entry.provider === provider);
  const kind = metricProviderFor(provider);
  if (dialect === undefined || kind === undefined) throw new Error(`no provider ${provider}`);
  const stub = await startStub(respond ?? dialect.value(1));
  const block = kind.schema.parse(dialect.block(stub.url, { more }));
  const source = kind.connect(block, dialect.needs ?? {}, { mayUseOwnIdentity: false });
  open.push(stub, source);
  const reading = await source.read(query ?? dialect.query, { signal: new AbortController().signal });
  return { reading, sent: stub.requests[0] as StubRequest };
}
