import type { Expr, ValueType } from "./ast.ts";
import { FUNCTIONS } from "./functions/registry.ts";

/** The type a checked expression evaluates to. */
export function valueType(expr: Expr): ValueType {
  switch (expr.kind) {
    case "number":
      return "scalar";
    case "string":
      return "string";
    case "selector":
    case "aggregate":
      return "vector";
    case "matrix":
    case "subquery":
      return "matrix";
    case "call":
      return FUNCTIONS.get(expr.name)?.returns ?? "vector";
    case "unary":
      return valueType(expr.expr);
    case "binary":
      return valueType(expr.left) === "scalar" && valueType(expr.right) === "scalar" ? "scalar" : "vector";
  }
}

/** A type's name in Prometheus's messages. */
export function describeType(type: ValueType): string {
  switch (type) {
    case "vector":
      return "instant vector";
    case "matrix":
      return "range vector";
    case "scalar":
    case "string":
      return type;
  }
}
