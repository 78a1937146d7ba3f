import type { Count } from "./types.ts";

/** Nobody has been counted. */
export const NONE: Count = { total: 0, bad: 0 };

export function plus(a: Count, b: Count): Count {
  return { total: a.total + b.total, bad: a.bad + b.bad };
}

export function sumOf(counts: readonly Count[]): Count {
  return counts.reduce(plus, NONE);
}
