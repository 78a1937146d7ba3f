import type { SyntaxNode } from "@lezer/common";
import { positionAt, type QueryPosition } from "../../../metrics/promql.ts";

/** A node of the grammar's tree together with the query it stands in. */
export interface Cursor {
  readonly node: SyntaxNode;
  readonly query: string;
}

export function nodeName(cursor: Cursor): string {
  return cursor.node.name;
}

export function nodeText({ node, query }: Cursor): string {
  return query.slice(node.from, node.to);
}

export function nodePosition({ node, query }: Cursor): QueryPosition {
  return positionAt(query, node.from);
}

export function children({ node, query }: Cursor): Cursor[] {
  const found: Cursor[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (child.name !== "LineComment") found.push({ node: child, query });
  }
  return found;
}

export function child(cursor: Cursor, name: string): Cursor | undefined {
  return children(cursor).find((candidate) => nodeName(candidate) === name);
}

/** The first child of a node that the grammar gives one. */
export function onlyChild(cursor: Cursor): Cursor {
  const [first] = children(cursor);
  if (first === undefined) throw new Error(`the grammar has no ${nodeName(cursor)} without a child`);
  return first;
}
