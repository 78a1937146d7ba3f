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
  connect(block: Block, credentials: Credentials, options: ConnectOptions): MetricSource;
}

/** A key of a Secret that a block refers to, and what it is used for. */
export interface SecretUse {
  readonly secret: { readonly name: string; readonly namespace?: string };
  readonly key: string;
  readonly use: keyof Credentials | { readonly header: string };
}
