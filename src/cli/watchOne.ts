import { runReflector } from "../kube/reflector.ts";
import { isKubeError } from "../kube/errors.ts";
import type { KubeObject, ResourceKind } from "../kube/port.ts";
import { messageOf } from "../lib/errors.ts";
import { silentLog } from "../lib/log.ts";
import type { Clock } from "../lib/time.ts";
import type { Cluster } from "./cluster.ts";

/** One object, kept in step with the API server through broken watches and restarts. */
export interface Watched<T> {
  /** Undefined while there is no such object, and before the first answer. */
  readonly object: T | undefined;
  /** Whether the API server has answered at all. */
  readonly known: boolean;
  /** Why it does not answer now. */
  readonly trouble: string | undefined;
}

export interface WatchOneOptions {
  readonly cluster: Cluster;
  readonly kind: ResourceKind;
  readonly name: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called after every change. */
  readonly onChange: () => void;
  /** Called when waiting cannot help, such as for a permission. */
  readonly onRefused: (error: unknown) => void;
}

export function watchOne<T extends KubeObject>(options: WatchOneOptions): Watched<T> {
  const { cluster, kind, name, clock, signal, onChange, onRefused } = options;
  const state: { -readonly [K in keyof Watched<T>]: Watched<T>[K] } = {
    object: undefined,
    known: false,
    trouble: undefined,
  };
  const set = (object: T | undefined): void => {
    Object.assign(state, { object, known: true, trouble: undefined });
    onChange();
  };
  const isIt = (object: T): boolean => object.metadata.name === name;
  void runReflector<T>({
    kube: cluster.kube,
    kind,
    namespace: cluster.namespace,
    name,
    clock,
    signal,
    log: silentLog,
    sink: {
      listed: (objects) => set(objects.find(isIt)),
      changed: (object) => isIt(object) && set(object),
      deleted: (object) => isIt(object) && set(undefined),
      // An API server that has just started serves no custom resources yet, and forbids everything.
      absent: () => {
        if (!state.known) set(undefined);
        state.trouble = `it does not serve ${kind.plural}`;
        onChange();
      },
      failed: (error) => {
        if (!state.known && isKubeError(error, "Forbidden", "Invalid")) onRefused(error);
        state.trouble = messageOf(error);
        onChange();
      },
      contact: () => {
        state.trouble = undefined;
      },
    },
  });
  return state;
}
