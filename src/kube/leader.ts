import { isAbort } from "../lib/errors.ts";
import { silentLog } from "../lib/log.ts";
import type { Log } from "../lib/log.ts";
import type { Clock } from "../lib/time.ts";
import { onAbort, sleep } from "./abort.ts";
import { isKubeError } from "./errors.ts";
import { createLeaseLock } from "./leaderLease.ts";
import type { LeaseLock } from "./leaderLease.ts";
import type { Kube } from "./port.ts";

/** Periods of the election, in milliseconds. `renewDeadlineMs` must be below `leaseMs`; their distance is the safety. */
export interface LeaderTimings {
  /** How long others respect an unchanged Lease. */
  readonly leaseMs: number;
  /** How long a leader goes on without having renewed. */
  readonly renewDeadlineMs: number;
  /** Pause after a renewal that worked. */
  readonly renewEveryMs: number;
  /** Pause of a candidate, half of it more at random; a leader whose renewal failed pauses half as long. */
  readonly retryMs: number;
}

export interface LeaderElectionOptions {
  /** Without a fence: the Lease is written before and after leading. */
  readonly kube: Kube;
  readonly clock: Clock;
  /** Unique to this process, such as the Pod's name and a random part. */
  readonly identity: string;
  readonly namespace: string;
  readonly name: string;
  /**
   * The work of a leader, until its signal is aborted. The signal is a fence: it is aborted at the renew deadline at the
   * latest, before anybody else can have acquired.
   */
  readonly onStarted: (signal: AbortSignal, leadership: Leadership) => Promise<void>;
  /** Ends the candidacy; a leader stops its work and gives the Lease back. */
  readonly signal: AbortSignal;
  readonly timings?: Partial<LeaderTimings>;
  readonly log?: Log;
  /** 0 up to 1; for tests. */
  readonly random?: () => number;
}

export interface Leadership {
  /**
   * Whether the renew deadline is still ahead. To be asked right before a write: in a process that was frozen for longer
   * than that, the answer to a request can be handled before the timer that aborts the signal.
   */
  mayWrite(): boolean;
}

/** Why it ended: asked to, not renewed in time or taken over, or the leader's work was done. */
export type LeaderOutcome = "stopped" | "lost" | "finished";

const DEFAULT_TIMINGS: LeaderTimings = {
  leaseMs: 15_000,
  renewDeadlineMs: 10_000,
  renewEveryMs: 4_000,
  retryMs: 2_000,
};
/** Part of the renew deadline that one request may take, so that there is time for another. */
const ATTEMPT_SHARE = 0.3;
const RELEASE_TIMEOUT_MS = 5_000;

/**
 * Waits to become the leader, leads once, and resolves when that is over and the work has ended.
 * @throws whatever `onStarted` rejects with.
 */
export async function runLeaderElection(options: LeaderElectionOptions): Promise<LeaderOutcome> {
  const timings = { ...DEFAULT_TIMINGS, ...options.timings };
  if (timings.renewDeadlineMs >= timings.leaseMs) throw new RangeError("renewDeadlineMs must be below leaseMs");
  const lock = createLeaseLock({ ...options, leaseMs: timings.leaseMs });
  const election: Election = { options, timings, lock, log: options.log ?? silentLog };
  try {
    const deadline = await campaign(election);
    if (deadline === undefined) return "stopped";
    return await lead(election, deadline);
  } finally {
    lock.close();
  }
}

interface Election {
  readonly options: LeaderElectionOptions;
  readonly timings: LeaderTimings;
  readonly lock: LeaseLock;
  readonly log: Log;
}

/** Aborts `signal` when it is not extended in time. */
interface Deadline {
  readonly signal: AbortSignal;
  end(): void;
  /** A renewal counts from before it was sent: the server may have handled it at any time since. */
  beforeRenewal(): { confirm(): void; abandon(): void };
  mayWrite(): boolean;
}

