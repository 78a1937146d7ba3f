import type { Labels } from "./labels.ts";
import { compilePattern } from "./pattern.ts";

export type MatchOperator = "=" | "!=" | "=~" | "!~";

/** One condition on a label; an absent label is matched as an empty value. */
export interface Matcher {
  readonly name: string;
  readonly operator: MatchOperator;
  readonly value: string;
  matches(value: string): boolean;
}

/** Throws `PatternError` when the value of `=~` or `!~` is not a pattern. */
export function matcher(name: string, operator: MatchOperator, value: string): Matcher {
  return { name, operator, value, matches: predicate(operator, value) };
}

export function matchesAll(labels: Labels, matchers: readonly Matcher[]): boolean {
  return matchers.every(({ name, matches }) => matches(labels[name] ?? ""));
}

function predicate(operator: MatchOperator, expected: string): (value: string) => boolean {
  switch (operator) {
    case "=":
      return (value) => value === expected;
    case "!=":
      return (value) => value !== expected;
    case "=~": {
      const pattern = compilePattern(expected);
      return (value) => pattern.test(value);
    }
    case "!~": {
      const pattern = compilePattern(expected);
      return (value) => !pattern.test(value);
    }
  }
}
