import type { Count, Histogram } from "./types.ts";

/** Edges that the primary's requests stay below so often are the tail; a rarer "slow" keeps the count test sharp. */
const TAIL = 0.25;
const TAIL_EDGES = 5;
/** Requests of the primary before edges are chosen. */
const ENOUGH = 100;
/** Bounds the state while edges are not chosen; classic histograms have 10 to 30. */
const MOST_EDGES = 64;

/** Requests slower than `edge` ms; undefined when the histogram has no such edge. `1` and `1.0` are the same edge. */
export function slowerThan(histogram: Histogram, requests: number, edge: number): Count | undefined {
  const index = histogram.edges.findIndex((candidate) => sameEdge(candidate, edge));
  const within = histogram.counts[index];
  if (within === undefined) return undefined;
  const total = histogram.total ?? requests;
  return { total, bad: Math.max(0, total - within) };
}

function sameEdge(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));
}

type Pending = Histogram & { readonly total: number };

/**
 * Adds an interval of the primary to what edges are chosen from; only edges that the canary has too are kept, since a
 * version may change its buckets.
 */
export function addPending(before: Pending | undefined, primary: Histogram, canary: Histogram, total: number): Pending {
  const common = primary.edges.filter((edge) => canary.edges.some((other) => sameEdge(edge, other)));
  const edges = thinned(before === undefined ? common : before.edges.filter((edge) => indexOf(common, edge) >= 0));
  const counts = edges.map((edge) => countAt(primary, edge) + (before === undefined ? 0 : countAt(before, edge)));
  return { edges, counts, total: total + (before?.total ?? 0) };
}

function thinned(edges: readonly number[]): readonly number[] {
  const every = Math.ceil(edges.length / MOST_EDGES);
  return every <= 1 ? edges : edges.filter((_, index) => index % every === 0);
}

function indexOf(edges: readonly number[], edge: number): number {
  return edges.findIndex((other) => sameEdge(other, edge));
}

function countAt(histogram: Histogram, edge: number): number {
  return histogram.counts[indexOf(histogram.edges, edge)] ?? 0;
}

/**
 * The first five edges that at most a quarter of the primary's requests exceed, and `always` when it is such an edge.
 * The first ones catch a shift of the body, the last ones new time-outs. Undefined while too little is known; empty
 * when no edge lies in the tail.
 */
export function chooseEdges(pending: Pending, always?: number): readonly number[] | undefined {
  if (pending.total < ENOUGH) return undefined;
  const tail = pending.edges.filter((_, index) => 1 - (pending.counts[index] ?? 0) / pending.total <= TAIL);
  const first = tail.slice(0, TAIL_EDGES);
  if (always === undefined || indexOf(first, always) >= 0) return first;
  return indexOf(tail, always) >= 0 ? [...first, always] : first;
}
