import { afterEach, describe, expect, it } from "vitest";
import { metricProviders } from "../../src/metrics/index.ts";
import type { Credentials, MetricSource } from "../../src/metrics/provider.ts";
import { createAuthority } from "./certificates.ts";
import type { Dialect } from "./dialects.ts";
import { dialects } from "./vendorDialects.ts";
import { type Respond, startStub, type StubServer, type StubTls } from "./stubServer.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

const quiet = () => new AbortController().signal;
const text = (status: number, body: string, headers: Record<string, string> = {}): Respond => {
  return (_request, response) => void response.writeHead(status, headers).end(body);
};
const never: Respond = () => undefined;

interface Failure {
  readonly what: string;
  /** Left out: long enough for a busy machine. */
  readonly timeout?: string;
  readonly respond: Respond;
  readonly says: RegExp;
}

const failures: readonly Failure[] = [
  { what: "500", respond: text(500, "oops"), says: /HTTP 500/ },
  { what: "503", respond: text(503, ""), says: /HTTP 503/ },
  { what: "429", respond: text(429, "slow down"), says: /HTTP 429/ },
  { what: "401", respond: text(401, "who?"), says: /credentials.*401/ },
  { what: "403", respond: text(403, "<html>no</html>"), says: /credentials.*403/ },
  { what: "404", respond: text(404, "not here"), says: /404.*url/ },
  { what: "a 400 that is not the API's", respond: text(400, "<html>bad request</html>"), says: /HTTP 400/ },
  { what: "a redirect", respond: text(302, "", { location: "http://127.0.0.1:1/login" }), says: /redirect.*302/ },
  {
    what: "a web page",
    respond: text(200, "<html>log in</html>", { "content-type": "text/html" }),
    says: /check the url/,
  },
  { what: "nothing", respond: text(200, ""), says: /check the url/ },
  { what: "half of a JSON text", respond: text(200, '{"status":"succ'), says: /check the url/ },
  { what: "null", respond: text(200, "null"), says: /check the url/ },
  { what: "a number alone", respond: text(200, "17"), says: /check the url/ },
  { what: "no end", timeout: "100ms", respond: never, says: /no answer within 0\.1 s/ },
  {
    what: "a body that never ends",
    timeout: "100ms",
    respond: (_request, response) => void response.writeHead(200).write("{"),
    says: /no answer within 0\.1 s/,
  },
  { what: "a reset", respond: (_request, response) => void response.socket?.destroy(), says: /cannot be reached/ },
];

