import type { QueryPosition } from "../../../metrics/promql.ts";

/**
 * `parse`: the text is not valid PromQL. `unsupported`: it is, but the embedded evaluator does not know this part.
 * `execution`: the samples do not allow the operation (a many-to-many match, say).
 */
export type QueryErrorKind = "parse" | "unsupported" | "execution";

/** A query that has no answer, with the place in its text where the reason stands. */
export class QueryError extends Error {
  override readonly name = "QueryError";
  readonly kind: QueryErrorKind;
  readonly position: QueryPosition;

  constructor(kind: QueryErrorKind, position: QueryPosition, message: string) {
    super(kind === "execution" ? message : `${position.line}:${position.column}: parse error: ${message}`);
    this.kind = kind;
    this.position = position;
  }
}

export function parseError(position: QueryPosition, message: string): QueryError {
  return new QueryError("parse", position, message);
}

export function unsupported(position: QueryPosition, what: string): QueryError {
  return new QueryError("unsupported", position, `${what} is not supported by the embedded evaluator`);
}

export function executionError(position: QueryPosition, message: string): QueryError {
  return new QueryError("execution", position, message);
}
