import { isOutage, OUTAGE, PAST_INTERVALS, pulledShare, usualShare } from "./usual.ts";
import { mirroredBy, mostOf } from "./burst.ts";
import { NONE, plus } from "./count.ts";
import { addEvidence, logEvidence, NO_EVIDENCE } from "./countTest.ts";
import { addSuccessive, dispersionOf, NOTHING_MEASURED, UNKNOWN } from "./dispersion.ts";
import { achievableMargins, firstMargin, logEquivalence } from "./equivalence.ts";
import { addPending, chooseEdges, slowerThan } from "./histogram.ts";
import { rounded } from "./numeric.ts";
import type {
  ArmCounts,
  ArmInterval,
  ComparisonSettings,
  ComparisonState,
  Count,
  Histogram,
  Interval,
  JudgeSettings,
  ProcessState,
  Said,
  TrackState,
} from "./types.ts";

const FRESH: ProcessState = { sums: NO_EVIDENCE, canary: NONE, primary: NONE, expected: 0 };

/** A canary like the primary is to be expected to pass with so many times the evidence that is needed. */
const SLACK = { errors: 1.1, events: 1.1, latency: 2 } as const;

export function newComparison({ kind }: ComparisonSettings): ComparisonState {
  return {
    tracks: kind === "latency" ? [] : [{ usual: NONE, outage: false, early: FRESH, late: FRESH }],
    dispersion: NOTHING_MEASURED,
  };
}

/** When a comparison looks at an interval, in ms since the first weight. */
interface Clock {
  readonly from: number;
  readonly to: number;
}

/** One comparison after one more interval, and what that interval held for each of its tracks. */
export interface Looked {
  readonly state: ComparisonState;
  readonly newest: readonly (ArmCounts | undefined)[];
}

/** Adds an interval. One that lacks the comparison's data in either arm is skipped for both. */
export function addInterval(
  before: ComparisonState,
  interval: Interval,
  startedAt: number,
  comparison: ComparisonSettings,
  settings: JudgeSettings,
): Looked {
  const clock: Clock = { from: interval.from - startedAt, to: interval.to - startedAt };
  const prepared = withEdges(before, interval, comparison);
  const newest = prepared.tracks.map(({ edge }) => countsOf(interval, comparison, edge));
  const first = newest[0];
  const dispersion = dispersionIn(prepared, comparison, settings);
  const tracks = prepared.tracks.map((track, index) => {
    return addToTrack(track, newest[index], clock, { comparison, settings, dispersion });
  });
  const seen = first !== undefined && first.canary.total > 0 && first.primary.total > 0;
  // The interval in which an outage ends is half of one.
  const calm = ![...prepared.tracks, ...tracks].some(({ outage }) => outage);
  const state: ComparisonState = {
    ...prepared,
    tracks,
    ...(seen && { seen: interval.to }),
    ...(first !== undefined && calm && withDispersion(prepared, first.primary)),
  };
  return { state: withMargin(state, clock, comparison, settings), newest };
}

/** Outages are left out: how failures spread in them says nothing about the time after. */
function withDispersion(before: ComparisonState, primary: Count): Pick<ComparisonState, "dispersion" | "previous"> {
  return { dispersion: addSuccessive(before.dispersion, before.previous, primary), previous: primary };
}

function countsOf({ canary, primary }: Interval, comparison: ComparisonSettings, edge?: number): ArmCounts | undefined {
  const ofCanary = countOf(canary, comparison, edge);
  const ofPrimary = primary === undefined ? undefined : countOf(primary, comparison, edge);
  if (ofCanary === undefined || ofPrimary === undefined) return undefined;
  return { canary: ofCanary, primary: ofPrimary };
}

function countOf(arm: ArmInterval, { kind, name }: ComparisonSettings, edge?: number): Count | undefined {
  switch (kind) {
    case "errors":
      return arm.errors === undefined ? undefined : { total: arm.requests, bad: arm.errors };
    case "events":
      return arm.events?.[name];
    case "latency":
      return timed(arm, name, edge);
  }
}

function timed(arm: ArmInterval, name: string, edge: number | undefined): Count | undefined {
  const histogram = histogramOf(arm, name);
  return histogram === undefined || edge === undefined ? undefined : slowerThan(histogram, arm.requests, edge);
}

function histogramOf(arm: ArmInterval | undefined, name: string): Histogram | undefined {
  return arm?.latencies?.[name] ?? arm?.latency;
}

