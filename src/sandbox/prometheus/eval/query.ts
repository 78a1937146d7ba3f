import { rememberByText } from "../../../lib/remember.ts";
import { compareLabels } from "../labels.ts";
import type { Queryable, SeriesWindow } from "../tsdb.ts";
import { parseError } from "./error.ts";
import { evaluate } from "./evaluate.ts";
import { mergeSeries } from "./merge.ts";
import { parseQuery } from "./parse.ts";
import { describeType, valueType } from "./types.ts";
import type { Value } from "./value.ts";

export interface EngineOptions {
  readonly storage: Queryable;
  /** How old a sample may be and still be current, ms; default 5 min. */
  readonly lookbackMs?: number;
  /** The resolution of a subquery that names none, ms; default 1 min (Prometheus: the global evaluation interval). */
  readonly subqueryStepMs?: number;
}

export interface RangeQuery {
  readonly query: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** PromQL over one store. Both throw `QueryError`. */
export interface QueryEngine {
  /** The value at one instant. */
  instant(query: string, atMs: number): Value;
  /** One series per label set, sorted by labels, with a point at each step that has a value. */
  range(query: RangeQuery): SeriesWindow[];
}

/** Who judges asks the same again and again; so many queries are kept in their parsed form. */
const REMEMBERED = 500;

const parse = rememberByText(REMEMBERED, parseQuery);

export function createQueryEngine(options: EngineOptions): QueryEngine {
  const { storage, lookbackMs = 5 * 60_000, subqueryStepMs = 60_000 } = options;
  const base = { storage, lookbackMs, subqueryStepMs };
  return {
    instant: (query, atMs) => evaluate(parse(query), { ...base, atMs, startMs: atMs, endMs: atMs }),
    range: ({ query, startMs, endMs, stepMs }) => {
      const expr = parse(query);
      const type = valueType(expr);
      if (type === "string" || type === "matrix") {
        const got = describeType(type);
        throw parseError(
          expr.position,
          `invalid expression type "${got}" for range query, must be Scalar or instant Vector`,
        );
      }
      const rounds: { timeMs: number; value: Value }[] = [];
      for (let atMs = startMs; atMs <= endMs; atMs += stepMs) {
        rounds.push({ timeMs: atMs, value: evaluate(expr, { ...base, atMs, startMs, endMs }) });
      }
      return mergeSeries(rounds).sort((left, right) => compareLabels(left.labels, right.labels));
    },
  };
}
