import { vector } from "../value.ts";
import {
  define,
  mapElements,
  numberArg,
  vectorArg,
  type FunctionDefinition,
  type FunctionTable,
} from "./definition.ts";

/** One number per element. */
export const MATH_FUNCTIONS: FunctionTable = {
  abs: elementwise(Math.abs),
  ceil: elementwise(Math.ceil),
  floor: elementwise(Math.floor),
  sqrt: elementwise(Math.sqrt),
  exp: elementwise(Math.exp),
  ln: elementwise(Math.log),
  log2: elementwise(Math.log2),
  log10: elementwise(Math.log10),
  sgn: elementwise(Math.sign),
  round: define({ params: ["vector", "scalar"], optional: 1 }, (input) => {
    // Prometheus multiplies by the inverse, which rounds 0.15 to 0.1 differently from dividing.
    const inverse = 1 / numberArg(input, 1, 1);
    return mapElements(vectorArg(input, 0), (value) => Math.floor(value * inverse + 0.5) / inverse);
  }),
  clamp: define({ params: ["vector", "scalar", "scalar"] }, (input) => {
    const [low, high] = [numberArg(input, 1), numberArg(input, 2)];
    if (high < low) return vector([]);
    return mapElements(vectorArg(input, 0), (value) => Math.max(low, Math.min(high, value)));
  }),
  clamp_min: define({ params: ["vector", "scalar"] }, (input) =>
    mapElements(vectorArg(input, 0), (value) => Math.max(numberArg(input, 1), value)),
  ),
  clamp_max: define({ params: ["vector", "scalar"] }, (input) =>
    mapElements(vectorArg(input, 0), (value) => Math.min(numberArg(input, 1), value)),
  ),
};

function elementwise(map: (value: number) => number): FunctionDefinition {
  return define({ params: ["vector"] }, (input) => mapElements(vectorArg(input, 0), map));
}
