import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../lib/time.ts";

/** A clock that stands still until somebody moves it: for tests and simulation. */
export interface VirtualClock extends Clock {
  /**
   * Moves time forward by `milliseconds`. Timers that become due fire in the order of their due times (of equal ones,
   * the earlier made first), each at its own `now()`, also those that are made on the way; between two of them, before
   * the first and after the last, pending promises settle.
   */
  advance(milliseconds: number): Promise<void>;
  /** Advances in steps of `stepMs` until `condition` holds. @throws Error when it does not within `limitMs`. */
  advanceUntil(
    condition: () => boolean,
    options?: { readonly stepMs?: number; readonly limitMs?: number },
  ): Promise<void>;
  /** Timers that wait; 0 shows that nothing was left running. */
  pending(): number;
}

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Turns of the event loop after which a chain of promises is taken to have settled. */
const SETTLE_TURNS = 10;

/** Lets pending promises, and what they start, run. */
export async function settle(turns = SETTLE_TURNS): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await nextTurn();
}

export function createVirtualClock(startMs = Date.UTC(2026, 0, 1)): VirtualClock {
  const timers = new Set<Timer>();
  let now = startMs;
  let made = 0;

  const nextDue = (limitMs: number): Timer | undefined => {
    let next: Timer | undefined;
    for (const timer of timers) {
      if (timer.dueMs > limitMs) continue;
      if (next === undefined || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order)) {
        next = timer;
      }
    }
    return next;
  };

  const advance = async (milliseconds: number): Promise<void> => {
    const target = now + milliseconds;
    await settle();
    for (let timer = nextDue(target); timer !== undefined; timer = nextDue(target)) {
      timers.delete(timer);
      now = Math.max(now, timer.dueMs);
      timer.callback();
      await settle();
    }
    now = target;
  };

  return {
    now: () => now,
    after(delayMs, callback) {
      const timer: Timer = { dueMs: now + Math.max(0, delayMs), order: made++, callback };
      timers.add(timer);
      return () => {
        timers.delete(timer);
      };
    },
    advance,
    async advanceUntil(condition, { stepMs = 100, limitMs = 3_600_000 } = {}) {
      const end = now + limitMs;
      await settle();
      while (!condition()) {
        if (now >= end) throw new Error(`the condition did not hold within ${limitMs} ms of virtual time`);
        await advance(stepMs);
      }
    },
    pending: () => timers.size,
  };
}
