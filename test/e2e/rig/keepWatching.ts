import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster, KubeObject, Selection } from "../../cluster/harness/cluster.ts";

export interface WatchHandler<T> {
  /** All that there is, at the beginning and after every interruption. */
  readonly list: (objects: readonly T[]) => void;
  /** What is there already comes once more, as a change. */
  readonly change: (object: T) => void;
  readonly remove: (object: T) => void;
}

/** Watches until the signal aborts, and again from the start whenever the API server ends it or is not there. */
export async function keepWatching<T extends KubeObject>(
  cluster: Cluster,
  selection: Selection,
  handler: WatchHandler<T>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      handler.list(await cluster.list<T>(selection));
      for await (const { type, object } of cluster.watch<T>({ ...selection, signal })) {
        if (type === "ERROR") break;
        if (type === "DELETED") handler.remove(object);
        else if (type !== "BOOKMARK") handler.change(object);
      }
    } catch {
      // Stopped, restarted, or asked too early: the next list will tell.
    }
    await sleep(100, undefined, { signal }).catch(() => undefined);
  }
}
