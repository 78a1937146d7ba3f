import type { Verdict } from "../api/status.ts";
import { combine, decideFailure, type Weighed } from "./combine.ts";
import { addInterval, decisiveProcess, newComparison } from "./comparison.ts";
import { NONE, plus } from "./count.ts";
import { judgeComparison, judgeSlo } from "./checks.ts";
import { judgementSentence } from "./sentence.ts";
import type {
  ArmCounts,
  ArmInterval,
  Count,
  Interval,
  Judgement,
  LookContext,
  JudgeSettings,
  JudgeState,
  SloState,
} from "./types.ts";

/** From here on, evidence that is not enough to fail is enough not to go on. */
export const LEAN = 3;

export interface Look {
  readonly state: JudgeState;
  readonly judgement: Judgement;
}

/** The state of a rollout whose first weight took effect at `startedAt`, in ms since the epoch. */
export function startJudging(startedAt: number, settings: JudgeSettings): JudgeState {
  return {
    startedAt,
    until: startedAt,
    comparisons: Object.fromEntries(settings.comparisons.map((each) => [each.name, newComparison(each)])),
    slos: Object.fromEntries(settings.slos.map(({ name }) => [name, { canary: NONE }])),
    suspect: false,
    earlyDropped: false,
  };
}

/**
 * One look: the state after one more interval, and what the canary is worth by now. Pure; the same state and interval
 * give the same answer, so a state that was written before a crash goes on as if nothing had happened. An interval that
 * overlaps what was judged already, or that counts nonsense, changes nothing.
 */
export function judge(state: JudgeState, interval: Interval, context: LookContext): Look {
  const { settings } = context;
  if (state.failed !== undefined || !isUsable(state, interval))
    return { state, judgement: judgementOf(state, context, interval) };
  const newest: Record<string, readonly (ArmCounts | undefined)[]> = {};
  const comparisons = Object.fromEntries(
    settings.comparisons.map((comparison) => {
      const before = state.comparisons[comparison.name] ?? newComparison(comparison);
      const looked = addInterval(before, interval, state.startedAt, comparison, settings);
      newest[comparison.name] = looked.newest;
      return [comparison.name, looked.state];
    }),
  );
  const slos = Object.fromEntries(
    settings.slos.map((each) => [each.name, addToSlo(state.slos[each.name], interval, each.events, state.startedAt)]),
  );
  const added: JudgeState = { ...state, until: interval.to, comparisons, slos };
  const decided = decideFailure(added, newest, context);
  return { state: decided, judgement: judgementOf(decided, context, interval) };
}

/** SLOs forgive the half minute in which the route changes, as comparisons of errors do. */
const SLO_WARM_UP_MS = 30_000;

function addToSlo(
  before: SloState | undefined,
  interval: Interval,
  events: string | undefined,
  startedAt: number,
): SloState {
  const { canary } = before ?? { canary: NONE };
  const count = sloCount(interval.canary, events);
  if (count === undefined || count.total <= 0) return before ?? { canary };
  if (interval.from - startedAt < SLO_WARM_UP_MS) return { canary, seen: interval.to };
  return { canary: plus(canary, count), seen: interval.to };
}

function sloCount(arm: ArmInterval, events: string | undefined): Count | undefined {
  if (events !== undefined) return arm.events?.[events];
  return arm.errors === undefined ? undefined : { total: arm.requests, bad: arm.errors };
}

function isUsable({ until }: JudgeState, { from, to, canary, primary }: Interval): boolean {
  return from >= until && to > from && isSane(canary) && (primary === undefined || isSane(primary));
}

function isSane({ requests, errors = 0, latency, latencies = {}, events = {} }: ArmInterval): boolean {
  const histograms = [...(latency === undefined ? [] : [latency]), ...Object.values(latencies)];
  return (
    isCount({ total: requests, bad: errors }) &&
    Object.values(events).every(isCount) &&
    histograms.every(({ counts }) => counts.every((count) => Number.isFinite(count) && count >= 0))
  );
}

function isCount({ total, bad }: Count): boolean {
  return Number.isFinite(total) && bad >= 0 && bad <= total;
}

function judgementOf(state: JudgeState, context: LookContext, interval: Interval): Judgement {
  const { settings } = context;
  const weighed = combine(state, context);
  const pace = (arm: ArmInterval | undefined) => (arm?.requests ?? 0) / Math.max(1, interval.to - interval.from);
  const shared = { state, context, weighed, pace: { canary: pace(interval.canary), primary: pace(interval.primary) } };
  const checks = [
    ...settings.comparisons.map((comparison) => judgeComparison(comparison, shared)),
    ...settings.slos.map((each) => judgeSlo(each, shared)),
  ];
  const verdict = join(
    checks.filter(({ mode }) => mode === "Gate").map((check) => check.verdict),
    state,
    weighed,
  );
  const judgement: Omit<Judgement, "message"> = {
    verdict,
    logEvidence: weighed.logEvidence,
    logNeeded: weighed.logNeeded,
    lean: Math.exp(weighed.logLean),
    mayAdvance:
      state.failed === undefined &&
      weighed.logEvidence < weighed.logNeeded &&
      Math.exp(weighed.logLean) < LEAN &&
      wasSeen(state, interval, context),
    ...(state.failed !== undefined && { failed: state.failed }),
    checks,
  };
  return { ...judgement, message: judgementSentence(judgement) };
}

const SEVERITY: readonly Verdict[] = ["Fail", "Error", "NoData", "Undecided", "Pass"];

/** The worst verdict of the gating checks. Silence is worse than doubt, and neither is failure. */
function join(verdicts: readonly Verdict[], { failed }: JudgeState, { logLean }: Weighed): Verdict {
  if (failed !== undefined) return "Fail";
  const worst = SEVERITY.find((severity) => verdicts.includes(severity)) ?? "Undecided";
  return worst === "Pass" && Math.exp(logLean) >= LEAN ? "Undecided" : worst;
}

/** The canary has had requests in this interval, and nothing that was counted before has gone silent. */
function wasSeen(state: JudgeState, interval: Interval, { settings }: LookContext): boolean {
  const gating = settings.comparisons.filter(({ mode }) => mode === "Gate");
  const fresh = gating.filter((comparison) => {
    const decisive = decisiveProcess(
      state.comparisons[comparison.name] ?? newComparison(comparison),
      comparison,
      false,
    );
    return (
      decisive === undefined ||
      interval.to - (state.comparisons[comparison.name]?.seen ?? state.startedAt) <= settings.silenceMs
    );
  });
  return interval.canary.requests > 0 && fresh.length === gating.length;
}
