import { parser } from "@prometheus-io/lezer-promql";
import type { SyntaxNode } from "@lezer/common";
import { parseDurationMs } from "./promqlDuration.ts";

/**
 * How far back a query looks, in milliseconds: its longest range selector, together with the ranges of the subqueries
 * around it. Offsets do not count: who writes one means it. 0 for a query without ranges, and for one that does not
 * parse.
 */
export function windowMs(query: string): number {
  let longest = 0;
  parser.parse(query).iterate({
    enter: ({ node, name }) => {
      if (name === "MatrixSelector" || name === "SubqueryExpr") longest = Math.max(longest, rangeWithin(query, node));
    },
  });
  return longest;
}

function rangeWithin(query: string, node: SyntaxNode): number {
  let total = 0;
  for (let at: SyntaxNode | null = node; at !== null; at = at.parent) {
    if (at.name === "MatrixSelector" || at.name === "SubqueryExpr") total += rangeOf(query.slice(at.from, at.to));
  }
  return total;
}

/** The range in the last brackets: `[5m]`, or `[30m:1m]` of a subquery. */
function rangeOf(text: string): number {
  const range = /\[\s*([0-9a-z]+)\s*(?::[^\]]*)?\]$/.exec(text.trimEnd())?.[1];
  return range === undefined ? 0 : (parseDurationMs(range) ?? 0);
}
