/** Why the API server, or the way to it, refused a call. Classified by status code, never by text. */
export type KubeErrorReason =
  | "NotFound" // 404
  | "AlreadyExists" // 409 on create
  | "Conflict" // 409: another write came first, or another manager owns the field
  | "Invalid" // 400, 422: the object or the patch was refused
  | "Forbidden" // 401, 403
  | "Gone" // 410: the resourceVersion is too old to watch from
  | "TooManyRequests" // 429
  | "Unavailable"; // 5xx, time-outs, resets: no answer that says anything about the object

export interface KubeErrorDetails {
  readonly reason: KubeErrorReason;
  readonly message: string;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** Milliseconds that the server asked us to wait (Retry-After). */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** The one error class of the port. */
export class KubeError extends Error {
  readonly reason: KubeErrorReason;
  readonly status: number;
  readonly retryAfterMs: number | undefined;

  constructor(details: KubeErrorDetails) {
    super(details.message, { cause: details.cause });
    this.name = "KubeError";
    this.reason = details.reason;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** Whether `error` came from the port with one of the given reasons. */
export function isKubeError(error: unknown, ...reasons: readonly KubeErrorReason[]): error is KubeError {
  return error instanceof KubeError && (reasons.length === 0 || reasons.includes(error.reason));
}

/**
 * Maps an HTTP status, and the `reason` of the Status object if there is one, to our reason.
 * Source: Kubernetes API conventions, "HTTP status codes".
 */
export function reasonOf(status: number, statusReason?: string): KubeErrorReason {
  if (status === 404) return "NotFound";
  if (status === 409) return statusReason === "AlreadyExists" ? "AlreadyExists" : "Conflict";
  if (status === 400 || status === 405 || status === 413 || status === 415 || status === 422) return "Invalid";
  if (status === 401 || status === 403) return "Forbidden";
  if (status === 410) return "Gone";
  if (status === 429) return "TooManyRequests";
  return "Unavailable";
}
