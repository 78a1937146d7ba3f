/** Something about a manifest. */
export interface Finding {
  readonly file: string;
  /** Such as `Canary podinfo`. */
  readonly what: string;
  /** An error is refused by the API server, or can never work; a warning is allowed and unwise. */
  readonly level: "error" | "warning";
  readonly message: string;
}
