import { formatLabels, METRIC_NAME, type Labels } from "../../../src/sandbox/prometheus/labels.ts";
import { formatFloat } from "../../../src/sandbox/prometheus/numbers.ts";
import type { Value } from "../../../src/sandbox/prometheus/eval/value.ts";

/** A value in the notation of the tables. */
export function render(value: Value): string[] {
  switch (value.type) {
    case "scalar":
      return [formatFloat(value.value)];
    case "string":
      return [JSON.stringify(value.value).replaceAll("\\t", "\t")];
    case "vector":
      return value.samples.map((sample) => `${renderLabels(sample.labels)} ${formatFloat(sample.value)}`);
    case "matrix":
      return value.series.map(
        ({ labels, points }) => `${renderLabels(labels)} ${points.map((p) => formatFloat(p.value)).join(" ")}`,
      );
  }
}

export function renderLabels(labels: Labels): string {
  return METRIC_NAME in labels || Object.keys(labels).length > 0 ? formatLabels(labels).replaceAll(", ", ",") : "{}";
}
