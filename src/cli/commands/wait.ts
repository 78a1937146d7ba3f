import type { CanaryStatus } from "../../api/status.ts";
import { isKubeError } from "../../kube/errors.ts";
import { kinds } from "../../kube/kinds.ts";
import { formatDuration } from "../../lib/time.ts";
import type { CanaryObject, Workload } from "../canaryObject.ts";
import { findCanary, parseReference, withCluster, workloadKind } from "../cluster.ts";
import type { Cluster } from "../cluster.ts";
import type { Call, Options } from "../command.ts";
import { durationOption } from "../durations.ts";
import { CliError, exitCodes } from "../exitCodes.ts";
import type { Ending } from "../exitCodes.ts";
import { createFollower } from "../follow.ts";
import type { Follower, Wanted } from "../follow.ts";
import { createProgress, groupingOf } from "../progress.ts";
import type { Progress } from "../progress.ts";
import { createChanges } from "../until.ts";
import type { Changes } from "../until.ts";
import { watchOne } from "../watchOne.ts";

/** How often an API server that does not answer is asked which Canary is meant, in milliseconds. */
const RETRY_MS = 2_000;

/** Waits for the end of one revision. Answers a code for how it ended. */
export async function run(call: Call): Promise<number> {
  const { options, world } = call;
  const reference = parseReference(call.args[0] ?? "");
  const wanted = wantedOf(options);
  const timeoutMs = durationOption(options, "timeout", 30 * 60_000);
  const follower = createFollower({
    wanted,
    throughHolds: options.flag("throughHolds"),
    stallGraceMs: durationOption(options, "stallGrace", 15_000),
  });
  const progress = createProgress(world, groupingOf(options.text("groups"), world.env));
  return withCluster(call, async (cluster) => {
    const waiting = { cluster, call, follower, progress, deadlineMs: world.clock.now() + timeoutMs };
    const canary = await patiently(waiting, () => findCanary(cluster, reference));
    const { ending, message } = canary === undefined ? TIMED_OUT : await follow(waiting, canary);
    const title = canary === undefined ? call.args[0] : canary.metadata.name;
    const after = ending === "timedOut" ? ` after ${formatDuration(timeoutMs)}` : "";
    progress.end(`${title}: ${TITLES[ending]}${after}: ${message}`, ending === "ok");
    return exitCodes[ending].code;
  });
}

const TIMED_OUT: End = { ending: "timedOut", message: "the API server did not answer" };

const TITLES: Readonly<Record<Ending, string>> = {
  ok: "promoted",
  error: "error",
  usage: "error",
  rolledBack: "rolled back",
  held: "held",
  superseded: "superseded",
  stalled: "stalled",
  notFound: "not found",
  timedOut: "not decided",
  refused: "refused",
  interrupted: "interrupted",
};

interface End {
  readonly ending: Ending;
  readonly message: string;
}

interface Waiting {
  readonly cluster: Cluster;
  readonly call: Call;
  readonly follower: Follower;
  readonly progress: Progress;
  readonly deadlineMs: number;
}

function wantedOf(options: Options): Wanted {
  const image = options.text("image");
  const release = options.text("release");
  const revision = options.text("revision");
  if (revision !== undefined && (image !== undefined || release !== undefined)) {
    throw new CliError("usage", "--revision names one revision; leave out --image and --release");
  }
  return {
    ...(image === undefined ? {} : { image }),
    ...(release === undefined ? {} : { release }),
    ...(revision === undefined ? {} : { revision }),
  };
}

/** Asks again while the API server does not answer; undefined when the time is up. */
async function patiently<T>(waiting: Waiting, ask: () => Promise<T>): Promise<T | undefined> {
  const { clock, signal } = waiting.call.world;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isKubeError(error, "Unavailable", "TooManyRequests")) throw error;
      waiting.progress.line(`the API server does not answer: ${error.message}`);
    }
    const leftMs = waiting.deadlineMs - clock.now();
    if (leftMs <= 0) return undefined;
    await createChanges(clock, signal).next(Math.min(RETRY_MS, leftMs));
  }
}

async function follow(waiting: Waiting, { metadata, spec: { targetRef } }: CanaryObject): Promise<End> {
  const { cluster, call, deadlineMs } = waiting;
  const { clock, signal } = call.world;
  const ending = new AbortController();
  const changes = createChanges(clock, signal);
  const common = {
    cluster,
    clock,
    signal: AbortSignal.any([signal, ending.signal]),
    onChange: () => changes.note(),
    onRefused: (error: unknown) => changes.fail(error),
  };
  const canary = watchOne<CanaryObject>({ ...common, kind: kinds.canary, name: metadata.name });
  const workload = watchOne<Workload>({ ...common, kind: workloadKind(targetRef), name: targetRef.name });
  try {
    return await lookUntilEnd(waiting, { canary, workload, changes, deadlineMs });
  } finally {
    ending.abort();
  }
}

interface Looking {
  readonly canary: ReturnType<typeof watchOne<CanaryObject>>;
  readonly workload: ReturnType<typeof watchOne<Workload>>;
  readonly changes: Changes;
  readonly deadlineMs: number;
}

async function lookUntilEnd({ call, follower, progress }: Waiting, looking: Looking): Promise<End> {
  const { canary, workload, changes, deadlineMs } = looking;
  const { clock } = call.world;
  let message = TIMED_OUT.message;
  for (;;) {
    const trouble = canary.trouble ?? workload.trouble;
    if (trouble !== undefined) progress.line(`the API server does not answer: ${trouble}`);
    let lookAgainInMs = Infinity;
    if (canary.known && workload.known) {
      const finding = follower.look({ canary: canary.object, workload: workload.object }, clock.now());
      if (finding.kind === "end") return finding;
      ({ message, lookAgainInMs = Infinity } = finding);
      if (trouble === undefined) progress.line(lineOf(canary.object?.status, message), groupOf(canary.object?.status));
    }
    const leftMs = deadlineMs - clock.now();
    if (leftMs <= 0) return { ending: "timedOut", message };
    await changes.next(Math.min(leftMs, lookAgainInMs));
  }
}

function lineOf(status: CanaryStatus | undefined, message: string): string {
  const { phase = "Unknown", weight = 0 } = status ?? {};
  return `${phase.padEnd(12)} ${String(weight).padStart(3)} %  ${message}`;
}

/** The lines of a step stand below one heading. */
function groupOf(status: CanaryStatus | undefined): string | undefined {
  if (status?.rollout === undefined) return undefined;
  return `${status.rollout.promoting === true ? "promotion" : `step ${status.step ?? "?"}`} of revision ${status.rollout.revision}`;
}
