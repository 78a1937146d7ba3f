import { dispersionIn, evidenceOf, newComparison, type Evidence } from "./comparison.ts";
import { excludesOutage, wouldHaveShown } from "./burst.ts";
import { NONE } from "./count.ts";
import { logSumExp, poissonCdf } from "./numeric.ts";
import { isBudgetSpent, logSloEvidence } from "./sloTest.ts";
import type { ArmCounts, Count, Failure, JudgeSettings, JudgeState, LookContext, Minima } from "./types.ts";

/** The evidence of one check, and how it counts. */
export interface WeighedCheck {
  readonly name: string;
  /** Share of α; 0 for a check that only reports. */
  readonly share: number;
  /** ln of its E-value, early and late process together. */
  readonly logEvidence: number;
  readonly logLean: number;
  readonly dispersion: number;
  readonly evidence?: Evidence;
}

export interface Weighed {
  readonly checks: readonly WeighedCheck[];
  readonly logEvidence: number;
  readonly logNeeded: number;
  readonly logLean: number;
}

/**
 * All gating checks as one E-value: E = Σ w_k·E_k with Σ w_k = 1 has mean ≤ 1 when no check has anything to find,
 * however the checks depend on each other, so that E ≥ 1/α bounds the false rollbacks of the whole rollout by α. It is
 * never weaker than giving each check its part of α (weighted Bonferroni), and stronger when several move.
 * Within a check the early and the late process are averaged for the same reason; giving each its own threshold 2/α
 * would cross later or at the same time. An early process that is given up counts 0 from then on, which any E-value may.
 * Source: Vovk and Wang 2021, Annals of Statistics 49(3), "E-values: calibration, combination and applications".
 */
export function combine(state: JudgeState, { settings, lastStep }: LookContext): Weighed {
  const shares = sharesOf(settings);
  const comparisons = settings.comparisons.map((comparison): WeighedCheck => {
    const known = state.comparisons[comparison.name] ?? newComparison(comparison);
    const dispersion = dispersionIn(known, comparison, settings);
    const evidence = evidenceOf(known, dispersion);
    const both = state.earlyDropped ? [evidence.late] : [evidence.early, evidence.late];
    return {
      name: comparison.name,
      share: shares.get(comparison.name) ?? 0,
      logEvidence: logSumExp(both) - Math.LN2,
      logLean: evidence.late,
      dispersion,
      evidence,
    };
  });
  const slos = settings.slos.map((slo): WeighedCheck => {
    const dispersion = (settings.history[slo.name] ?? settings.history["errors"])?.dispersion ?? 1;
    const canary = state.slos[slo.name]?.canary ?? NONE;
    const log = logSloEvidence(slo, canary, lastStep, dispersion);
    return { name: slo.name, share: shares.get(slo.name) ?? 0, logEvidence: log, logLean: log, dispersion };
  });
  const checks = [...comparisons, ...slos];
  const mean = (pick: (check: WeighedCheck) => number) =>
    logSumExp(checks.filter(({ share }) => share > 0).map((check) => Math.log(check.share) + pick(check)));
  return {
    checks,
    logEvidence: mean((check) => check.logEvidence),
    logLean: mean((check) => check.logLean),
    logNeeded: -Math.log(settings.alpha),
  };
}

function sharesOf(settings: JudgeSettings): ReadonlyMap<string, number> {
  const gating = [...settings.comparisons, ...settings.slos].filter(({ mode }) => mode === "Gate");
  const total = gating.reduce((sum, { share }) => sum + share, 0);
  return new Map(gating.map(({ name, share }) => [name, share / total]));
}

type Newest = Readonly<Record<string, readonly (ArmCounts | undefined)[]>>;

/**
 * Whether the evidence fails the canary now. The look before must have been half of the way already, so that one bad
 * scrape does not; not by one burst of failures; not when the newest look shows that it is over; at once when the canary
 * is grossly worse, or when the error budget's share is burnt. All of these only ever withhold a failure that the
 * evidence allows, so α stays.
 */
export function decideFailure(state: JudgeState, newest: Newest, context: LookContext): JudgeState {
  const spent = budgetFailure(state, context.settings);
  if (spent !== undefined) return { ...state, failed: spent };
  const weighed = combine(state, context);
  const suspect = weighed.logEvidence >= weighed.logNeeded / 2;
  if (weighed.logEvidence < weighed.logNeeded) return { ...state, suspect };
  const top = strongest(weighed);
  if (!hasEnough(state, top, context.settings)) return state;
  if (!isSpread(state, newest, top)) return { ...state, suspect };
  const failed = (cause: Failure["cause"]): JudgeState => ({
    ...state,
    failed: { check: top.name, cause, at: state.until },
  });
  if (isGross(state, newest, top, context.settings)) return failed("FailFast");
  if (!state.earlyDropped && startIsOver(state, top))
    return decideFailure({ ...state, earlyDropped: true }, newest, context);
  if (hasRecovered(state, newest, top)) return { ...state, suspect: false, earlyDropped: true };
  return state.suspect ? failed("Evidence") : { ...state, suspect };
}

