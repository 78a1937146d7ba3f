import type { ArithmeticOperator, Binary, ComparisonOperator } from "./ast.ts";
import { isComparison, isSetOperator } from "./ast.ts";

/** Applies an arithmetic or comparison operator to two numbers; undefined when a comparison without `bool` filters out. */
export function compute(
  { operator, bool }: Binary,
  left: number,
  right: number,
): { readonly value: number } | undefined {
  if (isSetOperator(operator)) throw new Error(`${operator} is not an operator on numbers`);
  if (!isComparison(operator)) return { value: arithmetic(operator, left, right) };
  const holds = compare(operator, left, right);
  if (bool) return { value: holds ? 1 : 0 };
  return holds ? { value: left } : undefined;
}

function arithmetic(operator: ArithmeticOperator, left: number, right: number): number {
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return left / right;
    case "%":
      return left % right;
    case "^":
      return power(left, right);
    case "atan2":
      return Math.atan2(left, right);
  }
}

/** IEEE 754 power: `1 ^ x` is 1 also where JavaScript's `**` answers NaN. */
function power(base: number, exponent: number): number {
  if (base === 1) return 1;
  if (base === -1 && Math.abs(exponent) === Infinity) return 1;
  return base ** exponent;
}

function compare(operator: ComparisonOperator, left: number, right: number): boolean {
  switch (operator) {
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    case "<":
      return left < right;
    case ">":
      return left > right;
    case "<=":
      return left <= right;
    case ">=":
      return left >= right;
  }
}
