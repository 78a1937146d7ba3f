import type { Point, TimeWindow } from "../series.ts";
import type { SeriesWindow } from "../tsdb.ts";
import { aggregate } from "./aggregate.ts";
import type { Call, Expr, MatrixSelector, Subquery, TimeShift, Unary, VectorSelector } from "./ast.ts";
import { evaluateBinary } from "./binary.ts";
import { functionNamed } from "./functions/registry.ts";
import { mergeSeries } from "./merge.ts";
import { assertDistinct, dropMetricName, scalar, vector } from "./value.ts";
import type { EvalContext, MatrixValue, Value, VectorValue } from "./value.ts";

/** The value of a checked expression at one instant. Throws `QueryError` of kind `execution`. */
export function evaluate(expr: Expr, context: EvalContext): Value {
  switch (expr.kind) {
    case "number":
      return scalar(expr.value);
    case "string":
      return { type: "string", value: expr.value };
    case "selector":
      return latestOf(expr, context);
    case "matrix":
      return windowOf(expr, context);
    case "subquery":
      return evaluateSubquery(expr, context);
    case "unary":
      return evaluateUnary(expr, context);
    case "binary":
      return evaluateBinary(expr, evaluate(expr.left, context), evaluate(expr.right, context));
    case "aggregate": {
      const param = expr.param === undefined ? undefined : evaluate(expr.param, context);
      return aggregate(expr, evaluate(expr.expr, context), param);
    }
    case "call":
      return evaluateCall(expr, context);
  }
}

/** The instant that a selector reads at, after `@` and `offset`. */
function shiftedTime({ offsetMs = 0, at }: TimeShift, { atMs, startMs, endMs }: EvalContext): number {
  const base = at === undefined ? atMs : at === "start" ? startMs : at === "end" ? endMs : at;
  return base - offsetMs;
}

/** The newest sample of each series that the selector names, with the time it was taken. */
function latestSamples(selector: VectorSelector, context: EvalContext): SeriesWindow[] {
  const untilMs = shiftedTime(selector.shift, context);
  return context.storage.selectLatest(selector.matchers, { afterMs: untilMs - context.lookbackMs, untilMs });
}

function latestOf(selector: VectorSelector, context: EvalContext): VectorValue {
  const series = latestSamples(selector, context);
  return vector(series.map(({ labels, points }) => ({ labels, value: points.at(-1)?.value ?? NaN })));
}

function rangeWindow(expr: MatrixSelector | Subquery, context: EvalContext): TimeWindow {
  const untilMs = shiftedTime(expr.shift, context);
  return { afterMs: untilMs - expr.rangeMs, untilMs };
}

function windowOf(expr: MatrixSelector, context: EvalContext): MatrixValue {
  const window = rangeWindow(expr, context);
  const series = context.storage.selectWindow(expr.matchers, window);
  return { type: "matrix", series, startMs: window.afterMs, endMs: window.untilMs };
}

function evaluateSubquery(expr: Subquery, context: EvalContext): MatrixValue {
  const { afterMs, untilMs } = rangeWindow(expr, context);
  const stepMs = expr.stepMs ?? context.subqueryStepMs;
  // Steps lie on multiples of the resolution, whatever the time of the query, so that repeated queries see the same points.
  const firstMs = Math.floor(afterMs / stepMs) * stepMs + stepMs;
  const rounds: { timeMs: number; value: Value }[] = [];
  for (let timeMs = firstMs; timeMs <= untilMs; timeMs += stepMs) {
    rounds.push({ timeMs, value: evaluate(expr.expr, { ...context, atMs: timeMs }) });
  }
  return { type: "matrix", series: mergeSeries(rounds), startMs: afterMs, endMs: untilMs };
}

function evaluateUnary(expr: Unary, context: EvalContext): Value {
  const value = evaluate(expr.expr, context);
  if (expr.operator === "+") return value;
  if (value.type === "scalar") return scalar(-value.value);
  if (value.type !== "vector") throw new Error("a sign stands before a scalar or an instant vector");
  const samples = value.samples.map((sample) => ({ labels: dropMetricName(sample.labels), value: -sample.value }));
  return assertDistinct(vector(samples), expr.position);
}

function evaluateCall(call: Call, context: EvalContext): Value {
  const definition = functionNamed(call.name);
  const [first] = call.args;
  if (call.name === "timestamp" && first?.kind === "selector") return timestampsOf(first, context);
  const args = call.args.map((arg) => evaluate(arg, context));
  const result = definition.apply({ args, call, context });
  return result.type === "vector" ? assertDistinct(result, call.position) : result;
}

/** `timestamp(selector)` tells when each sample was taken; of anything else, the time of the evaluation. */
function timestampsOf(selector: VectorSelector, context: EvalContext): VectorValue {
  const taken = (points: readonly Point[]): number => (points.at(-1)?.timeMs ?? NaN) / 1000;
  const samples = latestSamples(selector, context).map(({ labels, points }) => ({
    labels: dropMetricName(labels),
    value: taken(points),
  }));
  return assertDistinct(vector(samples), selector.position);
}
