import { messageOf } from "../lib/errors.ts";
import { silentLog } from "../lib/log.ts";
import type { Log } from "../lib/log.ts";
import type { Clock } from "../lib/time.ts";
import { abortError, onAbort } from "./abort.ts";
import { isKubeError } from "./errors.ts";
import { keyOf } from "./informer.ts";
import type { Cache, CacheChange, Informers } from "./informer.ts";
import { kindId } from "./kinds.ts";
import type { Kube, KubeObject, ResourceKind } from "./port.ts";
import { runReflector } from "./reflector.ts";
import { createStore, dropManagedFields } from "./store.ts";

export interface InformerOptions {
  readonly log?: Log;
  /** The one namespace that is watched; all when left out. Kinds without namespaces are watched whole. */
  readonly namespace?: string;
  /** 0 up to 1; for tests. */
  readonly random?: () => number;
}

type Listener = (change: CacheChange<KubeObject>) => void;

/** One kind: its cache, who wants to know of changes, and the work that keeps it current. */
interface Informer {
  readonly cache: Cache<KubeObject>;
  readonly listeners: Listener[];
  /** Resolves at the first `synced`, `absent` or `refused`. */
  readonly settled: Promise<void>;
  readonly done: Promise<void>;
}

/**
 * Caches over `kube`, one watch for each kind. A listener hears of what changes after it was registered, so register
 * before the first `await`; of two `keep` for one kind the first counts.
 */
export function createInformers(kube: Kube, clock: Clock, options: InformerOptions = {}): Informers {
  const { log = silentLog, random = Math.random, namespace } = options;
  const informers = new Map<string, Informer>();
  const stopping = new AbortController();

  const informerOf = (kind: ResourceKind, keep?: (object: KubeObject) => KubeObject): Informer => {
    const id = kindId(kind);
    const held = informers.get(id);
    if (held !== undefined) return held;
    if (stopping.signal.aborted) throw abortError(stopping.signal, "the informers were stopped");
    const scope = namespace === undefined ? {} : { namespace };
    const context = { kube, kind, ...scope, clock, log, random, signal: stopping.signal };
    const made = startInformer(context, keep ?? dropManagedFields);
    informers.set(id, made);
    return made;
  };

  return {
    cache: <T extends KubeObject>(kind: ResourceKind, cacheOptions?: { readonly keep?: (object: T) => T }) =>
      informerOf(kind, cacheOptions?.keep as ((object: KubeObject) => KubeObject) | undefined)
        .cache as unknown as Cache<T>,
    onChange: (kind, listener) => {
      informerOf(kind).listeners.push(listener as unknown as Listener);
    },
    async ready(signal) {
      await abortable(Promise.all([...informers.values()].map(({ settled }) => settled)), signal);
    },
    async stop() {
      stopping.abort();
      await Promise.all([...informers.values()].map(({ done }) => done));
    },
  };
}

interface InformerContext {
  readonly kube: Kube;
  readonly kind: ResourceKind;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly namespace?: string;
  readonly signal: AbortSignal;
}

function startInformer(context: InformerContext, keep: (object: KubeObject) => KubeObject): Informer {
  const { kind, clock, log, signal } = context;
  const store = createStore(keep);
  const listeners: Listener[] = [];
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
  let state: Cache<KubeObject>["state"] = "starting";
  let contactMs = clock.now();
  let failing: { readonly sinceMs: number; readonly error: unknown } | undefined;

  const tell = (change: CacheChange<KubeObject> | undefined): void => {
    if (change === undefined || signal.aborted) return;
    for (const listener of listeners) {
      try {
        listener(change);
      } catch (error) {
        log.error({ kind: kind.kind, err: error }, "a listener of changes threw");
      }
    }
  };
  const takeOver = (objects: readonly KubeObject[], reached: "synced" | "absent"): void => {
    state = reached;
    for (const change of store.replace(objects)) tell(change);
    settle();
  };

  const done = runReflector<KubeObject>({
    ...context,
    sink: {
      listed: (objects) => takeOver(objects, "synced"),
      changed: (object) => tell(store.put(object)),
      deleted: (object) => tell(store.remove(keyOf(object))),
      absent: () => takeOver([], "absent"),
      failed(error) {
        failing = { sinceMs: failing?.sinceMs ?? clock.now(), error };
        // What is not allowed will not be for as long as somebody does not change it: nobody waits for that.
        if (isKubeError(error, "Forbidden")) settle();
      },
      contact: () => void (contactMs = clock.now()),
    },
  }).catch((error: unknown) => {
    log.error({ kind: kind.kind, err: error }, "a watch ended for good: this is a bug");
  });

  const cache: Cache<KubeObject> = {
    kind,
    get state() {
      return state;
    },
    failure() {
      if (state !== "starting" || failing === undefined) return undefined;
      const { sinceMs, error } = failing;
      return {
        message: messageOf(error),
        forbidden: isKubeError(error, "Forbidden"),
        forMs: Math.max(0, clock.now() - sinceMs),
      };
    },
    get: (key) => store.get(key),
    list: (namespace) => store.list(namespace),
    lastContactAgeMs: () => clock.now() - contactMs,
  };
  return { cache, listeners, settled, done };
}

/** Waits for `work`, or rejects with an AbortError when the signal comes first. */
async function abortable(work: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  let unsubscribe = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    unsubscribe = onAbort(signal, () => reject(abortError(signal)));
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    unsubscribe();
  }
}
