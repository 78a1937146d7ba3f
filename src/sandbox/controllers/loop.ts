import { messageOf } from "../../lib/errors.ts";
import type { Clock } from "../../lib/time.ts";

/** Looks at one key and brings the world closer to what it says; answers in how many milliseconds to look again. */
export type Reconcile = (key: string) => Promise<number | undefined>;

export interface Loop {
  /** Asks for a look at `key`. Asking again before the look has begun changes nothing. */
  add(key: string): void;
  /** Ends all timers and resolves when no look is under way any more. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly reconcile: Reconcile;
  readonly log: (message: string) => void;
}

const FIRST_RETRY_MS = 20;
const MAX_RETRY_MS = 5_000;

/** Runs `reconcile` for keys: never twice at once for one key, again after errors with a growing delay. */
export function createLoop({ name, clock, reconcile, log }: LoopOptions): Loop {
  const running = new Map<string, Promise<void>>();
  const dirty = new Set<string>();
  const timers = createTimers(clock, (key) => {
    add(key);
  });
  const failures = new Map<string, number>();
  let stopped = false;

  const look = async (key: string): Promise<void> => {
    try {
      const again = await reconcile(key);
      failures.delete(key);
      if (again !== undefined && !stopped) timers.set(key, again);
    } catch (error) {
      if (stopped) return;
      const failed = (failures.get(key) ?? 0) + 1;
      failures.set(key, failed);
      if (failed > 3) log(`${name} ${key}: ${messageOf(error)}`);
      timers.set(key, Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failed));
    }
  };

  const run = async (key: string): Promise<void> => {
    // Several changes that arrive together are one look.
    await Promise.resolve();
    while (dirty.delete(key) && !stopped) await look(key);
    running.delete(key);
  };

  const add = (key: string): void => {
    if (stopped) return;
    dirty.add(key);
    if (!running.has(key)) running.set(key, run(key));
  };

  return {
    add,
    async stop() {
      stopped = true;
      timers.clear();
      await Promise.all(running.values());
    },
  };
}

/** One timer a key; setting it anew replaces it. */
function createTimers(clock: Clock, due: (key: string) => void) {
  const timers = new Map<string, () => void>();
  return {
    set(key: string, delayMs: number): void {
      timers.get(key)?.();
      const cancel = clock.after(delayMs, () => {
        timers.delete(key);
        due(key);
      });
      timers.set(key, cancel);
    },
    clear(): void {
      for (const cancel of timers.values()) cancel();
      timers.clear();
    },
  };
}
