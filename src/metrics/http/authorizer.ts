import type { Credentials } from "../provider.ts";
import type { Endpoint } from "./endpoint.ts";

/** A request as it goes out, without what shows who asks. */
export interface Outgoing {
  readonly method: "GET" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

/** Makes the headers by which a back-end knows who asks. */
export interface Authorizer {
  /**
   * The headers of a request, those of the block included.
   * @throws AuthorizationError when there are no credentials to show
   */
  authorize(request: Outgoing, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** Texts made of credentials by now, which must reach no message. */
  secrets(): readonly string[];
}

/** Nobody could be asked, since there is nothing to show. The message is for people and holds no secret. */
export class AuthorizationError extends Error {}

/** Shows what the Secrets hold: a token, a password, headers. `scheme` is what stands before a token. */
export function plainAuthorizer(endpoint: Endpoint, credentials: Credentials, scheme = "Bearer"): Authorizer {
  const authorization = authorizationOf(endpoint, credentials, scheme);
  // Credentials come last: a header of the block cannot replace them.
  const headers = {
    ...plainHeaders(endpoint),
    ...Object.fromEntries(Object.entries(credentials.headers ?? {}).map(([name, value]) => [name, value.trim()])),
    ...(authorization === undefined ? {} : { Authorization: authorization }),
  };
  const secrets = [
    ...Object.values(credentials.headers ?? {}),
    ...(authorization === undefined ? [] : [authorization]),
  ];
  return { authorize: () => Promise.resolve(headers), secrets: () => secrets };
}

/** The headers of a block that are no secret. */
function plainHeaders({ headers = [] }: Endpoint): Readonly<Record<string, string>> {
  return Object.fromEntries(headers.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}

function authorizationOf(endpoint: Endpoint, credentials: Credentials, scheme: string): string | undefined {
  if (credentials.bearerToken !== undefined) return `${scheme} ${credentials.bearerToken.trim()}`;
  if (credentials.password === undefined) return undefined;
  const username = credentials.username ?? endpoint.basicAuth?.username ?? "";
  return `Basic ${Buffer.from(`${username}:${credentials.password}`).toString("base64")}`;
}

/** Texts that were shown lately, by which messages are cleaned. Older ones are worth nothing any more. */
export interface Shown {
  add(text: string | undefined): void;
  all(): readonly string[];
}

const MAX_SHOWN = 64;

export function createShown(): Shown {
  const texts = new Set<string>();
  return {
    add(text) {
      if (text === undefined) return;
      texts.delete(text);
      texts.add(text);
      const [oldest] = texts;
      if (texts.size > MAX_SHOWN && oldest !== undefined) texts.delete(oldest);
    },
    all: () => [...texts],
  };
}