function budgetFailure(state: JudgeState, { slos }: JudgeSettings): Failure | undefined {
  const spent = slos.find((slo) => {
    const known = state.slos[slo.name];
    return slo.mode === "Gate" && known !== undefined && isBudgetSpent(slo, known.canary);
  });
  return spent === undefined ? undefined : { check: spent.name, cause: "Budget", at: state.until };
}

/** The gating check that says most. */
function strongest({ checks }: Weighed): WeighedCheck {
  const [first, ...rest] = checks.filter(({ share }) => share > 0);
  if (first === undefined) throw new Error("evidence without a gating check");
  const weight = (check: WeighedCheck) => Math.log(check.share) + check.logEvidence;
  return rest.reduce((best, check) => (weight(check) > weight(best) ? check : best), first);
}

function hasEnough(state: JudgeState, { name, evidence }: WeighedCheck, settings: JudgeSettings): boolean {
  const track = state.comparisons[name]?.tracks[evidence?.strongest ?? 0];
  const canary = (state.earlyDropped ? track?.late.canary : track?.early.canary) ?? state.slos[name]?.canary;
  const { bad, total } = minimaOf(name, settings);
  return canary !== undefined && canary.bad >= bad && canary.total >= total;
}

/** Intervals: with the primary calm meanwhile, and whatever it showed. */
const SPREAD = { beside: 3, alone: 6 } as const;

/**
 * Several intervals of their own speak against the canary, and the primary would have shown an outage of both meanwhile; or
 * many intervals do; or one does in which an outage is excluded by itself. A quiet primary sleeps through an outage of some
 * minutes now and then, so what it has not shown in three intervals proves little there.
 */
function isSpread(state: JudgeState, newest: Newest, { name, evidence }: WeighedCheck): boolean {
  const index = evidence?.strongest ?? 0;
  const track = state.comparisons[name]?.tracks[index];
  if (track === undefined) return true;
  const process = state.earlyDropped ? track.late : track.early;
  const { accusing = 0 } = process;
  const counts = newest[name]?.[index];
  if (accusing >= SPREAD.alone || (counts !== undefined && excludesOutage(counts))) return true;
  // Slow answers of a cold start are the canary's alone, so a calm primary proves nothing about them.
  return accusing >= SPREAD.beside && (track.edge !== undefined || wouldHaveShown(process));
}

/** What a check needs at least, of its own or as all do. */
export function minimaOf(name: string, { comparisons, slos, minBad, minTotal }: JudgeSettings): Minima {
  return [...comparisons, ...slos].find((check) => check.name === name)?.minima ?? { bad: minBad, total: minTotal };
}

/**
 * Five bad requests and ten points above the primary, and the newest look says the same by itself. Of slow requests a
 * cold cache makes many at once; so only failed ones end a canary like that.
 */
function isGross(state: JudgeState, newest: Newest, { name }: WeighedCheck, { comparisons }: JudgeSettings): boolean {
  const counts = newest[name]?.[0];
  const track = state.comparisons[name]?.tracks[0];
  if (
    counts === undefined ||
    track === undefined ||
    comparisons.find((each) => each.name === name)?.kind === "latency"
  ) {
    return false;
  }
  const { canary, primary } = state.earlyDropped ? track.late : track.early;
  return canary.bad >= 5 && counts.canary.bad >= 2 && excess({ canary, primary }) >= GROSS && excess(counts) >= GROSS;
}

const GROSS = 0.1;

function excess({ canary, primary }: ArmCounts): number {
  return canary.bad / canary.total - (primary.total === 0 ? 0 : primary.bad / primary.total);
}

/**
 * What came after the late start has far fewer bad requests than a canary as bad as at the start would have had. Then
 * the early process, which remembers the start, is given up.
 */
function startIsOver(state: JudgeState, { name, evidence, dispersion }: WeighedCheck): boolean {
  const track = state.comparisons[name]?.tracks[evidence?.strongest ?? 0];
  if (track === undefined) return false;
  const { early, late } = track;
  const start = { total: early.canary.total - late.canary.total, bad: early.canary.bad - late.canary.bad };
  return chanceOf(late.canary, start, dispersion) < 0.01;
}

/**
 * The newest look has far fewer bad requests than a canary as bad as until now would have had: on the track that says
 * most, or on the first one, which has most requests.
 */
function hasRecovered(state: JudgeState, newest: Newest, { name, evidence, dispersion }: WeighedCheck): boolean {
  return [0, evidence?.strongest ?? 0].some((index) => {
    const counts = newest[name]?.[index];
    const track = state.comparisons[name]?.tracks[index];
    if (counts === undefined || track === undefined) return false;
    return chanceOf(counts.canary, (state.earlyDropped ? track.late : track.early).canary, dispersion) < 0.05;
  });
}

/** The chance of so few bad requests now, or fewer, at the rate of before. */
function chanceOf(now: Count, before: Count, dispersion: number): number {
  if (now.total === 0 || before.total === 0) return 1;
  const mean = (before.bad / before.total) * now.total;
  return poissonCdf(Math.floor(now.bad / dispersion), mean / dispersion);
}
