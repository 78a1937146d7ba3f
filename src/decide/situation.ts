import type { Step, WeightStep } from "../api/canary.ts";
import { isUsed } from "../api/share.ts";
import type { CheckStatus, RolloutMemory } from "../api/status.ts";
import { parseDuration } from "../lib/time.ts";
import { judge } from "./checks/index.ts";
import { judgeTile } from "./checks/judged.ts";
import type { JudgedTile } from "./checks/judged.ts";
import { unsettled } from "./contention.ts";
import { returnStepsOf, stepsOf } from "./strategy.ts";
import type { Decision, Memory, Observation } from "./types.ts";

/** An observation together with what follows from it directly, so that every rule reads the same words. */
export interface Situation extends Observation {
  readonly memory: Memory;
  readonly rollout: RolloutMemory | undefined;
  readonly steps: readonly Step[];
  readonly returnSteps: readonly WeightStep[];
  /** The checks after the readings of this look. */
  readonly checks: readonly CheckStatus[];
  /** What the target's template says now; undefined when there is no target. */
  readonly revision: string | undefined;
  /** The weight that is wanted at this moment; 0 outside of a rollout. */
  readonly weight: number;
  /** Whether the canary is to get any request at this moment. */
  readonly used: boolean;
}

/** What a rule answers; the loop adds the rule's name and everything that is remembered anyway. */
export type Answered = Omit<Decision, "rule" | "memory"> & { readonly memory?: Partial<Memory> };

export type Rule = (situation: Situation) => Answered | undefined;

export function situate(observation: Observation): Situation {
  const { spec, status } = observation.canary;
  const { now } = observation;
  const steps = stepsOf(spec.strategy);
  const before = seenBy(observation, judgedBy(notLater(status?.rollout, now), now));
  const judged = tileOf(observation, before, steps);
  const rollout = before === undefined || judged === undefined ? before : { ...before, judging: judged.judging };
  const previous = (status?.checks ?? []).map((check) => notLater(check, now));
  const { readings, pods } = observation;
  const since = Date.parse(rollout?.effectiveSince ?? "");
  const jobs = observation.jobs === undefined ? undefined : { views: observation.jobs, now, since };
  // Without its templates nobody knows all of the checks, and what was read by them is not to be forgotten.
  const kept = rollout === undefined || spec.analysis.unresolved !== undefined;
  const checks = kept ? previous : judge({ checks: spec.analysis.checks, previous, readings, judged, pods, jobs });
  return {
    ...observation,
    rollout,
    checks,
    memory: {
      promoted: status?.promoted,
      failed: status?.failed,
      rollout,
      checks: [...checks],
      adopted: status?.adopted,
      autoscaler: status?.autoscaler,
      drainingSince: past(status?.drainingSince, now),
      waitingSince: past(status?.waitingSince, now),
      primaryLabel: status?.primaryLabel,
      traffic: status?.traffic ?? (status?.promoted === undefined ? undefined : trafficOf(observation)),
      contention: unsettled(observation)?.map((entry) => notLater(entry, now)),
      previous: keptNoLonger(observation),
      rollback: notLater(status?.rollback, now),
      obeyed: status?.obeyed,
      runningJobs: runJobs(observation) ? true : undefined,
    },
    steps,
    returnSteps: returnStepsOf(spec.strategy),
    revision: observation.target?.version.revision,
    weight: rollout?.weight ?? 0,
    used: rollout !== undefined && isUsed(rollout),
  };
}

/** What the judge makes of the newest tile, if it is about this rollout and not known yet. */
function tileOf(
  { canary, route, tile }: Observation,
  rollout: RolloutMemory | undefined,
  steps: readonly Step[],
): JudgedTile | undefined {
  if (tile === undefined || rollout === undefined || rollout.withdrawal !== undefined) return undefined;
  if (Date.parse(rollout.judging?.asked ?? "") >= tile.askedAt) return undefined;
  const lastStep = rollout.promoting === true || rollout.step >= steps.length - 1;
  const { strategy } = canary.spec;
  const sticky = "canary" in strategy && strategy.canary.sessionAffinity !== undefined;
  return judgeTile({ canary, rollout, tile, lastStep, splits: !sticky && route.byEndpoints !== true });
}

