import { METRIC_NAME } from "../labels.ts";
import { matcher, type MatchOperator, type Matcher } from "../matchers.ts";
import { PatternError } from "../pattern.ts";
import type { Expr, MatrixSelector, Subquery, TimeShift, VectorSelector } from "./ast.ts";
import { child, children, nodeName, nodePosition, nodeText, onlyChild, type Cursor } from "./cursor.ts";
import { parseError, unsupported } from "./error.ts";
import { numberOf, stringOf } from "./literals.ts";
import { valueType } from "./types.ts";

export function vectorSelector(node: Cursor): VectorSelector {
  const name = child(node, "Identifier");
  const block = child(node, "LabelMatchers");
  const matchers = block === undefined ? [] : children(block).map(labelMatcher);
  if (name !== undefined) {
    const again = matchers.find((given) => given.name === METRIC_NAME);
    if (again !== undefined) throw parseError(nodePosition(node), "metric name must not be set twice");
    matchers.push(matcher(METRIC_NAME, "=", nodeText(name)));
  }
  if (matchers.every(({ matches }) => matches(""))) {
    throw parseError(nodePosition(node), "vector selector must contain at least one non-empty matcher");
  }
  return { kind: "selector", matchers, shift: {}, position: nodePosition(node) };
}

function labelMatcher(node: Cursor): Matcher {
  if (nodeName(node) === "QuotedLabelName") return matcher(METRIC_NAME, "=", stringOf(onlyChild(node)));
  const [label, operator, value] = children(node);
  if (label === undefined || operator === undefined || value === undefined)
    throw new Error("a matcher has three parts");
  const name = nodeName(label) === "QuotedLabelName" ? stringOf(onlyChild(label)) : nodeText(label);
  try {
    return matcher(name, matchOperator(nodeText(operator)), stringOf(value));
  } catch (error) {
    throw error instanceof PatternError ? parseError(nodePosition(value), error.message) : error;
  }
}

function matchOperator(text: string): MatchOperator {
  return text === "!=" || text === "=~" || text === "!~" ? text : "=";
}

/** Applies `[5m]`, `[5m:1m]`, `offset` or `@` to one operand. `bare`: it stands without parentheses. */
export function applySuffix(expr: Expr, suffix: Cursor, bare: boolean): Expr {
  switch (nodeName(suffix)) {
    case "MatrixSelector":
      return rangeOf(expr, suffix, bare);
    case "SubqueryExpr":
      return subqueryOf(expr, suffix);
    case "OffsetExpr":
      return shifted(expr, suffix, bare, { offsetMs: offsetOf(suffix) });
    case "StepInvariantExpr":
      return shifted(expr, suffix, bare, { at: atOf(suffix) });
    default:
      throw unsupported(nodePosition(suffix), `the modifier "${nodeName(suffix).replace("Expr", "").toLowerCase()}"`);
  }
}

function rangeOf(expr: Expr, suffix: Cursor, bare: boolean): MatrixSelector {
  if (expr.kind !== "selector" || !bare) throw parseError(expr.position, "ranges only allowed for vector selectors");
  if (Object.keys(expr.shift).length > 0) {
    throw parseError(expr.position, "no offset or @ modifiers allowed before range");
  }
  const [rangeMs] = durationsOf(suffix);
  return { kind: "matrix", matchers: expr.matchers, rangeMs: rangeMs ?? NaN, shift: {}, position: expr.position };
}

function subqueryOf(expr: Expr, suffix: Cursor): Subquery {
  const type = valueType(expr);
  if (type !== "vector")
    throw parseError(expr.position, `subquery is only allowed on instant vector, got ${type} instead`);
  const [rangeMs, stepMs] = durationsOf(suffix);
  return { kind: "subquery", expr, rangeMs: rangeMs ?? NaN, stepMs, shift: {}, position: expr.position };
}

function shifted(expr: Expr, suffix: Cursor, bare: boolean, shift: TimeShift): Expr {
  const [modifier] = Object.keys(shift);
  const word = modifier === "at" ? "@" : "offset";
  if (!bare || (expr.kind !== "selector" && expr.kind !== "matrix" && expr.kind !== "subquery")) {
    const message = `${word} modifier must be preceded by an instant vector selector or range vector selector or a subquery`;
    throw parseError(nodePosition(suffix), message);
  }
  if (modifier !== undefined && modifier in expr.shift) {
    throw parseError(expr.position, `${word} may not be set multiple times`);
  }
  return { ...expr, shift: { ...expr.shift, ...shift } };
}

function durationsOf(suffix: Cursor): number[] {
  return children(suffix)
    .filter((part) => nodeName(part) === "DurationExpr")
    .map((part) => {
      const literal = plainDuration(onlyChild(part));
      if (literal <= 0) throw parseError(nodePosition(part), "duration must be greater than 0");
      return literal;
    });
}

function offsetOf(suffix: Cursor): number {
  const expression = child(suffix, "OffsetDurationExpr");
  if (expression === undefined) throw new Error("an offset has a duration");
  return signedDuration(expression);
}

function signedDuration(expression: Cursor): number {
  const [first, second] = children(expression);
  if (first === undefined) throw new Error("a duration expression is not empty");
  if (nodeName(first) !== "UnaryOp" || second === undefined) return plainDuration(first);
  return signedDuration(second) * (nodeText(first) === "-" ? -1 : 1);
}

function plainDuration(node: Cursor): number {
  if (nodeName(node) !== "NumberDurationLiteralInDurationContext") {
    throw unsupported(nodePosition(node), "arithmetic in a duration");
  }
  const ms = Math.round(numberOf(node) * 1000);
  if (!Number.isFinite(ms)) throw parseError(nodePosition(node), "duration out of range");
  return ms;
}

function atOf(suffix: Cursor): number | "start" | "end" {
  const time = child(suffix, "NumberDurationLiteral");
  if (time !== undefined) {
    const seconds = numberOf(time) * (nodeText(time).startsWith("-") ? -1 : 1);
    if (!Number.isFinite(seconds)) throw parseError(nodePosition(time), "timestamp out of bounds for @ modifier");
    return Math.round(seconds * 1000);
  }
  const preprocessor = child(suffix, "AtModifierPreprocessors");
  return preprocessor !== undefined && child(preprocessor, "AtStart") !== undefined ? "start" : "end";
}
