import { isComparison, isSetOperator, type Binary, type Expr, type Unary, type VectorMatching } from "./ast.ts";
import { children, nodeName, nodePosition, type Cursor } from "./cursor.ts";
import { parseError, unsupported } from "./error.ts";
import { groupingLabels } from "./parse-aggregate.ts";
import type { Item } from "./precedence.ts";
import { describeType, valueType } from "./types.ts";

/** A sign before an operand. */
export function buildUnary(item: Extract<Item, { kind: "sign" }>, expr: Expr): Unary {
  const type = valueType(expr);
  if (type !== "scalar" && type !== "vector") {
    const message = `unary expression only allowed on expressions of type scalar or instant vector, got "${describeType(type)}"`;
    throw parseError(nodePosition(item.node), message);
  }
  return { kind: "unary", operator: item.operator, expr, position: nodePosition(item.node) };
}

/** Two sides and an operator, with `bool`, `on`, `ignoring`, `group_left`, `group_right`. */
export function buildBinary(item: Extract<Item, { kind: "operator" }>, left: Expr, right: Expr): Binary {
  const { operator, modifiers } = item;
  const position = nodePosition(item.node);
  const bool = modifiers.some((modifier) => nodeName(modifier) === "BoolModifier");
  const clause = modifiers.find((modifier) => nodeName(modifier) === "MatchingModifierClause");
  const fill = modifiers.find((modifier) => nodeName(modifier) === "FillModifier");
  if (fill !== undefined) throw unsupported(nodePosition(fill), "the modifier fill");
  const binary: Binary = {
    kind: "binary",
    operator,
    bool,
    left,
    right,
    matching: clause === undefined ? undefined : matchingOf(clause),
    position,
  };
  checkBinary(binary);
  return binary;
}

function checkBinary({ operator, bool, left, right, matching, position }: Binary): void {
  const types = [valueType(left), valueType(right)];
  for (const [index, type] of types.entries()) {
    if (type === "scalar" || type === "vector") continue;
    const side = index === 0 ? left : right;
    throw parseError(side.position, "binary expression must contain only scalar and instant vector types");
  }
  const scalars = types.filter((type) => type === "scalar").length;
  const refuse = (message: string): never => {
    throw parseError(position, message);
  };
  if (bool && !isComparison(operator)) refuse("bool modifier can only be used on comparison operators");
  if (isComparison(operator) && !bool && scalars === 2) refuse("comparisons between scalars must use BOOL modifier");
  if (isSetOperator(operator) && scalars > 0)
    refuse(`set operator "${operator}" not allowed in binary scalar expression`);
  if (matching !== undefined && scalars > 0) refuse("vector matching only allowed between instant vectors");
  if (matching === undefined || matching.group === "none") return;
  if (isSetOperator(operator)) refuse(`no grouping allowed for "${operator}" operation`);
  const both = matching.on ? matching.include.find((label) => matching.labels.includes(label)) : undefined;
  if (both !== undefined) refuse(`label "${both}" must not occur in ON and GROUP clause at once`);
}

function matchingOf(clause: Cursor): VectorMatching {
  const parts = children(clause);
  const names = parts.map(nodeName);
  const lists = parts.filter((part) => nodeName(part) === "GroupingLabels").map(groupingLabels);
  return {
    on: names.includes("On"),
    labels: lists[0] ?? [],
    group: names.includes("GroupLeft") ? "left" : names.includes("GroupRight") ? "right" : "none",
    include: lists[1] ?? [],
  };
}
