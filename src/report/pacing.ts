import type { CanaryStatus } from "../api/status.ts";
import type { KubeObject } from "../kube/port.ts";
import { createAllowance } from "../lib/allowance.ts";
import type { Clock } from "../lib/time.ts";
import { createTurns } from "../lib/turns.ts";

/** Words are written at most so often for one Canary, in milliseconds. */
const PERIOD_MS = 1_000;
/** And all that can wait so often within that time for all of them together. */
const SHARED = 8;

export interface PacingOptions {
  /** Statuses that can wait are written so often a second, over all Canaries; 8 when left out. */
  readonly perSecond?: number | undefined;
}

/**
 * Holds back status writes that can wait. While many canaries wait for their pods, each such write takes the API server
 * as long as a pod's own progress does, and the next one replaces it anyway.
 */
export interface Pacing {
  /**
   * Milliseconds after which to ask again whether what can wait may be written for this Canary; 0 when it may now. Words
   * are not written soon after another status of the same Canary.
   */
  dueInMs(key: string, what: "words" | "beginning"): number;
  /** Remembers a status in place of the stored one until it is written. */
  hold(key: string, canary: KubeObject, status: CanaryStatus): void;
  /** A stored Canary as the next decision has to see it: with the status that is held back, when there is one. */
  withHeld(key: string, stored: KubeObject): KubeObject;
  /** The stored status says already what is to be said. */
  drop(key: string): void;
  /** The status of a Canary was written. */
  wrote(key: string): void;
  forget(key: string): void;
  /**
   * Runs a status write when its turn has come. Traffic and pods go first: when many canaries move at once, few of the
   * API server's hands are kept busy with telling about it.
   */
  turn<T>(write: () => Promise<T>): Promise<T>;
}

/** Status writes under way at the same time. */
const WIDTH = 4;

interface Held {
  readonly uid: string | undefined;
  readonly status: CanaryStatus;
  /** The last answer of `withHeld`: the same object again for as long as nothing changes. */
  shown?: { readonly stored: KubeObject; readonly canary: KubeObject };
}

export function createPacing(clock: Clock, { perSecond = SHARED }: PacingOptions = {}): Pacing {
  const writtenAt = new Map<string, number>();
  const held = new Map<string, Held>();
  const turn = createTurns(WIDTH);
  const mayTell = createAllowance(clock, { count: perSecond, periodMs: PERIOD_MS });
  return {
    dueInMs(key, what) {
      const own = (writtenAt.get(key) ?? 0) + PERIOD_MS - clock.now();
      // A clock that was put back must not silence a Canary, hence the upper bound.
      if (what === "words" && own > 0 && own <= PERIOD_MS) return own;
      return mayTell() ? 0 : PERIOD_MS;
    },
    hold(key, { metadata }, status) {
      held.set(key, { uid: metadata.uid, status });
    },
    withHeld(key, stored) {
      const found = held.get(key);
      if (found === undefined || found.uid !== stored.metadata.uid) return stored;
      if (found.shown?.stored !== stored) {
        found.shown = { stored, canary: { ...stored, status: found.status } as KubeObject };
      }
      return found.shown.canary;
    },
    drop: (key) => {
      held.delete(key);
    },
    wrote(key) {
      writtenAt.set(key, clock.now());
      held.delete(key);
    },
    forget(key) {
      writtenAt.delete(key);
      held.delete(key);
    },
    turn,
  };
}
