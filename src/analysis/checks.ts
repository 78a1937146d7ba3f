import type { Verdict } from "../api/status.ts";
import type { Weighed, WeighedCheck } from "./combine.ts";
import { decisiveProcess, logEquivalenceOf, newComparison, rateOf } from "./comparison.ts";
import { detectable, type Traffic } from "./detectable.ts";
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

const NOTHING: ProcessState = { sums: [], canary: { total: 0, bad: 0 }, primary: { total: 0, bad: 0 }, expected: 0 };

export function judgeComparison(comparison: ComparisonSettings, shared: Shared): CheckJudgement {
  const { state, context } = shared;
  const known = state.comparisons[comparison.name] ?? newComparison(comparison);
  const weighed = find(shared, comparison.name);
  const process = decisiveProcess(known, comparison, state.earlyDropped) ?? NOTHING;
  const logNeeded = logNeededBy(weighed, shared);
  const passes =
    process.canary.total >= context.settings.minTotal &&
    logEquivalenceOf(known, process, comparison, weighed.dispersion) >= -Math.log(context.settings.beta);
  const verdict = verdictOf({ name: comparison.name, seen: known.seen, weighed, passes, logNeeded }, shared);
  const rate = rateOf(process);
  const edge = known.tracks[0]?.edge;
  const judged = {
    name: comparison.name,
    mode: comparison.mode,
    verdict,
    canary: process.canary,
    primary: process.primary,
    ...(rate > 0 && { ratio: process.canary.bad / process.canary.total / rate }),
    logEvidence: weighed.logEvidence,
    dispersion: weighed.dispersion,
    ...(verdict === "Undecided" && { detectable: detectableFor(process, weighed, logNeeded, shared.pace) }),
    ...(edge !== undefined && { edge }),
  };
  return { ...judged, message: checkSentence(judged, logNeeded) };
}

function detectableFor(process: ProcessState, weighed: WeighedCheck, logNeeded: number, pace: Traffic) {
  return detectable({
    // A primary without a single failure is taken for one with half a failure.
    rate: Math.max(rateOf(process), 0.5 / Math.max(1, process.primary.total)),
    seen: { canary: process.canary.total, primary: process.primary.total },
    pace,
    dispersion: weighed.dispersion,
    logNeeded,
  });
}

export function judgeSlo(slo: SloSettings, shared: Shared): CheckJudgement {
  const { state, context } = shared;
  const known = state.slos[slo.name];
  const weighed = find(shared, slo.name);
  const canary = known?.canary ?? { total: 0, bad: 0 };
  const logNeeded = logNeededBy(weighed, shared);
  const passes =
    canary.total >= context.settings.minTotal && logSloMet(slo, canary) >= -Math.log(context.settings.beta);
  const verdict = verdictOf({ name: slo.name, seen: known?.seen, weighed, passes, logNeeded }, shared);
  const judged = {
    name: slo.name,
    mode: slo.mode,
    verdict,
    canary,
    logEvidence: weighed.logEvidence,
    dispersion: weighed.dispersion,
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
