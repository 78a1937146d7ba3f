/** Whose turn it is when something went wrong. */
export type ErrorKind = "user" | "environment" | "bug" | "stopped";

/** What an error says, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether an error only says that somebody wanted us to stop. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
