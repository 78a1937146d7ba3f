import { METRIC_NAME, omitLabels, type Labels } from "../../labels.ts";
import type { Matcher } from "../../matchers.ts";
import type { Expr } from "../ast.ts";
import { compareNumbers } from "../statistics.ts";
import { scalar, vector, type Value, type VectorSample } from "../value.ts";
import { define, mapElements, numberArg, vectorArg, type CallInput, type FunctionTable } from "./definition.ts";

/** Between scalars and vectors, presence, order and time. */
export const VECTOR_FUNCTIONS: FunctionTable = {
  time: define({ params: [], returns: "scalar" }, ({ context }) => scalar(context.atMs / 1000)),
  timestamp: define({ params: ["vector"] }, (input) =>
    mapElements(vectorArg(input, 0), () => input.context.atMs / 1000),
  ),
  vector: define({ params: ["scalar"] }, (input) => vector([{ labels: {}, value: numberArg(input, 0) }])),
  scalar: define({ params: ["vector"], returns: "scalar" }, (input) => {
    const [only, second] = vectorArg(input, 0);
    return scalar(second === undefined ? (only?.value ?? NaN) : NaN);
  }),
  absent: define({ params: ["vector"] }, absent),
  absent_over_time: define({ params: ["matrix"] }, absent),
  sort: define({ params: ["vector"] }, (input) => sorted(input, (a, b) => compareNumbers(a, b))),
  sort_desc: define({ params: ["vector"] }, (input) => sorted(input, (a, b) => compareNumbers(b, a))),
};

/** Ordered by value, NaN always last. */
function sorted(input: CallInput, order: (left: number, right: number) => number): Value {
  const last = (sample: VectorSample): boolean => Number.isNaN(sample.value);
  const samples = [...vectorArg(input, 0)].sort((a, b) =>
    last(a) || last(b) ? Number(last(a)) - Number(last(b)) : order(a.value, b.value),
  );
  return vector(samples);
}

function absent({ args: [value], call }: CallInput): Value {
  const count = value?.type === "vector" ? value.samples.length : value?.type === "matrix" ? value.series.length : 0;
  return vector(count > 0 ? [] : [{ labels: labelsOfAbsent(call.args[0]), value: 1 }]);
}

/** What is known of the series that is not there: the labels that its selector sets by one equality each. */
function labelsOfAbsent(expr: Expr | undefined): Labels {
  if (expr?.kind !== "selector" && expr?.kind !== "matrix") return {};
  const named = expr.matchers.filter(({ name }) => name !== METRIC_NAME);
  const isCertain = ({ name, operator }: Matcher): boolean =>
    operator === "=" && named.filter((other) => other.name === name).length === 1;
  const labels = Object.fromEntries(named.filter(isCertain).map(({ name, value }) => [name, value]));
  return omitLabels(
    labels,
    Object.keys(labels).filter((name) => labels[name] === ""),
  );
}
