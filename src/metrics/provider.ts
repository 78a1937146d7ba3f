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
}

/** A connection to one back-end. */
export interface MetricSource {
  /**
   * Asks one instant query, as of the back-end's own time: the clocks of two machines need not agree.
   * Never rejects, except with `AbortError` when the signal is aborted.
   */
  read(query: string, options: { readonly signal: AbortSignal }): Promise<Reading>;
  close(): Promise<void>;
}

/** One kind of metrics back-end: one file, one line in the registry. */
export interface MetricProviderKind<Block = unknown> {
  /** The key under the spec of `MetricProvider`, which is also the file's name. */
  readonly name: string;
  readonly schema: z.ZodType<Block>;
  /** Where the block says that its credentials are. */
  secrets(block: Block): readonly SecretUse[];
  connect(block: Block, credentials: Credentials): MetricSource;
}

/** A key of a Secret that a block refers to, and what it is used for. */
export interface SecretUse {
  readonly secret: { readonly name: string; readonly namespace?: string };
  readonly key: string;
  readonly use: keyof Credentials | { readonly header: string };
}
