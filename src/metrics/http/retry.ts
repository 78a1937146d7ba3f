/** Questions come again by themselves soon, so that a short pause is all that is worth waiting for. */
export const MAX_ATTEMPTS = 3;

export interface Refusal {
  readonly status: number | undefined;
  readonly header: (name: string) => string | undefined;
}

/**
 * How long a server that is busy asks to wait, in milliseconds; undefined when it does not, or when nobody who waits so
 * long gets an answer in time. Source: RFC 9110 section 10.2.3 (seconds or a date).
 */
export function pauseOf({ status, header }: Refusal, leftMs: number): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  const wanted = header("retry-after");
  if (wanted === undefined) return undefined;
  const ms = /^\d+$/.test(wanted.trim()) ? Number(wanted) * 1_000 : Date.parse(wanted) - Date.now();
  return Number.isFinite(ms) && ms < leftMs ? Math.max(0, ms) : undefined;
}

/** Waits, or ends at once when the signal says so. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