/** The routes that `spec.traffic` names, to be remembered from the moment on that they have the traffic. */
export function trafficOf({ canary }: Observation): NonNullable<Memory["traffic"]> {
  const { router, block } = canary.spec.traffic;
  return { router, block: block as Record<string, unknown> };
}

const MOMENT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** A moment that is remembered, or now when it is still to come. */
function past<T>(moment: T, now: number): T | string {
  return typeof moment === "string" && MOMENT.test(moment) && Date.parse(moment) > now ? timestamp(now) : moment;
}

/**
 * What is remembered, with no moment later than now: when the clock was set back, or that of another replica was ahead,
 * waits begin anew instead of lasting until the clock is there again.
 */
function notLater<T extends object | undefined>(remembered: T, now: number): T {
  if (remembered === undefined) return remembered;
  return Object.fromEntries(Object.entries(remembered).map(([key, value]) => [key, past<unknown>(value, now)])) as T;
}

/** The version before, for at most as long from now on as the user says: its end is a moment to come, by whatever clock. */
function keptNoLonger({ canary, now }: Observation): Memory["previous"] {
  const { previous } = canary.status ?? {};
  const { keepPreviousFor } = canary.spec;
  if (previous === undefined || keepPreviousFor === undefined) return previous;
  const latest = now + parseDuration(keepPreviousFor);
  return Date.parse(previous.until) > latest ? { ...previous, until: timestamp(latest) } : previous;
}

/** Whether Jobs are to be looked after, whatever becomes of the checks that asked for them. */
function runJobs({ jobs = {}, strayJobs = [] }: Observation): boolean {
  return strayJobs.length > 0 || Object.values(jobs).some(({ state }) => state === "Running");
}

/** The judge begins anew when it has counted what is still to come: the clock was set back. */
function judgedBy(rollout: RolloutMemory | undefined, now: number): RolloutMemory | undefined {
  const { until = "", asked = "" } = rollout?.judging ?? {};
  if (rollout === undefined || !(Date.parse(until) > now || Date.parse(asked) > now)) return rollout;
  const { judging: _later, ...rest } = rollout;
  return rest;
}

/** A crash may have lost the note that users have reached a revision; the route still shows it. */
function seenBy({ route }: Observation, rollout: RolloutMemory | undefined): RolloutMemory | undefined {
  return rollout !== undefined && isUsed(route) ? { ...rollout, exposed: true } : rollout;
}

/** The Canary is being deleted. */
export function isLeaving({ canary }: Observation): boolean {
  return canary.metadata.deletionTimestamp !== undefined;
}

export function isWeightStep(step: Step | undefined): step is WeightStep {
  return step !== undefined && "weight" in step;
}

/** `2/6`: the step under way, counted from 1. Promotion counts as the last step done. */
export function stepLabel(step: number, of: number): string {
  return `${Math.min(step + 1, of)}/${of}`;
}

/** Milliseconds since a moment that the status remembers; 0 when it does not. */
export function elapsedMs(now: number, since: string | undefined): number {
  return since === undefined ? 0 : Math.max(0, now - Date.parse(since));
}

/** The moment of this look as it stands in the status. */
export function timestamp(now: number): string {
  return new Date(now).toISOString();
}

/** Pods that a share of the traffic needs, when `full` pods carry all of it. At least one. */
export function podsFor(weight: number, full: number): number {
  return Math.max(1, Math.ceil((weight * Math.max(1, full)) / 100));
}

/** While pods are awaited, how often to look why they are not ready, in milliseconds. */
export const TROUBLE_PERIOD_MS = 5_000;

export function durationOf(text: string | undefined): number {
  return text === undefined ? 0 : parseDuration(text);
}
