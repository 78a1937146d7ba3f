import type { Labels } from "../../labels.ts";
import { maxOf, meanOf, minOf, quantileOf, sumOf, varianceOf } from "../statistics.ts";
import { dropMetricName } from "../value.ts";
import { define, foldRanges, numberArg, type FunctionDefinition, type FunctionTable } from "./definition.ts";

/** One series' values over a range, folded to one. */
export const OVER_TIME_FUNCTIONS: FunctionTable = {
  avg_over_time: overTime(meanOf),
  sum_over_time: overTime(sumOf),
  min_over_time: overTime(minOf),
  max_over_time: overTime(maxOf),
  count_over_time: overTime((values) => values.length),
  present_over_time: overTime(() => 1),
  stddev_over_time: overTime((values) => Math.sqrt(varianceOf(values))),
  stdvar_over_time: overTime(varianceOf),
  last_over_time: overTime((values) => values.at(-1) ?? NaN, keepName),
  first_over_time: overTime((values) => values[0] ?? NaN, keepName),
  quantile_over_time: define({ params: ["scalar", "matrix"] }, (input) =>
    foldRanges(input, 1, ({ points }) =>
      quantileOf(
        numberArg(input, 0),
        points.map(({ value }) => value),
      ),
    ),
  ),
};

function overTime(
  fold: (values: readonly number[]) => number,
  labelsOf: (labels: Labels) => Labels = dropMetricName,
): FunctionDefinition {
  return define({ params: ["matrix"] }, (input) =>
    foldRanges(input, 0, ({ points }) => fold(points.map(({ value }) => value)), labelsOf),
  );
}

function keepName(labels: Labels): Labels {
  return labels;
}
