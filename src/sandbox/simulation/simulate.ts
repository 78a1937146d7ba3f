import type { CanaryStatus } from "../../api/status.ts";
import type { Simulated, Simulation } from "../../cli/programs.ts";
import { namesOf } from "../../lib/names.ts";
import type { JsonObject } from "../apiserver/json.ts";
import { createVirtualClock } from "../virtualClock.ts";
import type { VirtualClock } from "../virtualClock.ts";
import { startCluster } from "./cluster.ts";
import { startProduction } from "./controller.ts";
import type { CanaryManifest } from "./missing.ts";
import { prepareWorld } from "./world.ts";
import type { World } from "./world.ts";

/** How long the version before has served when the new one comes: its past is looked at as well. */
const PAST_MS = 3_900_000;
const ADOPTION_LIMIT_MS = 1_800_000;
/** A Canary that is stalled for so long needs somebody. */
const STALL_MS = 60_000;
/** How often is looked whether it has ended. */
const STEP_MS = 5_000;

/**
 * Releases a new version of a Canary's workload on virtual time: the production controller on a cluster in memory, with
 * requests at random. @throws AbortError when `signal` is aborted; ApiError for an object that is refused.
 */
export async function simulate(options: Simulation): Promise<Simulated> {
  const canary = options.canary as CanaryManifest;
  const clock = createVirtualClock();
  const cluster = await startCluster(clock, namesOf(canary).namespace);
  try {
    const world = prepareWorld(options, { canary, clock, cluster });
    await clock.advance(5_000);
    const production = await startProduction({ ...world, core: cluster.core, clock });
    try {
      cluster.create(options.canary as JsonObject);
      return await live({ ...options, clock, world });
    } finally {
      await production.stop();
    }
  } finally {
    await cluster.stop();
  }
}

interface Living extends Simulation {
  readonly clock: VirtualClock;
  readonly world: World;
}

async function live(living: Living): Promise<Simulated> {
  const { clock, world, limitMs } = living;
  const createdAt = clock.now();
  const adopted = await until(living, ADOPTION_LIMIT_MS, ({ phase }) => phase === "Idle");
  if (!adopted) return ended(living, createdAt);
  await until(living, PAST_MS, () => false);
  const releasedAt = clock.now();
  world.begin();
  world.user.release();
  await until(living, limitMs, ({ history = [] }) => history.length > 0);
  return ended(living, releasedAt);
}

/** Lets time pass until that holds; false when it does not in time, or when the Canary waits for somebody to mend it. */
async function until(
  { clock, world, signal }: Living,
  limitMs: number,
  holds: (status: CanaryStatus) => boolean,
): Promise<boolean> {
  const end = clock.now() + limitMs;
  let stalledAt: number | undefined;
  while (!holds(world.status())) {
    if (clock.now() >= end) return false;
    stalledAt = isStalled(world.status()) ? (stalledAt ?? clock.now()) : undefined;
    if (stalledAt !== undefined && clock.now() - stalledAt >= STALL_MS) return false;
    signal.throwIfAborted();
    world.user.approve();
    await clock.advance(STEP_MS);
  }
  return true;
}

function isStalled({ phase, conditions = [] }: CanaryStatus): boolean {
  return phase !== "Failed" && conditions.some(({ type, status }) => type === "Stalled" && status === "True");
}

function ended({ clock, world }: Living, sinceMs: number): Simulated {
  const status = world.status();
  const [last] = status.history ?? [];
  const { requests: canaryRequests, failed: canaryFailures } = world.requests.met;
  return {
    outcome: last === undefined ? (isStalled(status) ? "stalled" : "undecided") : OUTCOMES[last.outcome],
    message: (last?.why ?? status.why)?.message ?? "the controller has said nothing",
    tookMs: (last === undefined ? clock.now() : Date.parse(last.finishedAt)) - sinceMs,
    canaryRequests,
    canaryFailures,
    asked: [...world.asked],
  };
}

const OUTCOMES = {
  Succeeded: "promoted",
  Skipped: "promoted",
  Failed: "rolledBack",
  Superseded: "undecided",
  Reverted: "undecided",
} as const;
