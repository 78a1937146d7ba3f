import type { QueryPosition } from "../../../metrics/promql.ts";
import type { Matcher } from "../matchers.ts";

export type ValueType = "scalar" | "string" | "vector" | "matrix";

/** Moves a selector's time: `offset` back by so many ms, `@` to a fixed time in ms or to an end of the query's range. */
export interface TimeShift {
  readonly offsetMs?: number;
  readonly at?: number | "start" | "end";
}

interface Located {
  readonly position: QueryPosition;
}

export interface NumberLiteral extends Located {
  readonly kind: "number";
  readonly value: number;
}
export interface StringLiteral extends Located {
  readonly kind: "string";
  readonly value: string;
}
export interface VectorSelector extends Located {
  readonly kind: "selector";
  readonly matchers: readonly Matcher[];
  readonly shift: TimeShift;
}
export interface MatrixSelector extends Located {
  readonly kind: "matrix";
  readonly matchers: readonly Matcher[];
  readonly rangeMs: number;
  readonly shift: TimeShift;
}
export interface Subquery extends Located {
  readonly kind: "subquery";
  readonly expr: Expr;
  readonly rangeMs: number;
  readonly stepMs: number | undefined;
  readonly shift: TimeShift;
}
export interface Call extends Located {
  readonly kind: "call";
  readonly name: string;
  readonly args: readonly Expr[];
}
export interface Grouping {
  readonly mode: "by" | "without";
  readonly labels: readonly string[];
}
export interface Aggregate extends Located {
  readonly kind: "aggregate";
  readonly operator: string;
  readonly param: Expr | undefined;
  readonly expr: Expr;
  readonly grouping: Grouping;
}
export interface VectorMatching {
  readonly on: boolean;
  readonly labels: readonly string[];
  readonly group: "none" | "left" | "right";
  /** Labels that the many side takes from the one side. */
  readonly include: readonly string[];
}
export interface Binary extends Located {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly bool: boolean;
  readonly matching: VectorMatching | undefined;
  readonly left: Expr;
  readonly right: Expr;
}
export interface Unary extends Located {
  readonly kind: "unary";
  readonly operator: "+" | "-";
  readonly expr: Expr;
}

export const ARITHMETIC = ["+", "-", "*", "/", "%", "^", "atan2"] as const;
export const COMPARISONS = ["==", "!=", "<", ">", "<=", ">="] as const;
export const SET_OPERATORS = ["and", "or", "unless"] as const;

export type ArithmeticOperator = (typeof ARITHMETIC)[number];
export type ComparisonOperator = (typeof COMPARISONS)[number];
export type SetOperator = (typeof SET_OPERATORS)[number];
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | SetOperator;

export type Expr =
  NumberLiteral | StringLiteral | VectorSelector | MatrixSelector | Subquery | Call | Aggregate | Binary | Unary;

export function isComparison(operator: BinaryOperator): operator is ComparisonOperator {
  return (COMPARISONS as readonly string[]).includes(operator);
}

export function isSetOperator(operator: BinaryOperator): operator is SetOperator {
  return (SET_OPERATORS as readonly string[]).includes(operator);
}
