import type { Clock } from "../lib/time.ts";
import { isKubeError } from "./errors.ts";
import { kinds } from "./kinds.ts";
import { microTime } from "./microTime.ts";
import type { Lease } from "./objects.ts";
import type { Kube } from "./port.ts";

export interface LeaseLockOptions {
  readonly kube: Kube;
  readonly clock: Clock;
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process. */
  readonly identity: string;
  /** What is written into the Lease, and how long an unchanged Lease of somebody else is respected. */
  readonly leaseMs: number;
}

/** One candidate's view on the Lease. */
export interface LeaseLock {
  /**
   * Takes, keeps or tries to take the Lease; answers whether we hold it.
   * Another's Lease is taken once it has not changed for its whole duration, by our own clock's timers: the times
   * written in it come from a clock that may be wrong.
   * @throws KubeError (Conflict or AlreadyExists when another was quicker), AbortError
   */
  acquireOrRenew(signal: AbortSignal): Promise<boolean>;
  /** Gives the Lease back when it is ours, so that another can take it at once. */
  release(signal: AbortSignal): Promise<void>;
  /** Stops watching over another's Lease. */
  close(): void;
}

export function createLeaseLock(options: LeaseLockOptions): LeaseLock {
  const { kube, namespace, name, identity } = options;
  const rival = createRivalTimer(options.clock);
  let held: Lease | undefined;

  const write = async (seen: Lease | undefined, signal: AbortSignal): Promise<boolean> => {
    const lease = claim(options, seen);
    held =
      seen === undefined
        ? await kube.create(kinds.lease, lease, { signal })
        : await kube.replace(kinds.lease, lease, { signal });
    rival.forget();
    return true;
  };

  return {
    async acquireOrRenew(signal) {
      if (held !== undefined) {
        try {
          return await write(held, signal);
        } catch (error) {
          // Our last write may have gone through although its answer was lost, so look before giving up.
          held = undefined;
          if (!isKubeError(error, "Conflict", "NotFound")) throw error;
        }
      }
      const seen = await kube.get<Lease>(kinds.lease, { namespace, name }, { signal });
      const holder = seen?.spec?.holderIdentity ?? "";
      if (holder === "" || holder === identity) return write(seen, signal);
      const waitMs = (seen?.spec?.leaseDurationSeconds ?? options.leaseMs / 1_000) * 1_000;
      return rival.expired(seen?.metadata.resourceVersion ?? "", waitMs) ? write(seen, signal) : false;
    },
    async release(signal) {
      let known = held;
      held = undefined;
      for (;;) {
        // A renewal that was cut off may have gone through, or still do: what is stored says.
        const lease = known ?? (await kube.get<Lease>(kinds.lease, { namespace, name }, { signal }));
        if (lease?.spec?.holderIdentity !== identity) return;
        const free = { ...claim(options, lease).spec, holderIdentity: "", leaseDurationSeconds: 1 };
        try {
          await kube.replace(kinds.lease, { ...lease, spec: free }, { signal });
          return;
        } catch (error) {
          if (!isKubeError(error, "Conflict")) throw error;
          known = undefined;
        }
      }
    },
    close: rival.forget,
  };
}

function claim({ clock, namespace, name, identity, leaseMs }: LeaseLockOptions, seen: Lease | undefined): Lease {
  const now = microTime(clock.now());
  const ours = seen?.spec?.holderIdentity === identity;
  const transitions = seen?.spec?.leaseTransitions ?? 0;
  return {
    ...(seen ?? { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { namespace, name } }),
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseMs / 1_000),
      acquireTime: ours ? (seen?.spec?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: ours || seen === undefined ? transitions : transitions + 1,
    },
  };
}

interface RivalTimer {
  /** Whether the Lease has stood at this version for `waitMs` since it was first seen there. */
  expired(resourceVersion: string, waitMs: number): boolean;
  forget(): void;
}

/** By timers rather than by differences of `now()`, which jumps when the machine's clock is set. */
function createRivalTimer(clock: Clock): RivalTimer {
  let watched: string | undefined;
  let over = false;
  let cancel = (): void => {};
  return {
    expired(resourceVersion, waitMs) {
      if (watched === resourceVersion) return over;
      cancel();
      watched = resourceVersion;
      over = false;
      cancel = clock.after(waitMs, () => {
        over = true;
      });
      return false;
    },
    forget() {
      cancel();
      watched = undefined;
      over = false;
    },
  };
}
