import { setTimeout as sleep } from "node:timers/promises";
import type { CanaryStatus } from "../../api/status.ts";
import { askOnce, startLoad, type Load, type LoadCounts } from "../load.ts";
import type { DemoEvent, DemoRollout, DemoSummary, VersionTraffic } from "./events.ts";
import type { Observer } from "./observer.ts";
import { summarize } from "./summary.ts";
import type { Release, User } from "./user.ts";

export interface StoryOptions {
  readonly gatewayUrl: string;
  readonly user: User;
  readonly observer: Observer;
  readonly emit: (event: DemoEvent) => void;
  /** Ends the story early: the deadline, an interrupt, or the end of the controller. */
  readonly signal: AbortSignal;
}

/** Where the example's route is served. */
const HOST = "podinfo.example.com";

const EXAMPLE = new URL("../../../examples/podinfo/", import.meta.url);

const GOOD: Release = { version: "6.9.1", errorRate: 0 };
const BAD: Release = { version: "6.9.2", errorRate: 0.3 };

const RPS = 50;
/** Traffic goes on for so long after the last verdict, to show that it is healthy again. */
const AFTERMATH_MS = 3_000;

/** Steady requests to the example's route. */
export function sendTraffic(gatewayUrl: string): Load {
  return startLoad({ url: gatewayUrl, host: HOST, rps: RPS });
}

/** Applies the example, sends traffic, releases a good and then a bad version, and sums up. */
export async function tellStory(options: StoryOptions): Promise<DemoSummary> {
  const { user, observer, emit, gatewayUrl, signal } = options;
  const startedMs = performance.now();
  emit({ type: "applied", objects: await user.applyFolder(EXAMPLE) });
  while ((await askOnce({ url: gatewayUrl, host: HOST })).status !== 200) await sleep(100, undefined, { signal });

  const load = sendTraffic(gatewayUrl);
  const endReports = reportTraffic(load, options);
  const rollouts: DemoRollout[] = [];
  try {
    await observer.until(isAdopted, signal);
    await sleep(AFTERMATH_MS, undefined, { signal });
    rollouts.push(await release(GOOD, options));
    if (rollouts[0]?.outcome === "Succeeded") rollouts.push(await release(BAD, options));
    await observer.until(({ weight = 0 }) => weight === 0, signal);
    await sleep(AFTERMATH_MS, undefined, { signal });
  } finally {
    endReports();
    await load.stop();
  }
  const { promoted } = observer.status();
  const seconds = (performance.now() - startedMs) / 1_000;
  return summarize({ rollouts, promoted: promoted?.revision, counts: load.counts(), seconds });
}

function isAdopted({ phase, promoted, conditions }: CanaryStatus): boolean {
  const ready = conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
  return ready && promoted !== undefined && (phase === "Idle" || phase === "Succeeded");
}

/** Releases a version and waits until its revision is decided, which is told by the generation of the target. */
async function release(version: Release, { user, observer, emit, signal }: StoryOptions): Promise<DemoRollout> {
  const startedMs = performance.now();
  emit({ type: "released", version: version.version, expectation: version.errorRate > 0 ? "bad" : "good" });
  const generation = await user.release(version);
  const { targets, history } = await observer.until(
    ({ targets: [target] = [] }) => target?.result !== undefined && target.generation >= generation,
    signal,
  );
  const revision = targets?.[0]?.revision ?? "";
  const rollout: DemoRollout = {
    revision,
    outcome: targets?.[0]?.result ?? "Failed",
    version: version.version,
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
    why: history?.find((entry) => entry.revision === revision)?.why.message ?? "",
  };
  emit({ type: "outcome", ...rollout });
  return rollout;
}

/** Shows each second of traffic until the returned function is called. */
function reportTraffic(load: Load, { emit, observer }: StoryOptions): () => void {
  let before = load.counts();
  const timer = setInterval(() => {
    const now = load.counts();
    const { weight = 0 } = observer.status();
    emit({ type: "traffic", weight, ...between(before, now) });
    before = now;
  }, 1_000);
  return () => {
    clearInterval(timer);
  };
}

/** What was counted between two looks. Pure. */
export function between(before: LoadCounts, after: LoadCounts) {
  const byVersion: Record<string, VersionTraffic> = {};
  let errors = 0;
  for (const [version, counts] of Object.entries(after.byVersion)) {
    const known = before.byVersion[version] ?? { requests: 0, errors: 0 };
    const requests = counts.requests - known.requests;
    if (requests === 0) continue;
    byVersion[version] = { requests, errors: counts.errors - known.errors };
    errors += counts.errors - known.errors;
  }
  const requests = after.requests - before.requests;
  const errorShare = requests === 0 ? 0 : Math.round((errors / requests) * 1_000) / 1_000;
  return { byVersion, errorShare, failedByGateway: after.failedByGateway - before.failedByGateway };
}
