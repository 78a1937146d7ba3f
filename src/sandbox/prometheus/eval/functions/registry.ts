import type { FunctionDefinition } from "./definition.ts";
import { HISTOGRAM_FUNCTIONS } from "./histogram.ts";
import { MATH_FUNCTIONS } from "./math.ts";
import { OVER_TIME_FUNCTIONS } from "./over-time.ts";
import { RATE_FUNCTIONS } from "./rate.ts";
import { RELABEL_FUNCTIONS } from "./relabel.ts";
import { VECTOR_FUNCTIONS } from "./vectors.ts";

/** Every function that the embedded evaluator knows, by its PromQL name. */
export const FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map(
  [
    RATE_FUNCTIONS,
    OVER_TIME_FUNCTIONS,
    MATH_FUNCTIONS,
    VECTOR_FUNCTIONS,
    RELABEL_FUNCTIONS,
    HISTOGRAM_FUNCTIONS,
  ].flatMap((table) => Object.entries(table)),
);

/** A function that the parser has let through. */
export function functionNamed(name: string): FunctionDefinition {
  const definition = FUNCTIONS.get(name);
  if (definition === undefined) throw new Error(`the function ${name} was not checked`);
  return definition;
}
