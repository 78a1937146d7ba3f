import {
  formatLabels,
  keyOf,
  labelsKey,
  METRIC_NAME,
  omitLabels,
  pickLabels,
  withLabel,
  type Labels,
} from "../labels.ts";
import { isComparison, isSetOperator, type Binary, type SetOperator, type VectorMatching } from "./ast.ts";
import { executionError } from "./error.ts";
import { compute } from "./operators.ts";
import { assertDistinct, dropMetricName, scalar, vector } from "./value.ts";
import type { ScalarValue, Value, VectorSample, VectorValue } from "./value.ts";

const ONE_TO_ONE: VectorMatching = { on: false, labels: [], group: "none", include: [] };

/** Applies a checked binary operator. Throws `QueryError` when sides do not match one to one and no group is named. */
export function evaluateBinary(binary: Binary, left: Value, right: Value): Value {
  if (left.type === "scalar" && right.type === "scalar") {
    return scalar(compute(binary, left.value, right.value)?.value ?? NaN);
  }
  if (left.type === "vector" && right.type === "scalar") return withScalar(binary, left, right, "right");
  if (left.type === "scalar" && right.type === "vector") return withScalar(binary, right, left, "left");
  if (left.type !== "vector" || right.type !== "vector") throw new Error("a binary operator takes scalars and vectors");
  const combined = isSetOperator(binary.operator)
    ? combineSets(binary.operator, binary.matching ?? ONE_TO_ONE, left, right)
    : matchVectors(binary, left, right);
  return assertDistinct(combined, binary.position);
}

function withScalar(binary: Binary, given: VectorValue, other: ScalarValue, scalarSide: "left" | "right"): VectorValue {
  const samples = given.samples.flatMap(({ labels, value }) => {
    const [a, b] = scalarSide === "right" ? [value, other.value] : [other.value, value];
    const result = compute(binary, a, b);
    if (result === undefined) return [];
    // A comparison filters: what passes keeps the vector's own value, whichever side it stands on.
    if (isComparison(binary.operator) && !binary.bool) return [{ labels, value }];
    return [{ labels: dropMetricName(labels), value: result.value }];
  });
  return assertDistinct(vector(samples), binary.position);
}

function combineSets(
  operator: SetOperator,
  matching: VectorMatching,
  left: VectorValue,
  right: VectorValue,
): VectorValue {
  const keysOf = (side: VectorValue): Set<string> =>
    new Set(side.samples.map(({ labels }) => signature(labels, matching)));
  switch (operator) {
    case "and": {
      const keys = keysOf(right);
      return vector(left.samples.filter(({ labels }) => keys.has(signature(labels, matching))));
    }
    case "unless": {
      const keys = keysOf(right);
      return vector(left.samples.filter(({ labels }) => !keys.has(signature(labels, matching))));
    }
    case "or": {
      const keys = keysOf(left);
      return vector([...left.samples, ...right.samples.filter(({ labels }) => !keys.has(signature(labels, matching)))]);
    }
  }
}

function matchVectors(binary: Binary, left: VectorValue, right: VectorValue): VectorValue {
  const matching = binary.matching ?? ONE_TO_ONE;
  const swapped = matching.group === "right";
  const [many, one] = swapped ? [right, left] : [left, right];
  const oneSide = indexOneSide(binary, matching, one, swapped ? "left" : "right");
  const matched = new Set<string>();
  const samples: VectorSample[] = [];
  for (const sample of many.samples) {
    const key = signature(sample.labels, matching);
    const partner = oneSide.get(key);
    if (partner === undefined) continue;
    const [a, b] = swapped ? [partner.value, sample.value] : [sample.value, partner.value];
    const result = compute(binary, a, b);
    if (result === undefined) continue;
    const labels = resultLabels(binary, matching, sample.labels, partner.labels);
    claim(binary, matching, matched, matching.group === "none" ? key : labelsKey(labels));
    samples.push({ labels, value: result.value });
  }
  return vector(samples);
}

function claim(binary: Binary, matching: VectorMatching, matched: Set<string>, key: string): void {
  if (!matched.has(key)) {
    matched.add(key);
    return;
  }
  const message =
    matching.group === "none"
      ? "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
      : "multiple matches for labels: grouping labels must ensure unique matches";
  throw executionError(binary.position, message);
}

function indexOneSide(
  { position }: Binary,
  matching: VectorMatching,
  one: VectorValue,
  side: "left" | "right",
): Map<string, VectorSample> {
  const index = new Map<string, VectorSample>();
  for (const sample of one.samples) {
    const key = signature(sample.labels, matching);
    const known = index.get(key);
    if (known !== undefined) {
      const group = formatLabels(
        matching.on ? pickLabels(sample.labels, matching.labels) : ignored(sample.labels, matching),
      );
      const pair = `[${formatLabels(sample.labels)}, ${formatLabels(known.labels)}]`;
      throw executionError(
        position,
        `found duplicate series for the match group ${group} on the ${side} hand-side of the operation: ${pair}` +
          ";many-to-many matching not allowed: matching labels must be unique on one side",
      );
    }
    index.set(key, sample);
  }
  return index;
}

function resultLabels(binary: Binary, matching: VectorMatching, many: Labels, one: Labels): Labels {
  let labels = isComparison(binary.operator) && !binary.bool ? many : dropMetricName(many);
  if (matching.group === "none") {
    return matching.on ? pickLabels(labels, matching.labels) : omitLabels(labels, matching.labels);
  }
  for (const name of matching.include) labels = withLabel(labels, name, one[name] ?? "");
  return labels;
}

function signature(labels: Labels, matching: VectorMatching): string {
  return matching.on ? keyOf(labels, matching.labels) : labelsKey(ignored(labels, matching));
}

function ignored(labels: Labels, matching: VectorMatching): Labels {
  return omitLabels(labels, [METRIC_NAME, ...matching.labels]);
}
