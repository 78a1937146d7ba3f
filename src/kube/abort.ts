import type { Clock } from "../lib/time.ts";

/** The error that ends a call whose signal was aborted; keeps the signal's reason as its cause. */
export function abortError(signal?: AbortSignal, message = "the operation was aborted"): Error {
  const reason: unknown = signal?.reason;
  if (reason instanceof Error && reason.name === "AbortError") return reason;
  const error = new Error(message, { cause: reason });
  error.name = "AbortError";
  return error;
}

/** Calls `callback` when `signal` is aborted, at once when it is already; the returned function unsubscribes. */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    callback();
    return () => {};
  }
  signal.addEventListener("abort", callback, { once: true });
  return () => {
    signal.removeEventListener("abort", callback);
  };
}

/** Waits on `clock`. @throws AbortError as soon as `signal` is aborted. */
export async function sleep(clock: Clock, milliseconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) throw abortError(signal);
  await new Promise<void>((resolve, reject) => {
    const cancel = clock.after(milliseconds, () => {
      unsubscribe();
      resolve();
    });
    const unsubscribe = onAbort(signal, () => {
      cancel();
      reject(abortError(signal));
    });
  });
}
