import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent, request } from "node:https";
import type { AddressInfo } from "node:net";

/** A write on its way to the API server. */
export interface Write {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly body: unknown;
}

/** What becomes of a write: `lost` never reaches the API server, `unanswered` does, but nobody hears of it. */
export type Fate = "passes" | "lost" | "unanswered";

export interface WriteProxy {
  readonly url: string;
  close(): Promise<void>;
}

interface ProxyOptions {
  readonly url: string;
  readonly caFile: string;
  readonly fate: (write: Write) => Fate;
  /** Called at the moment when a write was lost, or stored without an answer. */
  readonly onCut: () => void;
}

/** Stands between a controller and the API server, and decides at every write whether the controller outlives it. */
export async function startWriteProxy(options: ProxyOptions): Promise<WriteProxy> {
  const agent = new Agent({ keepAlive: true, ca: readFileSync(options.caFile) });
  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing, { ...options, agent }).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
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

async function handle(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { url, agent, fate, onCut }: ProxyOptions & { readonly agent: Agent },
): Promise<void> {
  const { method = "GET", url: target = "/" } = incoming;
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const decided = method === "GET" ? "passes" : fate({ method, path: pathOf(target), body: parse(body) });
  if (decided === "lost") {
    onCut();
    outgoing.destroy();
    return;
  }
  const { host: _host, "transfer-encoding": _encoding, ...headers } = incoming.headers;
  const forwarded = request(new URL(target, url), { method, agent, headers });
  forwarded.once("error", () => outgoing.destroy());
  outgoing.once("close", () => forwarded.destroy());
  forwarded.once("response", (answer) => {
    if (decided === "unanswered") {
      onCut();
      answer.resume();
      outgoing.destroy();
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    outgoing.flushHeaders();
    answer.once("error", () => outgoing.destroy());
    answer.pipe(outgoing);
  });
  forwarded.end(body);
}

function pathOf(target: string): string {
  return new URL(target, "http://proxy").pathname;
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** A write in a few words, the same for the same change: `PATCH deployments/web replicas=1`. */
export function describeWrite({ method, path, body }: Write): string {
  const what = path.replace(/^\/apis?\/([^/]+\/)?v[^/]+\//, "").replace(/^namespaces\/[^/]+\//, "");
  if (what.startsWith("events")) return `${method} events`;
  return `${method} ${what.replace(/canaryactions\/[^/]+/, "canaryactions")}${summary(body)}`;
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

function summary(body: unknown): string {
  if (Array.isArray(body)) {
    return (body as Operation[])
      .filter(({ op }) => op !== "test")
      .map(({ op, path, value }) => ` ${op} ${path}${shown(value)}`)
      .join("");
  }
  const applied = body as { readonly kind?: string; readonly spec?: { readonly template?: unknown } } | undefined;
  const annotations = (body as { metadata?: { annotations?: Record<string, string> } } | undefined)?.metadata
    ?.annotations;
  if (applied?.kind === "Deployment") return ` ${annotations?.["aviary.dev/revision"] ?? ""}`;
  return "";
}

/** A status is told apart by the rule that wrote it. */
function shown(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return `=${value}`;
  const status = value as { readonly why?: { readonly rule?: string }; readonly weight?: number } | undefined;
  return status?.why === undefined ? "" : ` ${status.why.rule ?? ""} at ${status.weight ?? 0}`;
}
