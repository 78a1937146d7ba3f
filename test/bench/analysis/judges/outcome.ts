/** How one judge ended one run. */
export interface Outcome {
  readonly end: "rolledBack" | "promoted" | "undecided";
  /** Minutes since the first weight. */
  readonly minute: number;
  /** Requests that the canary had served by then. */
  readonly canaryRequests: number;
  /** Bad canary requests that were to be expected by then. */
  readonly expectedBad: number;
}
