import type { CanaryAction } from "../api/canaryAction.ts";
import { isKubeError } from "../kube/errors.ts";
import type { FreshReads } from "../kube/fresh.ts";
import { kinds } from "../kube/kinds.ts";
import type { Kube, ObjectRef } from "../kube/port.ts";
import { isTrackingKey } from "../lib/labels.ts";
import type { Log } from "../lib/log.ts";

/** However old they are, so many of the newest answered CanaryActions of a Canary stay, for whoever looks later. */
const KEPT = 5;
/** Where deleting fails, how often it is tried, in milliseconds. */
const REFUSED_RETRY_MS = 3_600_000;

interface CollectOptions {
  readonly kube: Kube;
  readonly reads: FreshReads;
  readonly log: Log;
  readonly now: number;
  /** How long an answered CanaryAction is kept, in milliseconds. */
  readonly retentionMs: number;
  readonly signal: AbortSignal;
}

/**
 * Deletes CanaryActions that were answered long ago; nobody else would, and each is read at every look. Those that a
 * GitOps tool applies stay: it would create them again, and they would be obeyed again.
 *
 * @returns milliseconds until the next one is due; undefined when none will be.
 */
export async function collectAnswered(canary: ObjectRef, options: CollectOptions): Promise<number | undefined> {
  const { kube, reads, log, now, retentionMs, signal } = options;
  const answered = reads
    .related<CanaryAction>(kinds.canaryAction, canary)
    .flatMap((action) => {
      const answeredMs = Date.parse(action.status?.time ?? "");
      return Number.isNaN(answeredMs) || isTracked(action) ? [] : [{ action, dueMs: answeredMs + retentionMs }];
    })
    .sort((a, b) => b.dueMs - a.dueMs)
    .slice(KEPT);
  for (const { action } of answered.filter(({ dueMs }) => dueMs <= now)) {
    const { namespace, name, uid } = action.metadata;
    const ref = namespace === undefined ? { name } : { namespace, name };
    try {
      await kube.delete(kinds.canaryAction, ref, { ...(uid === undefined ? {} : { uid }), signal });
    } catch (error) {
      // Nothing that a canary needs waits for it.
      if (!isKubeError(error)) throw error;
      log.warn({ err: error, action: `${namespace ?? ""}/${name}` }, "an answered CanaryAction cannot be deleted");
      return REFUSED_RETRY_MS;
    }
    reads.noteDelete(kinds.canaryAction, action);
  }
  const waiting = answered.flatMap(({ dueMs }) => (dueMs > now ? [dueMs - now] : []));
  return waiting.length === 0 ? undefined : Math.min(...waiting);
}

function isTracked({ metadata }: CanaryAction): boolean {
  return [metadata.labels, metadata.annotations].some((held) => Object.keys(held ?? {}).some(isTrackingKey));
}
