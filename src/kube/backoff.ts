/** Bounds of a back-off, in milliseconds. */
export interface BackoffLimits {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * Delay before the attempt that follows `failures` failures in a row (1 or more): doubles each time, and is spread over
 * its upper half so that many clients do not come back together. Between `minMs` and `maxMs`, but never less than what
 * the server asked for.
 */
export function backoffDelayMs(
  failures: number,
  { minMs, maxMs }: BackoffLimits,
  { random = Math.random, retryAfterMs = 0 }: { readonly random?: () => number; readonly retryAfterMs?: number } = {},
): number {
  const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(failures, 30));
  const delay = Math.max(minMs, ceiling * (0.5 + random() / 2));
  return Math.max(delay, retryAfterMs);
}
