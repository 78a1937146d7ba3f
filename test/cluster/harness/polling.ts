import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";

export interface WaitOptions<T> {
  /** 60 000 ms when left out. */
  readonly timeoutMs?: number;
  /** 50 ms when left out. */
  readonly intervalMs?: number;
  /** What is waited for; any truthy value when left out. */
  readonly until?: (value: T) => boolean;
  readonly signal?: AbortSignal;
}

/**
 * Observes again and again until the value is what is waited for, and returns it. An observation that throws counts
 * as "not yet". On time-out it throws with the description and the last value (or error) seen.
 */
export async function waitFor<T>(
  description: string,
  observe: () => T | Promise<T>,
  options: WaitOptions<T> = {},
): Promise<NonNullable<T>> {
  const { timeoutMs = 60_000, intervalMs = 50, until = Boolean, signal } = options;
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const value = await observe();
      last = value;
      if (until(value)) return value as NonNullable<T>;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= deadline) break;
    await sleep(intervalMs, undefined, { signal });
  }
  const cause = last instanceof Error ? { cause: last } : {};
  throw new Error(`waited ${timeoutMs} ms for ${description}; last seen: ${describe(last)}`, cause);
}

function describe(value: unknown): string {
  if (value instanceof Error) return value.message;
  // Half of a Kubernetes object, and never what one looks for.
  const shown = JSON.stringify(value, (key, field: unknown) => (key === "managedFields" ? undefined : field));
  return inspect(shown === undefined ? value : JSON.parse(shown), { depth: 12, maxStringLength: 500 });
}
