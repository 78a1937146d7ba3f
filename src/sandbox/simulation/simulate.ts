import type { CanaryStatus } from "../../api/status.ts";
import type { Refused, Simulated, Simulation } from "../../cli/programs.ts";
import type { Pod } from "../../kube/objects.ts";
import { namesOf } from "../../lib/names.ts";
import type { JsonObject } from "../apiserver/json.ts";
import type { PodTrouble } from "../controllers/pods.ts";
import { namespacesOf, refusalsBy } from "../refusals.ts";
import { createVirtualClock } from "../virtualClock.ts";
import type { VirtualClock } from "../virtualClock.ts";
import { startCluster } from "./cluster.ts";
import { startProduction } from "./controller.ts";
import type { CanaryManifest } from "./missing.ts";
import { prepareStage } from "./stage.ts";
import type { Stage } from "./stage.ts";

const ADOPTION_LIMIT_MS = 1_800_000;
/** A Canary that is stalled for so long needs somebody. */
const STALL_MS = 60_000;
/** How often is looked whether it has ended. */
const STEP_MS = 5_000;

/**
 * Releases a new version of a Canary's workload on virtual time: the production controller on a cluster in memory, with
 * requests at random. @throws AbortError when `signal` is aborted.
 */
export async function simulate(options: Simulation): Promise<Simulated | Refused> {
  const canary = options.canary as CanaryManifest;
  const clock = createVirtualClock();
  let trouble = (_pod: Pod): PodTrouble => ({});
  const cluster = await startCluster({
    clock,
    namespace: namesOf(canary).namespace,
    namespaces: namespacesOf(options.objects),
    trouble: (pod) => trouble(pod),
  });
  try {
    const refusals = refusalsBy(cluster.core, options.objects);
    if (refusals.some((refusal) => refusal !== undefined)) return { refusals };
    options.onBegin();
    const stage = prepareStage(options, { canary, clock, cluster });
    ({ trouble } = stage);
    await clock.advance(5_000);
    const production = await startProduction({ ...stage, core: cluster.core, clock });
    try {
      cluster.create(options.canary as JsonObject);
      return await live({ ...options, clock, stage });
    } finally {
      await production.stop();
    }
  } finally {
    await cluster.stop();
  }
}

interface Living extends Simulation {
  readonly clock: VirtualClock;
  readonly stage: Stage;
}

async function live(living: Living): Promise<Simulated> {
  const { clock, stage, world } = living;
  const createdAt = clock.now();
  const adopted = await until(living, ADOPTION_LIMIT_MS, ({ phase }) => phase === "Idle");
  if (!adopted) return ended(living, createdAt);
  const releasedAt = clock.now();
  stage.begin();
  await until(living, world.maxMinutes * 60_000, ({ history = [] }) => history.length > 0);
  return ended(living, releasedAt);
}

/** Lets time pass until that holds; false when it does not in time, or when the Canary waits for somebody to mend it. */
async function until(
  { clock, stage, world, signal }: Living,
  limitMs: number,
  holds: (status: CanaryStatus) => boolean,
): Promise<boolean> {
  const end = clock.now() + limitMs;
  let stalledAt: number | undefined;
  const approves = world.actions.every(({ action }) => action !== "Approve");
  while (!holds(stage.status())) {
    if (clock.now() >= end) return false;
    stalledAt = isStalled(stage.status()) ? (stalledAt ?? clock.now()) : undefined;
    if (stalledAt !== undefined && clock.now() - stalledAt >= STALL_MS) return false;
    signal.throwIfAborted();
    if (approves) stage.user.approve();
    await clock.advance(STEP_MS);
  }
  return true;
}

function isStalled({ phase, conditions = [] }: CanaryStatus): boolean {
  return phase !== "Failed" && conditions.some(({ type, status }) => type === "Stalled" && status === "True");
}

function ended({ clock, stage, onNote }: Living, sinceMs: number): Simulated {
  for (const refused of stage.user.refused()) onNote(refused);
  const status = stage.status();
  const [last] = status.history ?? [];
  const { requests: canaryRequests, failed: canaryFailures } = stage.requests.met;
  return {
    outcome: last === undefined ? (isStalled(status) ? "stalled" : "undecided") : OUTCOMES[last.outcome],
    message: (last?.why ?? status.why)?.message ?? "the controller has said nothing",
    tookMs: (last === undefined ? clock.now() : Date.parse(last.finishedAt)) - sinceMs,
    canaryRequests,
    canaryFailures,
    asked: [...stage.asked],
  };
}

const OUTCOMES = {
  Succeeded: "promoted",
  Skipped: "promoted",
  Failed: "rolledBack",
  Superseded: "undecided",
  Reverted: "undecided",
} as const;
