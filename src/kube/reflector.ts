import { isAbort } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { Clock } from "../lib/time.ts";
import { sleep } from "./abort.ts";
import { backoffDelayMs } from "./backoff.ts";
import { isKubeError } from "./errors.ts";
import type { Kube, KubeObject, ResourceKind } from "./port.ts";

/** Where a reflector puts what it learns. Nothing in it may throw. */
export interface ReflectorSink<T extends KubeObject> {
  /** The whole of what there is. */
  listed(objects: readonly T[]): void;
  changed(object: T): void;
  deleted(object: T): void;
  /** The API server does not serve the kind. */
  absent(): void;
  /** What there is cannot be read; it is tried again. */
  failed(error: unknown): void;
  /** The server was heard of. */
  contact(): void;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly kube: Kube;
  readonly kind: ResourceKind;
  readonly clock: Clock;
  readonly sink: ReflectorSink<T>;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** The one namespace that is looked at; all when left out. */
  readonly namespace?: string;
  /** The one object that is looked at; all when left out. */
  readonly name?: string;
  /** 0 up to 1; for tests. */
  readonly random?: () => number;
}

const BACKOFF = { minMs: 500, maxMs: 30_000 };
/** How often a kind that is not served is looked for. */
const ABSENT_RETRY_MS = 30_000;
/** The server ends each watch after a random time in this range, so that those of a restart do not stay in step. */
const WATCH_SECONDS = { min: 300, max: 600 };
/** A watch that lived as long as this, or brought an object, may be opened again at once. */
const FRUITFUL_MS = 1_000;
/** A watch that broke after as long as this is no sign that the server is in trouble. */
const HEALTHY_MS = 10_000;

/**
 * Keeps `sink` in step with the API server until the signal is aborted: one list, then watches, each from where the last
 * one ended, however it ended. A new list only when the server no longer knows that point (410).
 */
export async function runReflector<T extends KubeObject>(options: ReflectorOptions<T>): Promise<void> {
  const { kind, clock, sink, log, signal, random = Math.random } = options;
  const state: Position = { resourceVersion: undefined, failures: 0, absent: false };
  while (!signal.aborted) {
    let delayMs = 0;
    const startedMs = clock.now();
    try {
      const brought = await listOrWatch(options, state, random);
      if (!brought && clock.now() - startedMs < FRUITFUL_MS) {
        delayMs = backoffDelayMs(++state.failures, BACKOFF, { random });
      }
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      if (clock.now() - startedMs >= HEALTHY_MS) state.failures = 0;
      delayMs = afterError(error, state, random);
      if (isKubeError(error, "NotFound")) {
        sink.absent();
        if (!state.absent) log.info({ kind: kind.kind }, "the API server does not serve this kind");
        state.absent = true;
      } else {
        sink.failed(error);
        log.warn({ kind: kind.kind, err: error, retryInMs: delayMs }, "watch interrupted");
      }
    }
    if (delayMs > 0) await sleep(clock, delayMs, signal).catch(() => undefined);
  }
}

interface Position {
  /** Where the next watch starts; `undefined` asks for a list first. */
  resourceVersion: string | undefined;
  /** Attempts in a row that brought nothing. */
  failures: number;
  absent: boolean;
}

/** How long to wait after `error`; also decides whether the next attempt lists. */
function afterError(error: unknown, state: Position, random: () => number): number {
  if (isKubeError(error, "NotFound")) {
    state.resourceVersion = undefined;
    state.failures = 0;
    return ABSENT_RETRY_MS;
  }
  state.failures += 1;
  const retryAfterMs = isKubeError(error) ? (error.retryAfterMs ?? 0) : 0;
  if (isKubeError(error, "Gone")) {
    state.resourceVersion = undefined;
    if (state.failures === 1) return retryAfterMs;
  }
  return backoffDelayMs(state.failures, BACKOFF, { random, retryAfterMs });
}

/** One list or one watch to its end. Answers whether it brought anything. */
async function listOrWatch<T extends KubeObject>(
  { kube, kind, namespace, name, sink, signal }: ReflectorOptions<T>,
  state: Position,
  random: () => number,
): Promise<boolean> {
  const scope = {
    ...(kind.namespaced && namespace !== undefined ? { namespace } : {}),
    ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
  };
  if (state.resourceVersion === undefined) {
    const list = await kube.list<T>(kind, { ...scope, signal });
    if (signal.aborted) return false;
    sink.contact();
    sink.listed(list.items);
    state.absent = false;
    state.resourceVersion = list.resourceVersion;
    return true;
  }
  const timeoutSeconds = Math.round(WATCH_SECONDS.min + random() * (WATCH_SECONDS.max - WATCH_SECONDS.min));
  const watch = kube.watch<T>(kind, { ...scope, resourceVersion: state.resourceVersion, timeoutSeconds, signal });
  let fruitful = false;
  for await (const event of watch) {
    if (signal.aborted) break;
    sink.contact();
    state.failures = 0;
    if (event.type === "BOOKMARK") {
      state.resourceVersion = event.resourceVersion;
      continue;
    }
    fruitful = true;
    if (event.type === "DELETED") sink.deleted(event.object);
    else sink.changed(event.object);
    state.resourceVersion = event.object.metadata.resourceVersion ?? state.resourceVersion;
  }
  return fruitful;
}
