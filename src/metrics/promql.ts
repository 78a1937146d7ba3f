import { parser } from "@prometheus-io/lezer-promql";
import type { Tree } from "@lezer/common";
import { rememberByText } from "../lib/remember.ts";

/** Where in a query something stands; both count from 1, columns in UTF-16 units. */
export interface QueryPosition {
  readonly line: number;
  readonly column: number;
}

/** What `checkPromql` answers: the query is PromQL, or the first place where it stops being so. */
export type PromqlCheck =
  | { readonly ok: true }
  | { readonly ok: false; readonly line: number; readonly column: number; readonly message: string };

interface SyntaxFault {
  readonly offset: number;
  readonly message: string;
}

/**
 * Does this text parse as PromQL, by the official grammar? Pure, and knows nothing of any back-end: argument types and
 * label names are for the server to judge. Names the first fault, in the order of the text. Who has parsed it already hands the tree in.
 */
export function checkPromql(query: string, tree: Tree = parser.parse(query)): PromqlCheck {
  const fault = firstFault(query, tree);
  if (fault === undefined) return { ok: true };
  return { ok: false, ...positionAt(query, fault.offset), message: fault.message };
}

/** Line and column of a character offset; an offset past the end is the place after the last character. */
export function positionAt(query: string, offset: number): QueryPosition {
  const before = query.slice(0, offset);
  return { line: before.split("\n").length, column: before.length - before.lastIndexOf("\n") };
}

function firstFault(query: string, tree: Tree): SyntaxFault | undefined {
  let found: SyntaxFault | undefined;
  const report = (fault: SyntaxFault): void => {
    if (found === undefined || fault.offset < found.offset) found = fault;
  };
  tree.iterate({
    enter: (node) => {
      if (node.type.isError) report(describeError(query, node.from));
      // The grammar lets a string run to the end of the text without its closing quote.
      else if (node.name === "StringLiteral" && !isClosed(query.slice(node.from, node.to)))
        report({ offset: node.from, message: "unterminated quoted string" });
    },
  });
  return found;
}

function describeError(query: string, from: number): SyntaxFault {
  const offset = skipBlank(query, from);
  const token = /^(?:[\w:.]+|[^\s\w])/.exec(query.slice(offset))?.[0];
  if (token === undefined) {
    const isBlank = skipBlank(query, 0) === query.length;
    return { offset, message: isBlank ? "no expression found in input" : "unexpected end of input" };
  }
  const called = token === "(" ? /([A-Za-z_:][\w:]*)\s*$/.exec(query.slice(0, offset)) : null;
  if (called?.[1] !== undefined) return { offset: called.index, message: `unknown function with name "${called[1]}"` };
  return { offset, message: `unexpected ${JSON.stringify(token)}` };
}

function skipBlank(query: string, from: number): number {
  const blank = /^(?:\s|#[^\n]*)*/.exec(query.slice(from));
  return from + (blank?.[0].length ?? 0);
}

function isClosed(literal: string): boolean {
  return /^(?:"(?:[^\\\n"]|\\[^])*"|'(?:[^\\\n']|\\[^])*'|`[^`]*`)$/.test(literal);
}

/** Whether a query that parses is a metric with its labels and nothing else. */
export const isCounter = rememberByText(1_000, (query): boolean => {
  const { topNode } = parser.parse(query);
  const expression = topNode.firstChild;
  return expression?.name === "VectorSelector" && expression.nextSibling === null;
});
