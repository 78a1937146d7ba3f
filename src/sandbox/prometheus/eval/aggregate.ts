import { keyOf, labelsKey, METRIC_NAME, omitLabels, pickLabels, withLabel, type Labels } from "../labels.ts";
import type { Aggregate, Grouping, ValueType } from "./ast.ts";
import { executionError } from "./error.ts";
import { compareNumbers, maxOf, meanOf, minOf, quantileOf, sumOf, varianceOf } from "./statistics.ts";
import { vector, type Value, type VectorSample, type VectorValue } from "./value.ts";

/** One group of an aggregation: the labels of its result and its members. */
interface Group {
  readonly labels: Labels;
  readonly members: readonly VectorSample[];
}

export interface Aggregation {
  readonly param?: ValueType;
  apply(group: Group, param: Value | undefined): readonly VectorSample[];
}

/** Aggregation operators by name. */
export const AGGREGATIONS: ReadonlyMap<string, Aggregation> = new Map<string, Aggregation>([
  ["sum", folding(sumOf)],
  ["avg", folding(meanOf)],
  ["min", folding(minOf)],
  ["max", folding(maxOf)],
  ["count", folding((values) => values.length)],
  ["group", folding(() => 1)],
  ["stddev", folding((values) => Math.sqrt(varianceOf(values)))],
  ["stdvar", folding(varianceOf)],
  [
    "quantile",
    { param: "scalar", apply: (group, param) => fold(group, (values) => quantileOf(numberOf(param), values)) },
  ],
  [
    "topk",
    { param: "scalar", apply: (group, param) => ranked(group, param, (a, b) => compareNumbers(b.value, a.value)) },
  ],
  ["bottomk", { param: "scalar", apply: (group, param) => ranked(group, param, compareNanLast) }],
  ["count_values", { param: "string", apply: countValues }],
]);

/** Applies an aggregation to an instant vector, group by group in the order of first appearance. */
export function aggregate(expr: Aggregate, value: Value, param: Value | undefined): VectorValue {
  const { operator, grouping } = expr;
  const aggregation = AGGREGATIONS.get(operator);
  if (aggregation === undefined || value.type !== "vector") throw new Error(`${operator} was not checked`);
  if (/^(?:top|bottom)k$/.test(operator) && Number.isNaN(numberOf(param))) {
    throw executionError(expr.param?.position ?? expr.position, "Parameter value is NaN");
  }
  return vector(groupsOf(value.samples, grouping).flatMap((group) => aggregation.apply(group, param)));
}

function groupsOf(samples: readonly VectorSample[], { mode, labels: names }: Grouping): Group[] {
  const without = [METRIC_NAME, ...names];
  const groups = new Map<string, { labels: Labels; members: VectorSample[] }>();
  for (const sample of samples) {
    const kept = mode === "without" ? omitLabels(sample.labels, without) : undefined;
    const key = kept === undefined ? keyOf(sample.labels, names) : labelsKey(kept);
    const group = groups.get(key) ?? { labels: kept ?? pickLabels(sample.labels, names), members: [] };
    group.members.push(sample);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function folding(combine: (values: readonly number[]) => number): Aggregation {
  return { apply: (group) => fold(group, combine) };
}

function fold(group: Group, combine: (values: readonly number[]) => number): VectorSample[] {
  return [{ labels: group.labels, value: combine(group.members.map(({ value }) => value)) }];
}

/** topk and bottomk keep the members as they are. */
function ranked(
  { members }: Group,
  param: Value | undefined,
  order: (left: VectorSample, right: VectorSample) => number,
): VectorSample[] {
  const count = Math.trunc(numberOf(param));
  return count >= 1 ? [...members].sort(order).slice(0, count) : [];
}

function compareNanLast(left: VectorSample, right: VectorSample): number {
  const [a, b] = [left.value, right.value];
  return Number.isNaN(a) || Number.isNaN(b) ? compareNumbers(b, a) : compareNumbers(a, b);
}

function countValues({ labels, members }: Group, param: Value | undefined): VectorSample[] {
  const name = param?.type === "string" ? param.value : "";
  const counts = new Map<string, number>();
  for (const { value } of members) {
    const text = value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => ({ labels: withLabel(labels, name, text), value: count }));
}

function numberOf(param: Value | undefined): number {
  return param?.type === "scalar" ? param.value : NaN;
}
