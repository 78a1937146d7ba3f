import type { Canary, Check } from "../api/canary.ts";
import { podsDueAt } from "../decide/due.ts";
import { isAsked, stepsOf } from "../decide/strategy.ts";
import type { TakenPods } from "../decide/taken.ts";
import { kinds } from "../kube/kinds.ts";
import type { ContainerStatus, Pod, WorkloadObject } from "../kube/objects.ts";
import { conditionOf } from "../kube/objects.ts";
import type { Kube } from "../kube/port.ts";
import { messageOf } from "../lib/errors.ts";
import type { Clock } from "../lib/time.ts";
import { createBackground } from "./background.ts";
import type { BackgroundOptions } from "./background.ts";

export interface CanaryPodsOptions extends BackgroundOptions {
  readonly kube: Kube;
  readonly clock: Clock;
}

/** Looks in the background how the pods of canaries fare that have had users. Pods are not worth a watch of their own. */
export interface CanaryPods {
  /** The newest look, if the status does not hold it yet; looks again when that is due. */
  collect(key: string, canary: Canary, target: WorkloadObject | undefined): TakenPods | undefined;
  forget(key: string): void;
}

export function createCanaryPods(options: CanaryPodsOptions): CanaryPods {
  const { clock } = options;
  const background = createBackground<TakenPods>(options);

  return {
    collect(key, canary, target) {
      const { rollout, checks = [] } = canary.status ?? {};
      const check = wantedCheck(canary);
      if (check === undefined || target === undefined || rollout === undefined) {
        background.forget(key);
        return undefined;
      }
      const entry = background.entry(key, `${rollout.revision} ${rollout.startedAt}`);
      const { lastReading } = checks.find(({ name }) => name === check.name) ?? {};
      if ((entry.answer?.at ?? Infinity) <= (Date.parse(lastReading ?? "") || 0)) entry.answer = undefined;
      const now = clock.now();
      if (entry.answer === undefined && !entry.asking && now >= podsDueAt(canary, lastReading)) {
        const look = { target, since: Date.parse(rollout.firstWeightAt ?? "") || now, now };
        background.ask(key, entry, lookAt(options, look));
      }
      return entry.answer;
    },
    forget: background.forget,
  };
}

/** The check that asks for a look; undefined while none does. */
function wantedCheck({ spec, status, metadata }: Canary): Check | undefined {
  const { rollout } = status ?? {};
  const check = spec.analysis.checks.find((each) => "pods" in each);
  if (check === undefined || rollout === undefined || metadata.deletionTimestamp !== undefined) return undefined;
  if (rollout.withdrawal !== undefined || rollout.unjudged === true) return undefined;
  return rollout.exposed === true || isAsked(stepsOf(spec.strategy), rollout, check) ? check : undefined;
}

interface Look {
  readonly target: WorkloadObject;
  /** What happened before had no users. */
  readonly since: number;
  readonly now: number;
}

async function lookAt({ kube, signal }: CanaryPodsOptions, { target, since, now }: Look): Promise<TakenPods> {
  const labelSelector = Object.entries(target.spec.selector.matchLabels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  const { namespace = "default" } = target.metadata;
  try {
    const { items } = await kube.list<Pod>(kinds.pod, { namespace, labelSelector, signal });
    const pods = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    return { at: now, ...factsOf(pods, since) };
  } catch (error) {
    const unreachable = `pods cannot be listed: ${messageOf(error)}`;
    return { at: now, total: 0, restarts: 0, unready: [], unreachable };
  }
}

function factsOf(pods: readonly Pod[], since: number): Omit<TakenPods, "at"> {
  const containers = pods.flatMap((pod) => containersOf(pod).map((status) => ({ pod: pod.metadata.name, status })));
  const broken = containers.flatMap(({ pod, status }) => {
    const what = breakOf(status, since);
    return what === undefined ? [] : [`pod ${pod}: container ${status.name} ${what}`];
  });
  return {
    total: pods.length,
    restarts: containers.filter(({ status }) => isSince(status.lastState?.terminated?.finishedAt, since)).length,
    ...(broken[0] === undefined ? {} : { broken: broken[0] }),
    unready: pods.flatMap(unreadiness),
  };
}

function containersOf({ status }: Pod): readonly ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

/** A crash loop, or a kill for want of memory. */
function breakOf({ state, lastState }: ContainerStatus, since: number): string | undefined {
  const died = state?.terminated ?? lastState?.terminated;
  if (died?.reason === "OOMKilled" && isSince(died.finishedAt, since))
    return `was killed for want of memory (OOMKilled)`;
  if (state?.waiting?.reason !== "CrashLoopBackOff") return undefined;
  const cause = died === undefined ? "" : ` (${died.reason ?? "Error"}, exit code ${died.exitCode})`;
  return `is in a crash loop${cause}`;
}

function isSince(moment: string | undefined, since: number): boolean {
  return Date.parse(moment ?? "") >= since;
}

/** Times are written by different components, to the second. */
const SAME_MOMENT_MS = 2_000;

/** A pod that was ready and is not any more: its condition has changed since its start. */
function unreadiness({ metadata, status }: Pod): TakenPods["unready"] {
  const ready = conditionOf(status?.conditions, "Ready");
  if (ready === undefined || ready.status === "True") return [];
  const [since, started] = [Date.parse(ready.lastTransitionTime ?? ""), Date.parse(status?.startTime ?? "")];
  return since - started > SAME_MOMENT_MS ? [{ pod: metadata.name, since }] : [];
}
