import type { Verdict } from "../api/status.ts";
import { minimaOf } from "./combine.ts";
import type { Weighed, WeighedCheck } from "./combine.ts";
import { decisiveProcess, logEquivalenceOf, newComparison, rateOf } from "./comparison.ts";
import { NONE } from "./count.ts";
import { detectable, detectableAgainst, type Traffic } from "./detectable.ts";
import { checkSentence } from "./sentence.ts";
import { logSloMet } from "./sloTest.ts";
import type {
  CheckJudgement,
  ComparisonSettings,
  JudgeState,
  LookContext,
  ProcessState,
  SloSettings,
} from "./types.ts";

export interface Shared {
  readonly state: JudgeState;
  readonly context: LookContext;
  readonly weighed: Weighed;
  /** Requests in each millisecond, newest interval. */
  readonly pace: Traffic;
}

const NOTHING: ProcessState = { sums: [], canary: NONE, primary: NONE, expected: 0 };

export function judgeComparison(comparison: ComparisonSettings, shared: Shared): CheckJudgement {
  const { state, context } = shared;
  const known = state.comparisons[comparison.name] ?? newComparison(comparison);
  const weighed = find(shared, comparison.name);
  const decisive = decisiveProcess(known, comparison, state.earlyDropped) ?? NOTHING;
  const logNeeded = logNeededBy(weighed, shared);
  const passes =
    decisive.canary.total >= minimaOf(comparison.name, context.settings).total &&
    logEquivalenceOf(known, decisive, comparison, weighed.dispersion) >= -Math.log(context.settings.beta);
  const verdict = verdictOf({ name: comparison.name, seen: known.seen, weighed, passes, logNeeded }, shared);
  // Before the late process has begun, what there is to show is the early one's.
  const shown = decisive.canary.total > 0 ? decisive : (known.tracks[0]?.early ?? NOTHING);
  const rate = rateOf(shown);
  const edge = known.tracks[0]?.edge;
  const judged = {
    name: comparison.name,
    mode: comparison.mode,
    verdict,
    canary: shown.canary,
    primary: shown.primary,
    ...(rate > 0 && { ratio: shown.canary.bad / shown.canary.total / rate }),
    logEvidence: weighed.logEvidence,
    logNeeded,
    dispersion: weighed.dispersion,
    ...(verdict === "Undecided" && { detectable: detectableFor(decisive, weighed, logNeeded, shared.pace) }),
    ...(edge !== undefined && { edge }),
  };
  return { ...judged, message: checkSentence(judged, logNeeded) };
}

function detectableFor(decisive: ProcessState, weighed: WeighedCheck, logNeeded: number, pace: Traffic) {
  return detectable({
    // A primary without a single failure is taken for one with half a failure.
    rate: Math.max(rateOf(decisive), 0.5 / Math.max(1, decisive.primary.total)),
    seen: { canary: decisive.canary.total, primary: decisive.primary.total },
    pace,
    dispersion: weighed.dispersion,
    logNeeded,
  });
}

export function judgeSlo(slo: SloSettings, shared: Shared): CheckJudgement {
  const { state, context } = shared;
  const known = state.slos[slo.name];
  const weighed = find(shared, slo.name);
  const canary = known?.canary ?? NONE;
  const logNeeded = logNeededBy(weighed, shared);
  const passes =
    canary.total >= minimaOf(slo.name, context.settings).total &&
    logSloMet(slo, canary) >= -Math.log(context.settings.beta);
  const verdict = verdictOf({ name: slo.name, seen: known?.seen, weighed, passes, logNeeded }, shared);
  const { dispersion } = weighed;
  const needs = {
    slo,
    lastStep: context.lastStep,
    seen: canary.total,
    pace: shared.pace.canary,
    dispersion,
    logNeeded,
  };
  const judged = {
    name: slo.name,
    mode: slo.mode,
    verdict,
    canary,
    logEvidence: weighed.logEvidence,
    logNeeded,
    dispersion,
    allowed: 1 - slo.objective,
    ...(verdict === "Undecided" && { detectable: detectableAgainst(needs) }),
  };
  return { ...judged, message: checkSentence(judged, logNeeded) };
}

interface Judged {
  readonly name: string;
  readonly seen: number | undefined;
  readonly weighed: WeighedCheck;
  readonly passes: boolean;
  readonly logNeeded: number;
}

function verdictOf({ name, seen, weighed, passes, logNeeded }: Judged, { state, context }: Shared): Verdict {
  if (state.failed?.check === name) return "Fail";
  // A check that only reports says by itself what it would have done.
  if (weighed.share === 0 && weighed.logEvidence >= logNeeded) return "Fail";
  if (state.until - (seen ?? state.startedAt) >= context.settings.silenceMs) return "NoData";
  return passes ? "Pass" : "Undecided";
}

function find({ weighed }: Shared, name: string): WeighedCheck {
  return (
    weighed.checks.find((check) => check.name === name) ?? { name, share: 0, logEvidence: 0, logLean: 0, dispersion: 1 }
  );
}

/** What this check alone would have to reach: 1/α over its share. */
function logNeededBy({ share }: WeighedCheck, { weighed }: Shared): number {
  return weighed.logNeeded - (share > 0 ? Math.log(share) : 0);
}
