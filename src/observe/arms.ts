import type { Count, Histogram } from "../analysis/types.ts";
import type { Series } from "../metrics/provider.ts";
import { cutAt, grownBetween, joined, nativeEdges } from "./nativeHistograms.ts";
import type { RequestMetrics } from "../metrics/dataPlanes/dataPlane.ts";

/** One number or histogram for each version. */
export interface Arms<T> {
  readonly canary: T;
  readonly primary: T;
}

/** Sums an answer's newest values by version: the others are somebody else's, or of another canary of the same batch. */
export function sumByArm(series: readonly Series[], { label, canary, primary }: RequestMetrics): Arms<number> {
  const sum = (pattern: string) => totalOf(series.filter(matching(label, pattern)));
  return { canary: sum(canary), primary: sum(primary) };
}

/** Events and bad ones among them. Scrapes of the two counters may be a moment apart, so bad ones are never more than all. */
export function countsOf(total: Arms<number>, bad: Arms<number>): Arms<Count> {
  const count = (arm: keyof Arms<number>): Count => ({ total: total[arm], bad: Math.min(bad[arm], total[arm]) });
  return { canary: count("canary"), primary: count("primary") };
}

/** Histograms by version, with edges in milliseconds. */
export function histogramsByArm(series: readonly Series[], metrics: RequestMetrics): Arms<Histogram> {
  const of = (pattern: string) =>
    histogramOf(series.filter(matching(metrics.label, pattern)), metrics.latency?.unitMs ?? 1);
  return { canary: of(metrics.canary), primary: of(metrics.primary) };
}

/** The same of native histograms, from what they had counted until the end of an interval and before its start. */
export function nativeByArm(
  { end, start }: { readonly end: readonly Series[]; readonly start: readonly Series[] },
  { label, canary, primary, latency }: RequestMetrics,
  slowerThanMs: number | undefined,
): Arms<Histogram> {
  const unitMs = latency?.unitMs ?? 1;
  const edges = nativeEdges(unitMs, slowerThanMs === undefined ? [] : [slowerThanMs / unitMs]);
  const of = (pattern: string) => {
    const ofArm = (series: readonly Series[]) =>
      joined(series.filter(matching(label, pattern)).flatMap(({ histogram }) => histogram ?? []));
    return cutAt(grownBetween(ofArm(start), ofArm(end)), edges, unitMs);
  };
  return { canary: of(canary), primary: of(primary) };
}

/** Bounds are compared as numbers: Prometheus 3 writes `1.0` where others write `1`. */
function histogramOf(series: readonly Series[], unitMs: number): Histogram {
  const byEdge = new Map<number, number>();
  for (const each of series) {
    const edge = Number(each.labels["le"] === "+Inf" ? Infinity : each.labels["le"]);
    byEdge.set(edge, (byEdge.get(edge) ?? 0) + newest(each));
  }
  const edges = [...byEdge.keys()].filter(Number.isFinite).sort((a, b) => a - b);
  return {
    edges: edges.map((edge) => edge * unitMs),
    counts: edges.map((edge) => byEdge.get(edge) ?? 0),
    total: byEdge.get(Infinity) ?? 0,
  };
}

/** Which versions any series is of. */
export function knownArms(series: readonly Series[], { label, canary, primary }: RequestMetrics): Arms<boolean> {
  return { canary: series.some(matching(label, canary)), primary: series.some(matching(label, primary)) };
}

export function matching(label: string, pattern: string): (series: Series) => boolean {
  const whole = new RegExp(`^(?:${pattern})$`);
  return ({ labels }) => whole.test(labels[label] ?? "");
}

export function totalOf(series: readonly Series[]): number {
  return series.reduce((sum, each) => sum + newest(each), 0);
}

function newest({ points }: Series): number {
  return points.at(-1)?.[1] ?? 0;
}
