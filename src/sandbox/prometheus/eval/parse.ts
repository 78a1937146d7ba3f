import { parser } from "@prometheus-io/lezer-promql";
import { checkPromql } from "../../../metrics/promql.ts";
import { buildAggregate } from "./parse-aggregate.ts";
import { buildBinary, buildUnary } from "./parse-binary.ts";
import type { Expr } from "./ast.ts";
import { children, nodeName, nodePosition, nodeText, onlyChild, type Cursor } from "./cursor.ts";
import { parseError, unsupported } from "./error.ts";
import { FUNCTIONS } from "./functions/registry.ts";
import { numberOf, stringOf } from "./literals.ts";
import { assemble } from "./precedence.ts";
import { applySuffix, vectorSelector } from "./selectors.ts";
import { describeType, valueType } from "./types.ts";

/**
 * Parses and type-checks a query. Throws `QueryError` with a position: kind `parse` for what Prometheus would refuse as
 * well, kind `unsupported` for PromQL that the embedded evaluator leaves out.
 */
export function parseQuery(query: string): Expr {
  const tree = parser.parse(query);
  const check = checkPromql(query, tree);
  if (!check.ok) throw parseError(check, check.message);
  return buildExpr(onlyChild({ node: tree.topNode, query }));
}

function buildExpr(node: Cursor): Expr {
  return assemble(node, {
    operand: (item) => {
      const bare = nodeName(item.node) !== "ParenExpr";
      return item.suffixes.reduce(
        (expr, suffix, index) => applySuffix(expr, suffix, bare || index > 0),
        buildOperand(item.node),
      );
    },
    sign: buildUnary,
    operator: buildBinary,
  });
}

function buildOperand(node: Cursor): Expr {
  const position = nodePosition(node);
  switch (nodeName(node)) {
    case "NumberDurationLiteral":
      return { kind: "number", value: numberOf(node), position };
    case "StringLiteral":
      return { kind: "string", value: stringOf(node), position };
    case "VectorSelector":
      return vectorSelector(node);
    case "ParenExpr":
      return buildExpr(onlyChild(node));
    case "FunctionCall":
      return buildCall(node);
    case "AggregateExpr":
      return buildAggregate(node, buildExpr);
    default:
      throw unsupported(position, nodeName(node));
  }
}

function buildCall(node: Cursor): Expr {
  const position = nodePosition(node);
  const [identifier, body] = children(node);
  const name = identifier === undefined ? "" : nodeText(identifier);
  const definition = FUNCTIONS.get(name);
  if (definition === undefined) throw unsupported(position, `the function ${name}()`);
  const args = body === undefined ? [] : children(body).map(buildExpr);
  const most = definition.variadic ? Infinity : definition.params.length;
  const least = definition.params.length - definition.optional;
  if (args.length < least || args.length > most) {
    const expected = least === most ? `${least}` : args.length < least ? `at least ${least}` : `at most ${most}`;
    throw parseError(position, `expected ${expected} argument(s) in call to "${name}", got ${args.length}`);
  }
  for (const [index, arg] of args.entries()) {
    const wanted = definition.params[index] ?? definition.params.at(-1) ?? "vector";
    const got = valueType(arg);
    if (got === wanted) continue;
    const message = `expected type ${describeType(wanted)} in call to function "${name}", got ${describeType(got)}`;
    throw parseError(arg.position, message);
  }
  return { kind: "call", name, args, position };
}
