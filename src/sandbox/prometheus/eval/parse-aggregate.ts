import type { Aggregate, Expr, Grouping, ValueType } from "./ast.ts";
import { AGGREGATIONS } from "./aggregate.ts";
import { child, children, nodeName, nodePosition, nodeText, onlyChild, type Cursor } from "./cursor.ts";
import { parseError, unsupported } from "./error.ts";
import { stringOf } from "./literals.ts";
import { describeType, valueType } from "./types.ts";

/** `sum by (le) (expr)`, `topk(3, expr)`: operator, parameter and grouping. */
export function buildAggregate(node: Cursor, buildExpr: (node: Cursor) => Expr): Aggregate {
  const position = nodePosition(node);
  const operator = nodeText(onlyChild(node)).toLowerCase();
  const definition = AGGREGATIONS.get(operator);
  if (definition === undefined) throw unsupported(position, `the aggregation ${operator}()`);
  const body = child(node, "FunctionCallBody");
  const args = body === undefined ? [] : children(body).map(buildExpr);
  const expected = definition.param === undefined ? 1 : 2;
  const expr = args.at(-1);
  if (expr === undefined || args.length !== expected) {
    const message = `wrong number of arguments for aggregate expression provided, expected ${expected}, got ${args.length}`;
    throw parseError(position, message);
  }
  const param = expected === 2 ? args[0] : undefined;
  expectType(expr, "vector", "aggregation expression");
  if (param !== undefined && definition.param !== undefined)
    expectType(param, definition.param, "aggregation parameter");
  return { kind: "aggregate", operator, param, expr, grouping: groupingOf(child(node, "AggregateModifier")), position };
}

/** The names between the parentheses of `by (…)`, `on (…)`, `group_left (…)`. */
export function groupingLabels(node: Cursor): string[] {
  return children(node).map((label) =>
    nodeName(label) === "QuotedLabelName" ? stringOf(onlyChild(label)) : nodeText(label),
  );
}

function groupingOf(modifier: Cursor | undefined): Grouping {
  const labels = modifier === undefined ? undefined : child(modifier, "GroupingLabels");
  if (modifier === undefined || labels === undefined) return { mode: "by", labels: [] };
  return { mode: child(modifier, "Without") === undefined ? "by" : "without", labels: groupingLabels(labels) };
}

function expectType(expr: Expr, wanted: ValueType, where: string): void {
  const got = valueType(expr);
  if (got === wanted) return;
  throw parseError(expr.position, `expected type ${describeType(wanted)} in ${where}, got ${describeType(got)}`);
}
