import type { Value } from "./eval/value.ts";
import { formatFloat } from "./numbers.ts";
import type { Labels } from "./labels.ts";
import type { Point } from "./series.ts";
import type { SeriesWindow } from "./tsdb.ts";

type TimeAndText = readonly [unixSeconds: number, text: string];

/** The `data` of a query's answer. */
export type QueryData =
  | { readonly resultType: "scalar" | "string"; readonly result: TimeAndText }
  | { readonly resultType: "vector"; readonly result: readonly { metric: Labels; value: TimeAndText }[] }
  | { readonly resultType: "matrix"; readonly result: readonly { metric: Labels; values: readonly TimeAndText[] }[] };

/** An instant query's value in the form of the HTTP API: samples are text, so that NaN and infinities survive JSON. */
export function formatValue(value: Value, atMs: number): QueryData {
  switch (value.type) {
    case "scalar":
      return { resultType: "scalar", result: [atMs / 1000, formatFloat(value.value)] };
    case "string":
      return { resultType: "string", result: [atMs / 1000, value.value] };
    case "vector": {
      const result = value.samples.map((sample) => ({
        metric: sortedLabels(sample.labels),
        value: [atMs / 1000, formatFloat(sample.value)] as const,
      }));
      return { resultType: "vector", result };
    }
    case "matrix":
      return formatMatrix(value.series);
  }
}

export function formatMatrix(series: readonly SeriesWindow[]): QueryData {
  const pair = ({ timeMs, value }: Point): TimeAndText => [timeMs / 1000, formatFloat(value)];
  const result = series.map(({ labels, points }) => ({ metric: sortedLabels(labels), values: points.map(pair) }));
  return { resultType: "matrix", result };
}

function sortedLabels(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
