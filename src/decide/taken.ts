import type { Count, Histogram, History } from "../analysis/types.ts";
import type { CheckEvidence, CheckStatus, Judging } from "../api/status.ts";
import type { Reading, Refusal } from "../metrics/provider.ts";

/** Evidence about who gets the requests. */
export type TakenEvidence =
  /** Percent of the requests that the canary gets, by the metrics. */
  | { readonly kind: "share"; readonly percent: number }
  | { readonly kind: "probe"; readonly sent: number; readonly hits: number; readonly answered: number }
  | { readonly kind: "none"; readonly message: string };

export interface TakenReading {
  readonly query: string;
  /** When it was asked, in milliseconds since the Unix epoch. */
  readonly at: number;
  readonly reading: Reading;
}

/** What one test of a judged check looks at. */
export type TakenStream =
  | { readonly kind: "counts"; readonly canary: Count; readonly primary: Count }
  | { readonly kind: "histograms"; readonly canary: Histogram; readonly primary: Histogram }
  /** Nobody counts the versions apart. */
  | { readonly kind: "unsupported"; readonly message: string }
  | Refusal;

export type Signalled = CheckEvidence["signal"];

/** One stretch of time, the same for all checks and for both versions; in milliseconds since the Unix epoch. */
export interface TakenTile {
  readonly askedAt: number;
  readonly from: number;
  readonly to: number;
  /** By `streamKey`. */
  readonly streams: Readonly<Record<string, TakenStream>>;
  /** As they were asked, by check. */
  readonly queries: Readonly<Record<string, NonNullable<CheckStatus["queries"]>>>;
  readonly sources: NonNullable<Judging["sources"]>;
  /** The primary in the hours before the rollout, by `streamKey`; with the first tile of a rollout. */
  readonly history?: Readonly<Record<string, History>>;
}

/** How the pods of a canary fare; times in milliseconds since the Unix epoch. */
export interface TakenPods {
  readonly at: number;
  readonly total: number;
  /** Containers that have restarted since the canary first had users. */
  readonly restarts: number;
  /** A crash loop or a kill for want of memory, as a sentence. */
  readonly broken?: string;
  /** Pods that were ready and are not any more. */
  readonly unready: readonly { readonly pod: string; readonly since: number }[];
  /** They could not be looked at. */
  readonly unreachable?: string;
}

/** What a check that is asked every interval brought. */
export type Taken = TakenReading | TakenSaturation;

/** How full the containers of a canary are. */
export interface TakenSaturation {
  readonly at: number;
  /** As they were asked. */
  readonly queries: NonNullable<CheckStatus["queries"]>;
  readonly found: FoundSaturation | Refusal;
}

export interface FoundSaturation {
  readonly kind: "percents";
  /** Whether anything is known of the canary's containers, limits or not. */
  readonly known: boolean;
  readonly percents: Readonly<Record<Resource, Percents>>;
}

export type Resource = "memory" | "cpu" | "throttled";

/** Percent in the fullest container of each version; absent where no container has a limit. */
export interface Percents {
  readonly canary?: number;
  readonly primary?: number;
}
