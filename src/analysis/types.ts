import type { Verdict } from "../api/status.ts";
import type { Margins } from "./equivalence.ts";

/** Events of one arm: how many, and how many of them were bad. */
export interface Count {
  readonly total: number;
  readonly bad: number;
}

/** The same stretch of time in both arms. */
export interface ArmCounts {
  readonly canary: Count;
  readonly primary: Count;
}

/** Cumulative, as Prometheus counts: `counts[i]` requests took at most `edges[i]` ms. Edges ascend; +Inf is left out. */
export interface Histogram {
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  /** Requests that were timed; left out: all requests of the arm. */
  readonly total?: number;
}

/** What one arm did in one interval: differences of counters, not rates and not totals. */
export interface ArmInterval {
  readonly requests: number;
  /** Left out when nobody counts errors. */
  readonly errors?: number;
  /** Left out when nobody measures latency. */
  readonly latency?: Histogram;
  /** Latencies by the name of their check, where checks have different ones. */
  readonly latencies?: Readonly<Record<string, Histogram>>;
  /** Other good/bad counters, by the name of their check. */
  readonly events?: Readonly<Record<string, Count>>;
}

/**
 * One tile of time, in milliseconds since the Unix epoch. Tiles never overlap; a gap between them loses data but
 * nothing else. An interval that is incomplete in one arm must be left out altogether.
 */
export interface Interval {
  readonly from: number;
  readonly to: number;
  readonly canary: ArmInterval;
  readonly primary?: ArmInterval;
}

/** Gate acts; Report shows what it would have done and takes no share of the error budget α. */
export type CheckMode = "Gate" | "Report";

export interface ComparisonSettings {
  /** Unique; for `events` it is also the key in `ArmInterval.events`. */
  readonly name: string;
  readonly kind: "errors" | "latency" | "events";
  readonly mode: CheckMode;
  /** A canary is as good as the primary when its share of bad requests is less than so much higher: 0.01 is one point. */
  readonly margin: number;
  /** Evidence before it, counted from the first weight, is forgiven. In milliseconds. */
  readonly warmUpMs: number;
  /** Share of α relative to the other gating checks. */
  readonly share: number;
  /** For latency: an edge in ms that is always looked at when both arms have it. */
  readonly edge?: number;
  /** Instead of those of all checks. */
  readonly minima?: Minima;
}

/** What a check needs at least. */
export interface Minima {
  /** Fewer bad canary events than this never fail it. */
  readonly bad: number;
  /** Fewer canary events than this decide nothing. */
  readonly total: number;
}

export interface SloSettings {
  readonly name: string;
  readonly mode: CheckMode;
  /** Share of requests that must be good, between 0 and 1: 0.999. */
  readonly objective: number;
  /** Requests of the whole service in the SLO's period; without it the budget stop is off. */
  readonly periodRequests?: number;
  /** Share of the period's error budget that one canary may burn. */
  readonly budgetShare: number;
  readonly share: number;
  /** Key in `ArmInterval.events`; left out: requests and errors of the canary. */
  readonly events?: string;
  /** Instead of those of all checks. */
  readonly minima?: Minima;
}

/** The primary before the rollout; see `past.ts`. */
export interface History {
  /** The newest hour; its bad events are those that all hours let expect, where its own fit them. */
  readonly count: Count;
  /** All hours that are known; left out when they are not more than that one. */
  readonly long?: Count;
  /** How many bad events come together, ≥ 1; see `dispersion.ts`. */
  readonly dispersion: number;
}

/** What Σd² and Σ of the pairs amount to; see `dispersion.ts`. */
export interface DispersionSums {
  readonly squares: number;
  readonly total: number;
  readonly pairs: number;
}

export interface JudgeSettings {
  readonly comparisons: readonly ComparisonSettings[];
  readonly slos: readonly SloSettings[];
  /** Chance of rolling a healthy canary back, for the whole rollout and all gating checks together. */
  readonly alpha: number;
  /** Chance of passing a canary that is worse by the margin, for each check. */
  readonly beta: number;
  /** The second process, which has never seen the start, begins here. In milliseconds since the first weight. */
  readonly lateStartMs: number;
  /** The margin of equivalence is fixed here, by the traffic seen until then. In milliseconds since the first weight. */
  readonly minDurationMs: number;
  /** Until then an undecided canary is waited for. In milliseconds since the first weight. */
  readonly maxDurationMs: number;
  /** No events for so long is NoData. In milliseconds. */
  readonly silenceMs: number;
  /** Fewer bad canary events than this never fail a check. */
  readonly minBad: number;
  /** Fewer canary events than this decide nothing. */
  readonly minTotal: number;
  /** By check, of the primary before the rollout; a check without one learns as it goes. */
  readonly history: Readonly<Record<string, History>>;
}