/** Answers `undefined` when the candidacy ended first. */
async function campaign(election: Election): Promise<Deadline | undefined> {
  const { signal, clock } = election.options;
  while (!signal.aborted) {
    const deadline = createDeadline(clock, election.timings.renewDeadlineMs);
    if (await attempt(election, deadline, signal)) {
      if (!deadline.signal.aborted) return deadline;
    }
    deadline.end();
    await sleep(clock, retryDelay(election), signal).catch(() => undefined);
  }
  return undefined;
}

async function lead(election: Election, deadline: Deadline): Promise<LeaderOutcome> {
  const { options, log, lock } = election;
  let outcome: LeaderOutcome = "lost";
  const unsubscribe = onAbort(options.signal, () => {
    outcome = "stopped";
    deadline.end();
  });
  log.info({ identity: options.identity }, "leading");
  const renewing = keepRenewing(election, deadline);
  try {
    // Not started at all when the candidacy ended in this very moment.
    if (!deadline.signal.aborted) {
      await options.onStarted(deadline.signal, { mayWrite: deadline.mayWrite });
      if (!deadline.signal.aborted) outcome = "finished";
    }
  } finally {
    unsubscribe();
    deadline.end();
    await renewing;
    log.info({ identity: options.identity, outcome }, "no longer leading");
    if (outcome !== "lost") await release(election, lock);
  }
  return outcome;
}

async function keepRenewing(election: Election, deadline: Deadline): Promise<void> {
  const { clock } = election.options;
  const { signal } = deadline;
  let renewed = true;
  while (!signal.aborted) {
    const pauseMs = renewed ? election.timings.renewEveryMs : retryDelay(election) / 2;
    await sleep(clock, pauseMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    renewed = await attempt(election, deadline, signal, () => {
      election.log.warn({}, "another process holds the lease");
      deadline.end();
    });
  }
}

/** One try, bounded in time so that an unanswered request leaves room for another before the deadline. */
async function attempt(
  { options, timings, lock, log }: Election,
  deadline: Deadline,
  signal: AbortSignal,
  onRefused: () => void = () => {},
): Promise<boolean> {
  const bound = new AbortController();
  const cancel = options.clock.after(timings.renewDeadlineMs * ATTEMPT_SHARE, () => bound.abort());
  const unsubscribe = onAbort(signal, () => bound.abort());
  const renewal = deadline.beforeRenewal();
  let holding = false;
  try {
    holding = await lock.acquireOrRenew(bound.signal);
    if (holding) renewal.confirm();
    else onRefused();
    return holding;
  } catch (error) {
    const raced = isKubeError(error, "Conflict", "AlreadyExists");
    if (!raced && !(signal.aborted && isAbort(error))) log.warn({ err: error }, "lease not written");
    return false;
  } finally {
    if (!holding) renewal.abandon();
    cancel();
    unsubscribe();
  }
}

async function release({ options, log }: Election, lock: LeaseLock): Promise<void> {
  const bound = new AbortController();
  const cancel = options.clock.after(RELEASE_TIMEOUT_MS, () => bound.abort());
  try {
    await lock.release(bound.signal);
  } catch (error) {
    log.warn({ err: error }, "lease not given back; it expires by itself");
  } finally {
    cancel();
  }
}

function createDeadline(clock: Clock, renewDeadlineMs: number): Deadline {
  const controller = new AbortController();
  let dueMs = clock.now() + renewDeadlineMs;
  let cancel = (): void => {};
  const end = (): void => {
    cancel();
    controller.abort();
  };
  return {
    signal: controller.signal,
    end,
    mayWrite() {
      if (clock.now() >= dueMs) end();
      return !controller.signal.aborted;
    },
    beforeRenewal() {
      const sentMs = clock.now();
      let confirmed = false;
      let over = false;
      const cancelThis = clock.after(renewDeadlineMs, () => {
        over = true;
        if (confirmed) controller.abort();
      });
      return {
        confirm() {
          confirmed = true;
          cancel();
          cancel = cancelThis;
          dueMs = sentMs + renewDeadlineMs;
          if (over || controller.signal.aborted) end();
        },
        abandon: cancelThis,
      };
    },
  };
}

function retryDelay({ options, timings }: Election): number {
  return timings.retryMs * (1 + (options.random ?? Math.random)() / 2);
}
