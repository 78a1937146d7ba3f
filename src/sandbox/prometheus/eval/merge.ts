import { labelsKey, type Labels } from "../labels.ts";
import type { Point } from "../series.ts";
import type { SeriesWindow } from "../tsdb.ts";
import type { Value } from "./value.ts";

/** Joins the values of ascending instants to one series per label set; a scalar is a series without labels. */
export function mergeSeries(rounds: readonly { readonly timeMs: number; readonly value: Value }[]): SeriesWindow[] {
  const merged = new Map<string, { labels: Labels; points: Point[] }>();
  for (const { timeMs, value } of rounds) {
    for (const sample of samplesOf(value)) {
      const key = labelsKey(sample.labels);
      const series = merged.get(key) ?? { labels: sample.labels, points: [] };
      series.points.push({ timeMs, value: sample.value });
      merged.set(key, series);
    }
  }
  return [...merged.values()];
}

function samplesOf(value: Value): readonly { labels: Labels; value: number }[] {
  switch (value.type) {
    case "scalar":
      return [{ labels: {}, value: value.value }];
    case "vector":
      return value.samples;
    case "string":
    case "matrix":
      throw new Error(`a ${value.type} has no value at one instant`);
  }
}
