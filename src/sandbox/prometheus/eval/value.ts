import type { QueryPosition } from "../../../metrics/promql.ts";
import { labelsKey, METRIC_NAME, omitLabels, type Labels } from "../labels.ts";
import type { Queryable, SeriesWindow } from "../tsdb.ts";
import { executionError } from "./error.ts";

export interface VectorSample {
  readonly labels: Labels;
  readonly value: number;
}

export interface ScalarValue {
  readonly type: "scalar";
  readonly value: number;
}
export interface StringValue {
  readonly type: "string";
  readonly value: string;
}
export interface VectorValue {
  readonly type: "vector";
  readonly samples: readonly VectorSample[];
}
/** Samples of a window that begins after `startMs` and ends at `endMs`. */
export interface MatrixValue {
  readonly type: "matrix";
  readonly series: readonly SeriesWindow[];
  readonly startMs: number;
  readonly endMs: number;
}

export type Value = ScalarValue | StringValue | VectorValue | MatrixValue;

/** Everything an evaluation at one instant needs. */
export interface EvalContext {
  readonly storage: Queryable;
  readonly atMs: number;
  /** The ends of the whole query: what `@ start()` and `@ end()` mean. */
  readonly startMs: number;
  readonly endMs: number;
  readonly lookbackMs: number;
  /** The resolution of a subquery that names none. */
  readonly subqueryStepMs: number;
}

export function scalar(value: number): ScalarValue {
  return { type: "scalar", value };
}

export function vector(samples: readonly VectorSample[]): VectorValue {
  return { type: "vector", samples };
}

export function dropMetricName(labels: Labels): Labels {
  return METRIC_NAME in labels ? omitLabels(labels, [METRIC_NAME]) : labels;
}

/** Throws when two elements have become the same series, usually since their metric names were dropped. */
export function assertDistinct(value: VectorValue, position: QueryPosition): VectorValue {
  const keys = new Set(value.samples.map(({ labels }) => labelsKey(labels)));
  if (keys.size < value.samples.length) {
    throw executionError(position, "vector cannot contain metrics with the same labelset");
  }
  return value;
}