/** Chooses the edges of a latency comparison, from intervals before the one that is the first to be judged by them. */
function withEdges(before: ComparisonState, interval: Interval, comparison: ComparisonSettings): ComparisonState {
  if (comparison.kind !== "latency" || before.tracks.length > 0) return before;
  const { pending: known, ...rest } = before;
  const chosen = known === undefined ? undefined : chooseEdges(known, comparison.edge);
  if (chosen !== undefined && chosen.length > 0) {
    return { ...rest, tracks: chosen.map((edge) => ({ edge, usual: NONE, outage: false, early: FRESH, late: FRESH })) };
  }
  const [canary, primary] = [interval.canary, interval.primary].map((arm) => histogramOf(arm, comparison.name));
  if (canary === undefined || primary === undefined) return before;
  return {
    ...rest,
    tracks: [],
    pending: addPending(known, primary, canary, primary.total ?? interval.primary?.requests ?? 0),
  };
}

interface TrackContext {
  readonly comparison: ComparisonSettings;
  readonly settings: JudgeSettings;
  readonly dispersion: number;
}

function addToTrack(track: TrackState, counts: ArmCounts | undefined, clock: Clock, context: TrackContext): TrackState {
  if (counts === undefined) return track;
  const { comparison, settings, dispersion } = context;
  const past = settings.history[comparison.name]?.count ?? NONE;
  const usual = usualShare(track, counts.primary, past, PAST_INTERVALS.share);
  const lately = usualShare(track, counts.primary, past, PAST_INTERVALS.outage);
  const outage = isOutage(counts.primary, lately, dispersion);
  const isDoubtful = outage || clock.from < (track.doubtUntil ?? 0);
  const most = dispersion * mostOf(counts, comparison.kind);
  const add = isDoubtful
    ? (before: ProcessState) => ({ ...before, sums: addEvidence(before.sums, counts, { doubt: OUTAGE.doubt, most }) })
    : (before: ProcessState) => addToProcess(before, counts, { usual, dispersion, most });
  const { warmUpMs } = comparison;
  const { before, ...rest } = track;
  const trusted = outage && !track.outage && before !== undefined ? takenBack(rest, before) : rest;
  const early = clock.from >= warmUpMs ? add(trusted.early) : trusted.early;
  const late = clock.from >= Math.max(settings.lateStartMs, warmUpMs) ? add(trusted.late) : trusted.late;
  const accuses = (early.accusing ?? 0) > (trusted.early.accusing ?? 0);
  return {
    ...trusted,
    usual: outage ? plus(track.usual, scaled(counts.primary, OUTAGE.weight)) : plus(track.usual, counts.primary),
    outage,
    ...(outage && { doubtUntil: clock.to + afterMs(counts.primary, clock) }),
    early,
    late,
    ...(accuses && { before: { early: saidBy(trusted.early), late: saidBy(trusted.late) } }),
  };
}

/** How long an outage of the primary is not to be trusted to be over. */
function afterMs({ total }: Count, { from, to }: Clock): number {
  const { requests, leastMs, mostMs } = OUTAGE.after;
  return Math.min(mostMs, Math.max(leastMs, (requests * (to - from)) / Math.max(1, total)));
}

/**
 * An outage that the primary shows now may have met the canary's requests first, so what the last interval said against
 * the canary is dropped. E only gets smaller.
 */
function takenBack(track: TrackState, before: NonNullable<TrackState["before"]>): TrackState {
  const lower = (held: ProcessState, { sums, mirrored = 0 }: Said): ProcessState => ({
    ...held,
    sums: held.sums.map((sum, index) => Math.min(sum, sums[index] ?? sum)),
    accusing: Math.max(0, (held.accusing ?? 0) - 1),
    mirrored,
  });
  return { ...track, early: lower(track.early, before.early), late: lower(track.late, before.late) };
}

function saidBy({ sums, mirrored }: ProcessState): Said {
  return { sums, ...(mirrored !== undefined && { mirrored }) };
}

interface Adding {
  /** The primary's usual bad share. */
  readonly usual: number;
  readonly dispersion: number;
  /** The most that may speak against the canary. */
  readonly most: number;
}

