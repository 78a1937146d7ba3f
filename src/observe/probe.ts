import type { ProbeEvidence } from "../api/evidence.ts";

/** What a handful of requests through the data plane met. */
export interface ProbeAnswer {
  readonly sent: number;
  /** Answers of the canary. */
  readonly hits: number;
  /** Answers at all, whoever gave them. */
  readonly answered: number;
}

/** Sends the requests of a probe. Never rejects but by abort: a request without an answer is counted. */
export type Probe = (probe: ProbeEvidence, signal: AbortSignal) => Promise<ProbeAnswer>;

const REQUEST_TIMEOUT_MS = 2_000;
/** Requests at the same time. */
const PARALLEL = 5;

/**
 * Asks over a new connection each time: a gateway may keep all requests of one connection where the first one went.
 * Bodies are not read, redirects not followed, and nothing of an answer but that one header is looked at.
 */
export const probeOverHttp: Probe = async (probe, signal) => {
  let left = probe.requests;
  let answered = 0;
  let hits = 0;
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const value = await headerOf(probe, signal);
      if (value === undefined) continue;
      answered += 1;
      if (value === probe.value) hits += 1;
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, probe.requests) }, work));
  return { sent: probe.requests, hits, answered };
};

/** The header of one answer, empty when it has none; undefined without an answer. */
async function headerOf({ url, host, header }: ProbeEvidence, signal: AbortSignal): Promise<string | undefined> {
  signal.throwIfAborted();
  const { Agent, request } = await import("undici");
  const dispatcher = new Agent({ pipelining: 0 });
  try {
    const answer = await request(url, {
      dispatcher,
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
      headers: host === undefined ? {} : { host },
    });
    const value = answer.headers[header.toLowerCase()];
    answer.body.on("error", () => undefined).destroy();
    return Array.isArray(value) ? value.join(", ") : (value ?? "");
  } catch {
    signal.throwIfAborted();
    return undefined;
  } finally {
    await dispatcher.destroy();
  }
}
