import { isAbort } from "../lib/errors.ts";
import type { Clock } from "../lib/time.ts";
import { onAbort } from "./abort.ts";
import { backoffDelayMs } from "./backoff.ts";
import type { BackoffLimits } from "./backoff.ts";
import { isKubeError } from "./errors.ts";

/** What a run says about when to look again. */
export interface RunResult {
  /** Milliseconds; nothing is scheduled when left out. */
  readonly recheckAfterMs?: number;
}

export interface QueueFailure {
  readonly key: string;
  readonly error: unknown;
  /** Failures of this key in a row, this one included. */
  readonly failures: number;
  readonly retryInMs: number;
}

export interface QueueOptions {
  readonly clock: Clock;
  /** Keys that are worked on at the same time. */
  readonly workers: number;
  readonly run: (key: string, options: { readonly signal: AbortSignal }) => Promise<RunResult>;
  readonly onError?: (failure: QueueFailure) => void;
  /** Default 200 ms to 60 s. */
  readonly backoff?: BackoffLimits;
  /** Once aborted nothing is started any more and the signal of every run is aborted at once. */
  readonly signal?: AbortSignal;
  /** 0 up to 1; for tests. */
  readonly random?: () => number;
}

export interface QueueFigures {
  /** Keys that wait for a worker. */
  readonly depth: number;
  /** Milliseconds that the first of them has waited; 0 for none. */
  readonly oldestAgeMs: number;
  readonly running: number;
  /** Keys that come up at a known time. */
  readonly delayed: number;
  /** Runs that failed and were put back, since the start. */
  readonly retries: number;
}

export interface Queue {
  /** Runs `key` as soon as a worker is free; while it runs already, once more afterwards. */
  add(key: string): void;
  /** Runs `key` after a delay, or earlier when it was to come up earlier anyway. */
  addAfter(key: string, delayMs: number): void;
  /** Forgets a key's delay and failures, for an object that is gone. */
  forget(key: string): void;
  figures(): QueueFigures;
  /**
   * Starts nothing any more and lets what runs finish. At the deadline the signals of the rest are aborted.
   * @returns the number of runs that did not end by themselves.
   */
  stop(options: { readonly deadlineMs: number }): Promise<number>;
}

interface Delayed {
  readonly dueMs: number;
  readonly cancel: () => void;
}

interface QueueState {
  /** Keys that wait for a worker, and since when; a Map keeps the order in which they came. */
  readonly ready: Map<string, number>;
  /** Keys in work; `true` when one was added meanwhile. */
  readonly running: Map<string, boolean>;
  readonly delayed: Map<string, Delayed>;
  readonly failures: Map<string, number>;
  readonly stopping: AbortController;
  stopped: boolean;
  retries: number;
  /** Called when a run has ended. */
  onIdle: (() => void) | undefined;
}

const DEFAULT_BACKOFF = { minMs: 200, maxMs: 60_000 };

export function createQueue(options: QueueOptions): Queue {
  const state: QueueState = {
    ready: new Map(),
    running: new Map(),
    delayed: new Map(),
    failures: new Map(),
    stopping: new AbortController(),
    stopped: false,
    retries: 0,
    onIdle: undefined,
  };
  const schedule = createScheduler(options, state);
  const unsubscribe = onAbort(options.signal, () => {
    close(state);
    state.stopping.abort(options.signal?.reason);
  });
  return {
    add: schedule.add,
    addAfter: schedule.addAfter,
    forget(key) {
      dropDelay(state, key);
      state.failures.delete(key);
    },
    figures: () => figuresOf(state, options.clock.now()),
    async stop({ deadlineMs }) {
      close(state);
      const left = await drain(state, options.clock, deadlineMs);
      unsubscribe();
      return left;
    },
  };
}

interface Scheduler {
  add(key: string): void;
  addAfter(key: string, delayMs: number): void;
}

function createScheduler(options: QueueOptions, state: QueueState): Scheduler {
  const { clock, workers, run, onError, backoff = DEFAULT_BACKOFF, random = Math.random } = options;
  let pumping = false;

  /** In a turn of its own, so that a caller is never inside a run, and runs that never wait let I/O through. */
  const pump = (): void => {
    if (pumping || state.stopped || state.ready.size === 0 || state.running.size >= workers) return;
    pumping = true;
    setImmediate(() => {
      pumping = false;
      for (const key of state.ready.keys()) {
        if (state.stopped || state.running.size >= workers) break;
        state.ready.delete(key);
        state.running.set(key, false);
        void work(key);
      }
    });
  };

  const add = (key: string): void => {
    if (state.stopped) return;
    dropDelay(state, key);
    if (state.running.has(key)) state.running.set(key, true);
    else if (!state.ready.has(key)) state.ready.set(key, clock.now());
    pump();
  };

  const addAfter = (key: string, delayMs: number): void => {
    if (delayMs <= 0) return add(key);
    if (state.stopped || state.ready.has(key) || state.running.get(key) === true) return;
    const dueMs = clock.now() + delayMs;
    if ((state.delayed.get(key)?.dueMs ?? Infinity) <= dueMs) return;
    dropDelay(state, key);
    const cancel = clock.after(delayMs, () => {
      add(key);
    });
    state.delayed.set(key, { dueMs, cancel });
  };

  const work = async (key: string): Promise<void> => {
    let againInMs: number | undefined;
    try {
      const result = await run(key, { signal: state.stopping.signal });
      state.failures.delete(key);
      againInMs = result.recheckAfterMs;
    } catch (error) {
      if (!(state.stopped && isAbort(error))) againInMs = failed(key, error);
    }
    const again = state.running.get(key) === true;
    state.running.delete(key);
    if (again) add(key);
    else if (againInMs !== undefined) addAfter(key, againInMs);
    state.onIdle?.();
    pump();
  };

  const failed = (key: string, error: unknown): number => {
    const failures = (state.failures.get(key) ?? 0) + 1;
    state.failures.set(key, failures);
    state.retries += 1;
    const retryAfterMs = isKubeError(error) ? (error.retryAfterMs ?? 0) : 0;
    const retryInMs = backoffDelayMs(failures, backoff, { random, retryAfterMs });
    // Told in a turn of its own: whatever it throws must not keep the key from its next run.
    queueMicrotask(() => onError?.({ key, error, failures, retryInMs }));
    return retryInMs;
  };

  return { add, addAfter };
}

function dropDelay(state: QueueState, key: string): void {
  state.delayed.get(key)?.cancel();
  state.delayed.delete(key);
}

function close(state: QueueState): void {
  state.stopped = true;
  state.ready.clear();
  for (const key of [...state.delayed.keys()]) dropDelay(state, key);
}

async function drain(state: QueueState, clock: Clock, deadlineMs: number): Promise<number> {
  if (state.running.size === 0) return 0;
  await new Promise<void>((resolve) => {
    const cancel = clock.after(deadlineMs, resolve);
    state.onIdle = () => {
      if (state.running.size > 0) return;
      cancel();
      resolve();
    };
  });
  state.onIdle = undefined;
  const left = state.running.size;
  if (left > 0) state.stopping.abort();
  return left;
}

function figuresOf(state: QueueState, nowMs: number): QueueFigures {
  const oldest = state.ready.values().next();
  return {
    depth: state.ready.size,
    oldestAgeMs: oldest.done === true ? 0 : Math.max(0, nowMs - oldest.value),
    running: state.running.size,
    delayed: state.delayed.size,
    retries: state.retries,
  };
}