describe.each(metricProviders)("provider $name", (provider) => {
  const dialect = dialects.find((entry) => entry.provider === provider.name) as Dialect;

  async function connect(
    respond: Respond,
    options: { tls?: StubTls; block?: Parameters<Dialect["block"]>[1]; credentials?: Credentials } = {},
  ): Promise<{ stub: StubServer; source: MetricSource }> {
    const stub = await startStub(respond, options.tls);
    const block = provider.schema.parse(dialect.block(stub.url, options.block));
    const source = provider.connect(block, options.credentials ?? dialect.needs ?? {}, { mayUseOwnIdentity: false });
    open.push(stub, source);
    return { stub, source };
  }
  const ask = (source: MetricSource, query = dialect.query) => source.read(query, { signal: quiet() });

  it("is described, and understands the query that it is asked here", () => {
    expect(dialect).toBeDefined();
    const block = provider.schema.parse(dialect.block("http://127.0.0.1"));
    expect(provider.checkQuery(block, dialect.query)).toBeUndefined();
    expect(provider.windowMs(block, dialect.query)).toBeGreaterThanOrEqual(0);
    expect(provider.schema.meta()?.description).toBeTruthy();
  });

  it.each([0, -0.5, 1, 0.001, 1e300, 123_456.789])("reads the value %d", async (value) => {
    const { source } = await connect(dialect.value(value));
    expect(await ask(source)).toEqual({ kind: "value", value });
  });

  it("tells silence from a value and from failure", async () => {
    const { source } = await connect(dialect.empty);
    expect(await ask(source)).toEqual({ kind: "empty" });
  });

  it("takes JSON in which nothing is found for what it is", async () => {
    const { source } = await connect(text(200, "[null,1]"));
    expect(await ask(source)).toMatchObject(
      dialect.takesAnyJson === true
        ? { kind: "empty" }
        : { kind: "unreachable", message: expect.stringMatching(/check the url/) as string },
    );
  });

  it("says that the query is wrong, and where, when the back-end says so", async () => {
    const { source } = await connect(dialect.refusesQuery);
    expect(await ask(source)).toMatchObject({ kind: "badQuery", message: expect.stringContaining("1:5") as string });
  });

  it("says that one number is wanted when there are several", async () => {
    const { source } = await connect(dialect.several);
    expect(await ask(source)).toMatchObject({
      kind: "badQuery",
      message: expect.stringMatching(/\d+ .* instead of one/) as string,
    });
  });

  it("gives up on an answer that is no number but a library, before it is in", async () => {
    let sent = 0;
    const { source } = await connect((_request, response) => {
      const chunk = Buffer.alloc(1 << 20, "x");
      const more = (): void => {
        sent += 1;
        if (sent < 64 && !response.destroyed) response.write(chunk, more);
      };
      response.writeHead(200, { "content-type": "application/json" }).write('{"a":"', more);
    });
    expect(await ask(source)).toMatchObject({
      kind: "badQuery",
      message: expect.stringMatching(/too large/) as string,
    });
    expect(sent).toBeLessThan(64);
  });

  it.each([429, 503])("asks again when a server with HTTP %d says when, and only then", async (status) => {
    const { stub, source } = await connect((request, response) => {
      if (stub.requests.length < 3) response.writeHead(status, { "retry-after": "0" }).end();
      else dialect.value(7)(request, response);
    });
    expect(await ask(source)).toEqual({ kind: "value", value: 7 });
    expect(stub.requests).toHaveLength(3);
    stub.respond = text(status, "");
    expect((await ask(source)).kind).toBe("unreachable");
    stub.respond = text(status, "", { "retry-after": "60" });
    expect((await ask(source)).kind).toBe("unreachable");
    expect(stub.requests).toHaveLength(5);
  });

  it.each(failures)("is unreachable on $what, and says so", async ({ respond, timeout = "5s", says }) => {
    const { stub, source } = await connect(respond, { block: { timeout } });
    const reading = await ask(source);
    expect(reading).toMatchObject({ kind: "unreachable", message: expect.stringMatching(says) as string });
    expect(reading).toMatchObject({ message: expect.stringContaining(stub.url) as string });
  });

  it("is unreachable when nobody listens", async () => {
    const { stub, source } = await connect(never);
    await stub.close();
    expect(await ask(source)).toMatchObject({
      kind: "unreachable",
      message: expect.stringMatching(/ECONNREFUSED/) as string,
    });
  });

  it("answers again as soon as the back-end does", async () => {
    const { stub, source } = await connect(text(503, ""));
    expect((await ask(source)).kind).toBe("unreachable");
    stub.respond = dialect.value(4);
    expect(await ask(source)).toEqual({ kind: "value", value: 4 });
  });

  it("rejects with AbortError when told to stop, and only then", async () => {
    const { source } = await connect(never);
    const stop = new AbortController();
    const reading = source.read(dialect.query, { signal: stop.signal });
    setImmediate(() => stop.abort());
    await expect(reading).rejects.toMatchObject({ name: "AbortError" });
    await expect(source.read(dialect.query, { signal: stop.signal })).rejects.toMatchObject({ name: "AbortError" });
  });

  it("uses its connections again, and a failed question does not cost one for ever", async () => {
    const { stub, source } = await connect(dialect.value(1));
    for (let turn = 0; turn < 20; turn += 1) await ask(source);
    // The next question may come before the end of the last answer has been noticed.
    expect(stub.connections()).toBeLessThanOrEqual(2);
    await Promise.all(Array.from({ length: 100 }, () => ask(source)));
    expect(stub.connections()).toBeLessThanOrEqual(16);
  });

  it("ends what is under way when it is closed", async () => {
    const { source } = await connect(never);
    const reading = ask(source);
    setImmediate(() => void source.close());
    expect(await reading).toMatchObject({ kind: "unreachable" });
  });

  describe.each(dialect.everyCredential)("with credentials", ({ more, credentials }) => {
    const { headers = {}, ...others } = credentials;
    const secrets = [...Object.values(others), ...Object.values(headers)];

    it("asks for the Secrets that hold them", () => {
      const block = provider.schema.parse(dialect.block("http://127.0.0.1", { more }));
      expect(provider.secrets(block)).toHaveLength(secrets.length);
    });

    it.each([200, 302, 400, 401, 422, 500])(
      "lets none out when a server repeats the request with %d",
      async (status) => {
        const { stub, source } = await connect(
          (request, response) => {
            const said =
              Object.values(request.headers).join(" ") + secrets.join(" ") + encodeURIComponent(secrets.join());
            const body = { status: "error", errorType: "bad_data", error: said, data: { resultType: said } };
            response.writeHead(status, {
              "content-type": "application/json",
              location: `/${encodeURIComponent(said)}`,
            });
            response.end(JSON.stringify(body));
          },
          { block: { more }, credentials },
        );
        const message = JSON.stringify(await ask(source));
        expect(stub.requests).toHaveLength(1);
        for (const secret of [...secrets, stub.requests[0]?.headers.authorization?.split(" ")[1] ?? "-"]) {
          for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
            expect(message).not.toContain(form);
          }
        }
      },
    );

    it("lets none out on any failure", async () => {
      await Promise.all(
        failures.map(async ({ respond, timeout = "5s" }) => {
          const { source } = await connect(respond, { block: { timeout, more }, credentials });
          const message = JSON.stringify(await ask(source));
          for (const secret of secrets) expect(message).not.toContain(secret);
        }),
      );
    });
  });

  describe("over TLS", () => {
    const authority = createAuthority("test authority");
    const server = authority.issue("server");
    const client = authority.issue("reader");

    it("trusts the given authority", async () => {
      const tls = { caSecretRef: { name: "tls", key: "ca" } };
      const { source } = await connect(dialect.value(1), {
        tls: server,
        block: { tls },
        credentials: { ...dialect.needs, ca: authority.cert },
      });
      expect(await ask(source)).toEqual({ kind: "value", value: 1 });
    });

    it("is unreachable, and says why, when the certificate is of somebody else", async () => {
      const { source } = await connect(dialect.value(1), { tls: server });
      expect(await ask(source)).toMatchObject({
        kind: "unreachable",
        message: expect.stringMatching(/certificate/) as string,
      });
      const other = createAuthority("other").cert;
      const second = await connect(dialect.value(1), { tls: server, credentials: { ...dialect.needs, ca: other } });
      expect((await ask(second.source)).kind).toBe("unreachable");
    });

    it("accepts any certificate when the user says so", async () => {
      const { source } = await connect(dialect.value(1), { tls: server, block: { tls: { insecureSkipVerify: true } } });
      expect(await ask(source)).toEqual({ kind: "value", value: 1 });
    });

    it("shows a client certificate", async () => {
      const { stub, source } = await connect(dialect.value(1), {
        tls: { ...server, clientAuthority: authority.cert },
        block: { tls: {} },
        credentials: { ...dialect.needs, ca: authority.cert, cert: client.cert, key: client.key },
      });
      expect(await ask(source)).toEqual({ kind: "value", value: 1 });
      expect(stub.requests[0]?.client).toBe("reader");
    });

    it("is unreachable without the client certificate that the server wants, or with one that is no PEM", async () => {
      const tls = { ...server, clientAuthority: authority.cert };
      const { source } = await connect(dialect.value(1), {
        tls,
        credentials: { ...dialect.needs, ca: authority.cert },
      });
      expect((await ask(source)).kind).toBe("unreachable");
      const broken = { ...dialect.needs, ca: authority.cert, cert: "no certificate", key: "no key" };
      const second = await connect(dialect.value(1), { tls, credentials: broken });
      expect(await ask(second.source)).toMatchObject({ kind: "unreachable" });
    });
  });
});