/** Evidence and totals since one process began. */
export interface ProcessState {
  /** One log-likelihood ratio for each ratio of the grid, not yet tempered. */
  readonly sums: readonly number[];
  readonly canary: Count;
  readonly primary: Count;
  /** Bad canary events to be expected if the canary were like the primary in each interval. */
  readonly expected: number;
  /** Intervals that spoke against the canary; left out: none. */
  readonly accusing?: number;
  /** Bad primary events, if in each interval the primary had had the canary's bad share; left out: none. */
  readonly mirrored?: number;
}

/** What of a process speaks against the canary. */
export type Said = Pick<ProcessState, "sums" | "mirrored">;

export interface TrackState {
  /** For latency: bad means slower than this, in ms. */
  readonly edge?: number;
  /** All of the primary since the first weight. */
  readonly usual: Count;
  /** The primary's last interval was an outage. */
  readonly outage: boolean;
  /** An outage is not to be trusted until then, in ms since the first weight. */
  readonly doubtUntil?: number;
  /** What both processes held before the last interval, when that spoke against the canary. */
  readonly before?: { readonly early: Said; readonly late: Said };
  readonly early: ProcessState;
  readonly late: ProcessState;
}

export interface ComparisonState {
  /** One for counts, up to six for latency; none until the edges are chosen. */
  readonly tracks: readonly TrackState[];
  /** The primary's histogram until the edges are chosen. */
  readonly pending?: Histogram & { readonly total: number };
  /** Margins of equivalence as the canary's bad share over the primary's, once fixed. */
  readonly margins?: Margins;
  /** When both arms last had events, in ms since the epoch. */
  readonly seen?: number;
  /** Over-dispersion of the primary as measured in this rollout. */
  readonly dispersion: DispersionSums;
  /** The primary's previous interval, for that. */
  readonly previous?: Count;
}

export interface SloState {
  readonly canary: Count;
  readonly seen?: number;
}

/** Everything that is remembered between two looks: sums only, bounded by the number of checks, plain JSON. */
export interface JudgeState {
  readonly startedAt: number;
  /** End of the last interval. */
  readonly until: number;
  readonly comparisons: Readonly<Record<string, ComparisonState>>;
  readonly slos: Readonly<Record<string, SloState>>;
  /** The evidence of the last look was at least half of the way, on its logarithmic scale. */
  readonly suspect: boolean;
  /** The early process was given up, since what it had seen had passed. */
  readonly earlyDropped: boolean;
  /** Why it failed. A failure is final. */
  readonly failed?: Failure;
}

export interface Failure {
  readonly check: string;
  readonly cause: "Evidence" | "FailFast" | "Budget";
  readonly at: number;
}

export interface LookContext {
  readonly settings: JudgeSettings;
  /** On the last step, before promotion, an SLO is held to the slower burn as well. */
  readonly lastStep: boolean;
}

/** What the evidence could have shown at this traffic. */
export interface Detectable {
  /** Smallest ratio of the canary's bad share to the primary's, or to what the objective allows, that would have shown by now; left out when not even the largest would have. */
  readonly now?: number;
  /** A smaller one, and how much longer it would take at the newest pace; left out when out of reach. */
  readonly next?: { readonly ratio: number; readonly ms: number };
}

export interface CheckJudgement {
  readonly name: string;
  readonly mode: CheckMode;
  readonly verdict: Verdict;
  readonly canary: Count;
  readonly primary?: Count;
  /** The canary's bad share over what the primary's would be; left out while that is 0. */
  readonly ratio?: number;
  /** ln of the E-value, and what it must reach for the check alone to fail. */
  readonly logEvidence: number;
  readonly logNeeded: number;
  readonly dispersion: number;
  readonly detectable?: Detectable;
  /** Of an objective: the share of bad requests that it allows. */
  readonly allowed?: number;
  /** For latency: bad means slower than this, in ms. */
  readonly edge?: number;
  /** The verdict with its evidence, as a sentence for people. */
  readonly message: string;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** ln of the combined E-value, and what it must reach to fail: ln(1/α). */
  readonly logEvidence: number;
  readonly logNeeded: number;
  /** E-value of the evidence since the late start; at 3 and above the canary is suspect and should not get more weight. */
  readonly lean: number;
  /** Nothing speaks against the next step: no failure, no suspicion, and the canary has been seen. */
  readonly mayAdvance: boolean;
  readonly failed?: Failure;
  readonly checks: readonly CheckJudgement[];
  readonly message: string;
}
