import { normalCdf } from "../../analysis/numeric.ts";
import type { Arm, Endpoint, Latency, Outage } from "../../cli/world/arm.ts";
import { valueAt } from "../../lib/curve.ts";
import { binomial, clustered } from "./draws.ts";
import type { Random } from "./draws.ts";

/** Bounds of the histograms, in milliseconds: Prometheus' default buckets. */
export const EDGES_MS = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;

/** Requests of one kind to one version. */
export interface Part {
  readonly share: number;
  readonly errorRate: number;
  readonly clusterSize: number;
  /** P(latency ≤ edge), one for each edge. */
  readonly within: readonly number[];
}

/** A stretch of time, in minutes. */
export interface Span {
  readonly from: number;
  readonly minutes: number;
  /** When the first weight was; a cold start counts from then. */
  readonly firstWeight?: number;
}

/** The outage in the middle of a stretch of time. */
export function outageIn(outages: readonly Outage[], { from, minutes }: Span): Outage | undefined {
  const middle = from + minutes / 2;
  return outages.find(({ fromMinute, toMinute }) => middle >= fromMinute && middle < toMinute);
}

/** What the requests to one version are like in a stretch of time, an outage included. */
export function partsOf(arm: Arm, span: Span, outage: Outage | undefined): readonly Part[] {
  return ownParts(arm, span).map((part) => ({
    ...part,
    errorRate: Math.max(part.errorRate, outage?.errorRate ?? 0),
    clusterSize: Math.max(part.clusterSize, outage?.clusterSize ?? 1),
  }));
}

function ownParts(arm: Arm, { from, minutes, firstWeight = 0 }: Span): readonly Part[] {
  const middle = from + minutes / 2;
  const kinds: readonly Endpoint[] = arm.endpoints ?? [{ share: 1, errorRate: arm.errorRate, latency: arm.latency }];
  const cold = arm.coldStart;
  const coldPart =
    cold === undefined ? 0 : Math.min(1, Math.max(0, (cold.seconds / 60 - (from - firstWeight)) / minutes));
  const parts = kinds.map((kind): Part => {
    const warm = within(kind.latency, middle, 1);
    const slow = cold === undefined ? warm : within(kind.latency, middle, cold.factor);
    const share = (cold?.share ?? 0) * coldPart;
    return {
      share: kind.share,
      errorRate: Math.min(1, Math.max(0, valueAt(kind.errorRate, middle))),
      clusterSize: arm.clusterSize,
      within: warm.map((value, index) => value * (1 - share) + (slow[index] ?? 0) * share),
    };
  });
  const bad = arm.badPods;
  if (bad === undefined) return parts;
  return parts.flatMap((part) => [
    { ...part, share: part.share * (1 - bad.share) },
    { ...part, share: part.share * bad.share, errorRate: bad.errorRate },
  ]);
}

function within(latency: Latency, minute: number, factor: number): number[] {
  const below = (edge: number, median: number, sigma: number) => normalCdf(Math.log(edge / (median * factor)) / sigma);
  const { part } = latency;
  return EDGES_MS.map((edge) => {
    const body = below(edge, valueAt(latency.medianMs, minute), latency.sigma);
    return part === undefined ? body : body * (1 - part.share) + below(edge, part.medianMs, part.sigma) * part.share;
  });
}

/** So many requests of one version, as drawn. */
export interface Draw {
  readonly errors: number;
  /** Answers within each of `EDGES_MS`. */
  readonly counts: readonly number[];
}

export function drawArm(random: Random, requests: number, parts: readonly Part[]): Draw {
  const counts = EDGES_MS.map(() => 0);
  let [errors, rest, shareLeft] = [0, requests, 1];
  for (const part of parts) {
    const n = shareLeft <= part.share ? rest : binomial(random, rest, part.share / shareLeft);
    rest -= n;
    shareLeft -= part.share;
    errors += clustered(random, n, part.errorRate, part.clusterSize);
    addLatencies(random, n, part.within, counts);
  }
  return { errors, counts };
}

function addLatencies(random: Random, n: number, shares: readonly number[], counts: number[]): void {
  let [below, left, before] = [0, n, 0];
  shares.forEach((share, index) => {
    const inBucket =
      before >= 1 ? left : binomial(random, left, Math.min(1, Math.max(0, (share - before) / (1 - before))));
    below += inBucket;
    left -= inBucket;
    before = share;
    counts[index] = (counts[index] ?? 0) + below;
  });
}