function addToProcess(before: ProcessState, counts: ArmCounts, { usual, dispersion, most }: Adding): ProcessState {
  const { canary, primary } = counts;
  // Without a primary in the interval there is nothing to compare with; such requests are left out of the totals too.
  if (canary.total <= 0 || primary.total <= 0) return before;
  const sums = addEvidence(before.sums, counts, { most });
  const accuses = sums.some((sum, index) => sum > (before.sums[index] ?? 0));
  const accusing = (before.accusing ?? 0) + (accuses ? 1 : 0);
  const mirrored = (before.mirrored ?? 0) + mirroredBy(counts);
  return {
    sums,
    ...(accusing > 0 && { accusing }),
    ...(mirrored > 0 && { mirrored: rounded(mirrored) }),
    canary: plus(before.canary, canary),
    primary: plus(before.primary, primary),
    expected: rounded(before.expected + canary.total * pulledShare(primary, usual, dispersion)),
  };
}

function scaled({ total, bad }: Count, factor: number): Count {
  return { total: rounded(total * factor), bad: rounded(bad * factor) };
}

function withMargin(
  state: ComparisonState,
  clock: Clock,
  comparison: ComparisonSettings,
  settings: JudgeSettings,
): ComparisonState {
  const decisive = decisiveProcess(state, comparison, false);
  if (state.margins !== undefined || clock.to < settings.minDurationMs || decisive === undefined) return state;
  const { clean, doubted } = achievableMargins({
    total: decisive.canary.total,
    rate: rateOf(decisive),
    widest: comparison.margin,
    dispersion: dispersionIn(state, comparison, settings),
    logNeeded: -Math.log(settings.beta),
    slack: SLACK[comparison.kind],
    patient: comparison.kind !== "latency",
    expectedBad: expectedBadBy(settings, decisive, comparison),
  });
  return { ...state, margins: { clean: rounded(clean), doubted: rounded(doubted) } };
}

/** Bad canary events by the end of the rollout, if it is like the primary and its weight has risen evenly until now. */
function expectedBadBy(
  { history, minDurationMs, maxDurationMs }: JudgeSettings,
  { canary }: ProcessState,
  { name }: ComparisonSettings,
): number {
  const known = history[name];
  if (known === undefined) return 0;
  const { total, bad } = known.long ?? known.count;
  const left = Math.max(0, maxDurationMs - minDurationMs) / Math.max(1, minDurationMs);
  return (canary.total * (1 + 2 * left) * Math.max(0.5, bad)) / Math.max(1, total);
}

/** Bad share that the canary would have if it were like the primary. */
export function rateOf({ expected, canary }: ProcessState): number {
  return canary.total === 0 ? 0 : Math.min(1, expected / canary.total);
}

/**
 * The process that equivalence is judged by: all of it for counts; for latency, and after a start that is over and
 * forgiven, the one that has not seen the start.
 */
export function decisiveProcess(
  { tracks: [first] }: ComparisonState,
  { kind }: ComparisonSettings,
  earlyDropped: boolean,
): ProcessState | undefined {
  return kind === "latency" || earlyDropped ? first?.late : first?.early;
}

/** Over-dispersion as measured before the rollout, else as the primary has shown it since. */
export function dispersionIn(
  state: ComparisonState,
  { name, kind }: ComparisonSettings,
  settings: JudgeSettings,
): number {
  const learnt = () => dispersionOf(state.dispersion, kind === "latency" ? undefined : UNKNOWN);
  return settings.history[name]?.dispersion ?? learnt();
}

/** ln of the likelihood ratio "like the primary" over "worse by the margin". */
export function logEquivalenceOf(
  state: ComparisonState,
  decisive: ProcessState,
  comparison: ComparisonSettings,
  dispersion: number,
): number {
  const { canary } = decisive;
  const rate = rateOf(decisive);
  const fixed = canary.bad === 0 ? state.margins?.clean : state.margins?.doubted;
  return logEquivalence({ canary, rate, margin: fixed ?? firstMargin(comparison.margin, rate), dispersion });
}

export interface Evidence {
  readonly early: number;
  readonly late: number;
  /** Index of the track that says most. */
  readonly strongest: number;
}

/** `ln E` of both processes, each the mean over the tracks: tracks of one histogram depend on each other, means do not mind. */
export function evidenceOf({ tracks }: ComparisonState, dispersion: number): Evidence {
  if (tracks.length === 0) return { early: 0, late: 0, strongest: 0 };
  const early = tracks.map((track) => logEvidence(track.early.sums, dispersion));
  const late = tracks.map((track) => logEvidence(track.late.sums, dispersion));
  const both = tracks.map((_, index) => Math.max(early[index] ?? 0, late[index] ?? 0));
  return { early: logMean(early), late: logMean(late), strongest: both.indexOf(Math.max(...both)) };
}

function logMean(logs: readonly number[]): number {
  const highest = Math.max(...logs);
  return highest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - highest), 0) / logs.length);
}
