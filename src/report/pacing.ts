import { createAllowance } from "../lib/allowance.ts";
import type { Clock } from "../lib/time.ts";
import { createTurns } from "../lib/turns.ts";

/** Words alone are written at most so often for one Canary, in milliseconds. */
const PERIOD_MS = 1_000;
/** And so often within that time for all of them together. */
const SHARED = 8;

/**
 * Holds back status writes in which nothing but words would change. While many canaries wait for their pods, each
 * such write takes the API server as long as a pod's own progress does, and the next one replaces it anyway.
 */
export interface Pacing {
  /** Milliseconds after which to ask again whether words alone may be written for this Canary; 0 when they may now. */
  wordsIn(key: string): number;
  wrote(key: string): void;
  forget(key: string): void;
  /**
   * Runs a status write when its turn has come. Traffic and pods go first: when many canaries move at once, few of the
   * API server's hands are kept busy with telling about it.
   */
  turn<T>(write: () => Promise<T>): Promise<T>;
}

/** Status writes under way at the same time. */
const WIDTH = 4;

export function createPacing(clock: Clock): Pacing {
  const writtenAt = new Map<string, number>();
  const turn = createTurns(WIDTH);
  const mayTell = createAllowance(clock, { count: SHARED, periodMs: PERIOD_MS });
  return {
    wordsIn(key) {
      const now = clock.now();
      // A clock that was put back must not silence a Canary, hence the upper bound.
      const own = (writtenAt.get(key) ?? 0) + PERIOD_MS - now;
      if (own > 0 && own <= PERIOD_MS) return own;
      return mayTell() ? 0 : PERIOD_MS;
    },
    wrote(key) {
      writtenAt.set(key, clock.now());
    },
    forget(key) {
      writtenAt.delete(key);
    },
    turn,
  };
}
