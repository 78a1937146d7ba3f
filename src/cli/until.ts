import { abortError, onAbort } from "../kube/abort.ts";
import type { Clock } from "../lib/time.ts";

/** Lets a loop sleep until something has changed. */
export interface Changes {
  /** To be called at every change; one that nobody waits for is remembered. */
  note(): void;
  /** Ends the waiting with an error. */
  fail(error: unknown): void;
  /** Resolves at the next change, or after `limitMs`. @throws AbortError as soon as the signal is aborted. */
  next(limitMs: number): Promise<void>;
}

export function createChanges(clock: Clock, signal: AbortSignal): Changes {
  let noted = false;
  let failure: { readonly error: unknown } | undefined;
  let wake: (() => void) | undefined;
  const rouse = (): void => {
    wake?.();
  };
  return {
    note() {
      noted = true;
      rouse();
    },
    fail(error) {
      failure ??= { error };
      rouse();
    },
    async next(limitMs) {
      if (!noted && failure === undefined && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const unsubscribe = onAbort(signal, resolve);
          const cancel = clock.after(limitMs, resolve);
          wake = () => {
            unsubscribe();
            cancel();
            resolve();
          };
        });
        wake?.();
        wake = undefined;
      }
      noted = false;
      if (signal.aborted) throw abortError(signal);
      if (failure !== undefined) throw failure.error;
    },
  };
}
