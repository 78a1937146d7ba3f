import { Agent, request as httpRequest } from "node:http";
import { GATEWAY_HEADER } from "./gateway/headers.ts";

export interface LoadOptions {
  /** Where the requests go, such as the gateway's address. */
  readonly url: string;
  /** The `Host` header; the address's own when left out. */
  readonly host?: string;
  /** Requests a second. */
  readonly rps: number;
  /** Requests under way at most; what is due beyond that is skipped and counted. Default 200. */
  readonly maxInFlight?: number;
  /** Milliseconds after which an answer is given up. Default 10 s. */
  readonly timeoutMs?: number;
  /** Called after each answer. */
  readonly onAnswer?: (answer: LoadAnswer) => void;
}

export interface LoadAnswer {
  /** What `x-version` said; undefined when no version answered. */
  readonly version: string | undefined;
  /** 0 when there was no answer at all. */
  readonly status: number;
  /** The gateway, not an application, made this answer, or nothing did. Errors of an application are not its fault. */
  readonly failedByGateway: boolean;
}

export interface LoadCounts {
  readonly requests: number;
  readonly byVersion: Readonly<Record<string, { readonly requests: number; readonly errors: number }>>;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly failedByGateway: number;
  /** Requests that were due but not sent, because too many were under way. */
  readonly skipped: number;
}

export interface Load {
  counts(): LoadCounts;
  /** Sends no more and resolves with the final counts when the last answer is in. */
  stop(): Promise<LoadCounts>;
}

const TICK_MS = 10;
/** After a stall of the process the load goes on at its rate; it does not make up for more than this time. */
const MAX_CATCH_UP_MS = 500;

/** Sends requests at a fixed rate, however long the answers take, and counts what comes back. */
export function startLoad(options: LoadOptions): Load {
  const { rps, maxInFlight = 200, onAnswer } = options;
  const agent = new Agent({ keepAlive: true, maxFreeSockets: maxInFlight });
  const tally = createTally();
  const inFlight = new Set<Promise<void>>();
  let due = 0;
  let lastMs = performance.now();

  const send = (): void => {
    const answered = ask(options, agent).then((answer) => {
      inFlight.delete(answered);
      tally.add(answer);
      onAnswer?.(answer);
    });
    inFlight.add(answered);
  };
  const timer = setInterval(() => {
    const nowMs = performance.now();
    due += (Math.min(nowMs - lastMs, MAX_CATCH_UP_MS) * rps) / 1_000;
    lastMs = nowMs;
    for (; due >= 1; due -= 1) {
      if (inFlight.size < maxInFlight) send();
      else tally.skip();
    }
  }, TICK_MS);

  return {
    counts: () => tally.counts(),
    async stop() {
      clearInterval(timer);
      await Promise.all(inFlight);
      agent.destroy();
      return tally.counts();
    },
  };
}

function createTally() {
  const byVersion: Record<string, { requests: number; errors: number }> = {};
  const byStatus: Record<string, number> = {};
  let requests = 0;
  let failedByGateway = 0;
  let skipped = 0;
  return {
    add({ version, status, failedByGateway: failed }: LoadAnswer): void {
      requests += 1;
      byStatus[status] = (byStatus[status] ?? 0) + 1;
      if (failed) failedByGateway += 1;
      if (version === undefined) return;
      const counts = (byVersion[version] ??= { requests: 0, errors: 0 });
      counts.requests += 1;
      if (status >= 500) counts.errors += 1;
    },
    skip(): void {
      skipped += 1;
    },
    counts: (): LoadCounts => structuredClone({ requests, byVersion, byStatus, failedByGateway, skipped }),
  };
}

/** One request of its own, on a connection of its own. */
export async function askOnce(options: Omit<LoadOptions, "rps">): Promise<LoadAnswer> {
  const agent = new Agent();
  const answer = await ask({ ...options, rps: 1 }, agent);
  agent.destroy();
  return answer;
}

/** One request. Never rejects. */
function ask({ url, host, timeoutMs = 10_000 }: LoadOptions, agent: Agent): Promise<LoadAnswer> {
  const { promise, resolve } = Promise.withResolvers<LoadAnswer>();
  const headers = host === undefined ? {} : { host };
  const lost = (): void => {
    resolve({ version: undefined, status: 0, failedByGateway: true });
  };
  const outgoing = httpRequest(url, { agent, headers, timeout: timeoutMs }, (answer) => {
    const { statusCode: status = 0 } = answer;
    const version = answer.headers["x-version"];
    answer.resume();
    answer.once("error", lost);
    answer.once("end", () => {
      resolve({
        version: typeof version === "string" ? version : undefined,
        status,
        failedByGateway: answer.headers[GATEWAY_HEADER] !== undefined,
      });
    });
  });
  outgoing.once("timeout", () => outgoing.destroy(new Error("no answer in time")));
  outgoing.once("error", lost);
  outgoing.end();
  return promise;
}
