import { ExecAuth } from "@kubernetes/client-node/dist/exec_auth.js";
import { systemClock } from "../lib/time.ts";
import type { Clock } from "../lib/time.ts";
import { readCredentials } from "./credentials.ts";
import type { TlsMaterial } from "./credentials.ts";
import { createLightDispatcher } from "./dispatcher.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { loadContext } from "./kubeconfig.ts";
import type { KubeconfigSource, KubeContext } from "./kubeconfig.ts";

/** How to send one request now. */
export interface Access {
  readonly dispatcher: Dispatcher;
  /** Lower-case names; holds the credentials, so never to be logged. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The way to one API server, shared by every client of the process: one pool of connections for each credential. */
export interface Connection {
  /** Scheme, host and port. */
  readonly origin: string;
  /** What goes before every path, for servers behind a prefix; empty mostly. */
  readonly basePath: string;
  /** Namespace of the kubeconfig's context or of the Pod. */
  readonly namespace?: string;
  /**
   * Credentials that are at most half a minute old. `renew` reads them again at once: the server refused the old ones.
   * @throws Error when a file cannot be read or the exec plug-in fails.
   */
  access(options?: { readonly renew?: boolean }): Promise<Access>;
  /** Ends all connections, also those in use. */
  close(): Promise<void>;
}

export interface ConnectOptions extends KubeconfigSource {
  /** Where KUBECONFIG and the Pod's API server are looked up, and what exec plug-ins inherit. */
  readonly env?: NodeJS.ProcessEnv;
  readonly clock?: Clock;
  /** For a process that asks a few times and ends: Node's own client, which starts faster, unless there is a proxy. */
  readonly light?: boolean;
}

/** How long credentials are used before they are read again. Service account tokens rotate 20 % before their end. */
const CREDENTIALS_MAX_AGE_MS = 30_000;
/** Each watch holds a connection for itself; the rest is more than an API server answers at once. */
const MAX_CONNECTIONS = 96;
const CONNECT_TIMEOUT_MS = 10_000;
/** Below the 90 s after which an API server closes an idle connection. */
const KEEP_ALIVE_MS = 60_000;
const MAX_HEADER_BYTES = 64 * 1024;

/** @throws Error that names what is missing when there is no usable kubeconfig. */
export async function connect(options: ConnectOptions = {}): Promise<Connection> {
  const { env = {}, clock = systemClock } = options;
  let context = await loadContext(options, env);
  const url = new URL(context.cluster.server);
  let exec = new ExecAuth();
  let held: { readonly access: Access; readonly tlsKey: string; readonly readAt: number } | undefined;
  let reading: Promise<Access> | undefined;

  const read = async (renew: boolean): Promise<Access> => {
    if (renew) exec = new ExecAuth();
    context = await loadContext(options, env);
    const { headers, tls } = await readCredentials(context, exec);
    const tlsKey = JSON.stringify(tls);
    const reuse = held !== undefined && held.tlsKey === tlsKey ? held.access.dispatcher : undefined;
    const dispatcher = reuse ?? (await createDispatcher(context, tls, options.light === true));
    const replaced = held !== undefined && reuse === undefined ? held.access.dispatcher : undefined;
    held = { access: { dispatcher, headers }, tlsKey, readAt: clock.now() };
    // Calls in flight, watches among them, end on the old connections; nothing new starts there.
    replaced?.close().catch(() => undefined);
    return held.access;
  };

  return {
    origin: url.origin,
    basePath: url.pathname.replace(/\/+$/, ""),
    ...(context.namespace === undefined ? {} : { namespace: context.namespace }),
    async access({ renew = false } = {}) {
      const ageMs = held === undefined ? Infinity : Math.abs(clock.now() - held.readAt);
      if (held !== undefined && !renew && ageMs < CREDENTIALS_MAX_AGE_MS) return held.access;
      reading ??= read(renew).finally(() => {
        reading = undefined;
      });
      return reading;
    },
    async close() {
      await held?.access.dispatcher.destroy();
    },
  };
}

async function createDispatcher({ cluster }: KubeContext, tls: TlsMaterial, light: boolean): Promise<Dispatcher> {
  if (light && !cluster.proxyUrl) return createLightDispatcher(cluster.server, tls);
  const { Agent, ProxyAgent, Socks5ProxyAgent } = await import("undici");
  const connectOptions = { ...tls, keepAlive: true, keepAliveInitialDelay: 30_000, timeout: CONNECT_TIMEOUT_MS };
  const pool = {
    allowH2: false,
    connections: MAX_CONNECTIONS,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  if (!cluster.proxyUrl) return new Agent({ ...pool, connect: connectOptions });
  if (cluster.proxyUrl.startsWith("socks")) {
    return new Socks5ProxyAgent(cluster.proxyUrl, { ...pool, requestTls: tls });
  }
  return new ProxyAgent({ ...pool, uri: cluster.proxyUrl, requestTls: tls });
}
