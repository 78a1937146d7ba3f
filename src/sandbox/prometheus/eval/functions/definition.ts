import type { Labels } from "../../labels.ts";
import type { Point } from "../../series.ts";
import type { Call, ValueType } from "../ast.ts";
import { dropMetricName, vector } from "../value.ts";
import type { EvalContext, MatrixValue, Value, VectorSample } from "../value.ts";

/** What a function gets: its evaluated arguments, already of the declared types, and where it stands. */
export interface CallInput {
  readonly args: readonly Value[];
  readonly call: Call;
  readonly context: EvalContext;
}

export interface FunctionDefinition {
  readonly params: readonly ValueType[];
  /** How many of the last parameters may be left out. */
  readonly optional: number;
  /** The last parameter may repeat. */
  readonly variadic: boolean;
  readonly returns: ValueType;
  apply(input: CallInput): Value;
}

/** Functions by their PromQL name. */
export type FunctionTable = Readonly<Record<string, FunctionDefinition>>;

export interface Signature {
  readonly params: readonly ValueType[];
  readonly optional?: number;
  readonly variadic?: boolean;
  readonly returns?: ValueType;
}

export function define(signature: Signature, apply: (input: CallInput) => Value): FunctionDefinition {
  const { params, optional = 0, variadic = false, returns = "vector" } = signature;
  return { params, optional, variadic, returns, apply };
}

export function numberArg({ args }: CallInput, index: number, fallback = NaN): number {
  const value = args[index];
  return value?.type === "scalar" ? value.value : fallback;
}

export function stringArg({ args }: CallInput, index: number): string {
  const value = args[index];
  return value?.type === "string" ? value.value : "";
}

export function vectorArg({ args }: CallInput, index: number): readonly VectorSample[] {
  const value = args[index];
  return value?.type === "vector" ? value.samples : [];
}

/** One value in, one out, per element; the metric's name goes. */
export function mapElements(samples: readonly VectorSample[], map: (value: number) => number): Value {
  return vector(samples.map(({ labels, value }) => ({ labels: dropMetricName(labels), value: map(value) })));
}

/** The samples of one series in a range, and the range's ends, which need not be samples. */
export interface RangeInput {
  readonly points: readonly Point[];
  readonly startMs: number;
  readonly endMs: number;
}

/** Folds each series of the range vector at `index` to one value, or to none; the metric's name goes unless kept. */
export function foldRanges(
  input: CallInput,
  index: number,
  fold: (range: RangeInput) => number | undefined,
  labelsOf: (labels: Labels) => Labels = dropMetricName,
): Value {
  const matrix = matrixArg(input, index);
  const samples = matrix.series.flatMap(({ labels, points }) => {
    const value = fold({ points, startMs: matrix.startMs, endMs: matrix.endMs });
    return value === undefined ? [] : [{ labels: labelsOf(labels), value }];
  });
  return vector(samples);
}

function matrixArg({ args }: CallInput, index: number): MatrixValue {
  const value = args[index];
  return value?.type === "matrix" ? value : { type: "matrix", series: [], startMs: NaN, endMs: NaN };
}
