import type { Clock } from "../../lib/time.ts";

/** Does things a fixed time later, in the order in which they were asked for. */
export interface Delay {
  run(task: () => void): void;
  /** Forgets what has not been done yet. */
  stop(): void;
}

/** With a delay of 0 ms things are done at once. */
export function createDelay(clock: Clock, delayMs: number): Delay {
  const pending = new Set<() => void>();
  return {
    run(task) {
      if (delayMs === 0) {
        task();
        return;
      }
      const cancel = clock.after(delayMs, () => {
        pending.delete(cancel);
        task();
      });
      pending.add(cancel);
    },
    stop() {
      for (const cancel of pending) cancel();
      pending.clear();
    },
  };
}
