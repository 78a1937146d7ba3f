/** What a load generator is to do; its only argument, as JSON. */
export interface Job {
  readonly name: string;
  /** Requests a second, whatever the answers take. */
  readonly rps: number;
  /** Share of requests on a connection of their own, 0 to 1; the others share connections that are kept alive. */
  readonly freshShare: number;
  /** The `Host` header. */
  readonly host: string;
  /** More headers of every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** So many users ask in turn, each with the cookies that it was given; without cookies when it is 0. */
  readonly users: number;
  readonly path: string;
  readonly target: Target;
  /** An answer that takes longer counts as failed. */
  readonly timeoutMs: number;
  /** It ends by itself after so many seconds or requests, if nobody ends it before. */
  readonly maxSeconds: number;
  readonly maxRequests: number;
  /** Gets one JSON object a line: snapshots, and every failure. */
  readonly output: string;
}

export type Target =
  | { readonly kind: "address"; readonly address: string; readonly port: number }
  /** Like a client in the cluster: each new connection goes to one of the endpoints that the node knows of. */
  | {
      readonly kind: "service";
      readonly namespace: string;
      readonly name: string;
      /** So much later than the API server the node knows of a change. */
      readonly endpointLagMs: number;
      readonly api: { readonly url: string; readonly caFile: string; readonly token: string };
    };

/** Counts since the start. */
export interface Counts {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly sent: number;
  readonly answered: number;
  /** Not answered as they should be. What a version was made to answer badly is not among them. */
  readonly failed: number;
  /** Errors that a version was made to answer with. */
  readonly deliberate: number;
  /** Due, but not sent because too many were under way. */
  readonly skipped: number;
  readonly byVersion: Readonly<Record<string, number>>;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly deliberateByVersion: Readonly<Record<string, number>>;
  /** How often a user was answered by another version than before, such as `1 to 2`. */
  readonly moves: Readonly<Record<string, number>>;
}

export interface Failure {
  readonly at: number;
  readonly tookMs: number;
  /** A status, or the code of what went wrong, such as ECONNRESET. */
  readonly kind: string;
  readonly connection: "fresh" | "kept";
  readonly version?: string;
  /** What the gateway or the pod said. */
  readonly detail?: string;
  /** Where the connection went, when that was seen. */
  readonly peer?: string;
}

/** A line of the output. */
export type Line =
  | { readonly type: "snapshot"; readonly counts: Counts }
  | { readonly type: "failure"; readonly failure: Failure }
  | { readonly type: "end"; readonly counts: Counts };
