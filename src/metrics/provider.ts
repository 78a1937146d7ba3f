import type { z } from "zod";

/**
 * What a question to a metrics back-end brought. Silence and failure are not values:
 * only a value can count against a canary.
 */
export type Reading =
  | { readonly kind: "value"; readonly value: number }
  /** No series, or not a number. */
  | { readonly kind: "empty" }
  /** No answer that says anything: connection refused, time-out, 5xx, 429, or credentials refused. */
  | { readonly kind: "unreachable"; readonly message: string }
  /** The question itself is wrong, and will be wrong again: a user's error. */
  | { readonly kind: "badQuery"; readonly message: string };

/** No answer that could be read. */
export type Refusal = Extract<Reading, { readonly kind: "unreachable" | "badQuery" }>;

/** One series of an answer: its labels, and points in the order of time, in milliseconds since the Unix epoch. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [timeMs: number, value: number])[];
  /** What an instant query of native histograms brings instead of points. */
  readonly histogram?: NativeHistogram;
}

/** Observations in a bucket `(lower, upper]`, in the unit of the metric. */
export interface NativeBucket {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

/** A native histogram at one moment; buckets without observations are left out. */
export interface NativeHistogram {
  /** All observations, those that are no numbers among them. */
  readonly count: number;
  readonly buckets: readonly NativeBucket[];
}

/** What a question for series brought. No series is an answer too. */
export type SeriesAnswer = { readonly kind: "series"; readonly series: readonly Series[] } | Refusal;

/** Credentials as read from Secrets. They must reach no message. */
export interface Credentials {
  readonly bearerToken?: string;
  readonly username?: string;
  readonly password?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** PEM. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Access key of an AWS account. */
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  /** Key file of a Google service account, JSON. */
  readonly serviceAccount?: string;
}

/** A connection to one back-end. */
export interface MetricSource {
  /**
   * Asks for one number, as of the back-end's own time where it has one: the clocks of two machines need not agree.
   * Never rejects, except with `AbortError` when the signal is aborted.
   */
  read(query: string, options: { readonly signal: AbortSignal }): Promise<Reading>;
  /**
   * All series of an instant query as of a moment in milliseconds since the Unix epoch, for the counters of both versions.
   * Rejects as `read` does. A back-end that has no labels and no moments leaves it out, and serves no comparisons.
   */
  series?(query: string, options: { readonly signal: AbortSignal; readonly atMs: number }): Promise<SeriesAnswer>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Whether the controller may show its own cloud identity: only for whom the administrator of the cluster wrote. */
  readonly mayUseOwnIdentity: boolean;
}

/** One kind of metrics back-end: one file, one line in the registry. */
export interface MetricProviderKind<Block = unknown> {
  /** The key under the spec of `MetricProvider`, which is also the file's name. */
  readonly name: string;
  readonly schema: z.ZodType<Block>;
  /** Where the block says that its credentials are. */
  secrets(block: Block): readonly SecretUse[];
  /** What is wrong with a query, as far as that can be told without asking anybody. */
  checkQuery(block: Block, query: string): string | undefined;
  /** How far back a question looks, in milliseconds; 0 when it does not say. */
  windowMs(block: Block, query: string): number;
  /** Its sources have `series`, so that it serves checks that count both versions. */
  readonly givesSeries?: true;
  connect(block: Block, credentials: Credentials, options: ConnectOptions): MetricSource;
}

/** A key of a Secret that a block refers to, and what it is used for. */
export interface SecretUse {
  readonly secret: { readonly name: string; readonly namespace?: string };
  readonly key: string;
  readonly use: keyof Credentials | { readonly header: string };
}
