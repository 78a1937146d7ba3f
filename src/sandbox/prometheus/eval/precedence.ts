import { children, nodeName, nodePosition, nodeText, onlyChild, type Cursor } from "./cursor.ts";
import type { BinaryOperator, Expr } from "./ast.ts";
import { unsupported } from "./error.ts";

/** One element of an expression without parentheses, in the order of the text. */
export type Item =
  | { readonly kind: "operand"; readonly node: Cursor; readonly suffixes: Cursor[] }
  | { readonly kind: "sign"; readonly node: Cursor; readonly operator: "+" | "-" }
  | {
      readonly kind: "operator";
      readonly node: Cursor;
      readonly operator: BinaryOperator;
      readonly modifiers: readonly Cursor[];
    };

export interface Assembler {
  operand(item: Extract<Item, { kind: "operand" }>): Expr;
  sign(item: Extract<Item, { kind: "sign" }>, expr: Expr): Expr;
  operator(item: Extract<Item, { kind: "operator" }>, left: Expr, right: Expr): Expr;
}

const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  "==": 3,
  "!=": 3,
  "<": 3,
  ">": 3,
  "<=": 3,
  ">=": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
  atan2: 5,
  "^": 6,
};

const SUFFIXED = new Set([
  "MatrixSelector",
  "SubqueryExpr",
  "OffsetExpr",
  "StepInvariantExpr",
  "AnchoredExpr",
  "SmoothedExpr",
]);

/**
 * The editor grammar binds `[5m]`, `offset` and `@` to everything on their left (`a + b[5m]` becomes `(a + b)[5m]`) and
 * a sign to its number (`-1^2` becomes `(-1)^2`). Prometheus binds them to one operand, and `^` before the sign. So the
 * tree is laid flat up to its parentheses and put together again by Prometheus's precedence.
 */
export function assemble(root: Cursor, assembler: Assembler): Expr {
  const items = flatten(root);
  let next = 0;
  const parseFrom = (lowest: number): Expr => {
    let left = parseOperand();
    for (;;) {
      const item = items[next];
      if (item?.kind !== "operator" || PRECEDENCE[item.operator] < lowest) return left;
      next++;
      const rightBinds = PRECEDENCE[item.operator] + (item.operator === "^" ? 0 : 1);
      left = assembler.operator(item, left, parseFrom(rightBinds));
    }
  };
  const parseOperand = (): Expr => {
    const item = items[next++];
    if (item?.kind === "sign") return assembler.sign(item, parseFrom(PRECEDENCE["^"]));
    if (item?.kind === "operand") return assembler.operand(item);
    throw new Error("the grammar has no operator without operands");
  };
  return parseFrom(0);
}

function flatten(node: Cursor): Item[] {
  const name = nodeName(node);
  if (name === "BinaryExpr") return flattenBinary(node);
  if (name === "UnaryExpr") {
    const [sign, inner] = children(node);
    if (sign !== undefined && inner !== undefined) return [signItem(sign), ...flatten(inner)];
  }
  if (SUFFIXED.has(name)) {
    const items = flatten(onlyChild(node));
    const last = items.at(-1);
    if (last?.kind === "operand") last.suffixes.push(node);
    return items;
  }
  const operand: Item = { kind: "operand", node, suffixes: [] };
  return name === "NumberDurationLiteral" && /^[+-]/.test(nodeText(node)) ? [signItem(node), operand] : [operand];
}

function flattenBinary(node: Cursor): Item[] {
  const [left, symbol, ...rest] = children(node);
  const right = rest.pop();
  if (left === undefined || symbol === undefined || right === undefined)
    throw new Error("a binary expression has two sides");
  const operator = nodeText(symbol).toLowerCase();
  if (!isKnownOperator(operator)) throw unsupported(nodePosition(symbol), `the operator ${operator}`);
  return [...flatten(left), { kind: "operator", node: symbol, operator, modifiers: rest }, ...flatten(right)];
}

function isKnownOperator(operator: string): operator is BinaryOperator {
  return operator in PRECEDENCE;
}

function signItem(node: Cursor): Item {
  return { kind: "sign", node, operator: nodeText(node).startsWith("-") ? "-" : "+" };
}
