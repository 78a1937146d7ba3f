import type { Clock } from "./time.ts";

/** Says yes at most `count` times within `periodMs`, counted from the first yes of each period. */
export function createAllowance(
  clock: Clock,
  { count, periodMs }: { readonly count: number; readonly periodMs: number },
): () => boolean {
  let period = { since: 0, granted: 0 };
  return () => {
    const now = clock.now();
    // A clock that was put back must not silence anybody.
    if (now - period.since >= periodMs || now < period.since) period = { since: now, granted: 0 };
    if (period.granted >= count) return false;
    period.granted += 1;
    return true;
  };
}
