import { isArray, isObject } from "./json.ts";
import type { Json } from "./json.ts";

/**
 * The JSONPath of printer columns: `.a.b`, `['a.b']`, `[0]`, `[*]`, `[-1]` and `[?(@.type=="Ready")]`.
 * Answers every match.
 */
export function jsonPath(value: Json, path: string): readonly Json[] {
  let current: readonly Json[] = [value];
  for (const step of stepsOf(path)) current = current.flatMap((item) => step(item));
  return current;
}

type Step = (value: Json) => readonly Json[];

const cache = new Map<string, readonly Step[]>();
const TOKEN =
  /\.?\[\?\(\s*@\.?([^=!<>\s]*)\s*(==|!=)\s*["']?([^"')]*)["']?\s*\)\]|\['((?:[^'\\]|\\.)*)'\]|\[(\*|-?\d+)\]|\.?((?:\\.|[^.[\]])+)/gy;

function stepsOf(path: string): readonly Step[] {
  const known = cache.get(path);
  if (known !== undefined) return known;
  const text = path.replace(/^\{|\}$/g, "").replace(/^\$/, "");
  const steps = [...text.matchAll(TOKEN)].map((match) => stepOf(match));
  cache.set(path, steps);
  return steps;
}

function stepOf(match: RegExpExecArray): Step {
  const [, filterPath, operator, wanted, quoted, index, name] = match;
  if (filterPath !== undefined) {
    const passes = (item: Json) =>
      (operator === "==") === jsonPath(item, `.${filterPath}`).some((found) => String(found) === wanted);
    return (value) => (isArray(value) ? value.filter(passes) : []);
  }
  if (index !== undefined) return (value) => atIndex(value, index);
  const key = (quoted ?? name ?? "").replaceAll(/\\(.)/g, "$1");
  if (key === "*") return (value) => allOf(value);
  return (value) => {
    const child = isObject(value) ? value[key] : undefined;
    return child === undefined ? [] : [child];
  };
}

function allOf(value: Json): readonly Json[] {
  if (isArray(value)) return value;
  return isObject(value) ? Object.values(value).filter((item) => item !== undefined) : [];
}

function atIndex(value: Json, index: string): readonly Json[] {
  if (index === "*") return allOf(value);
  const item = isArray(value) ? value.at(Number(index)) : undefined;
  return item === undefined ? [] : [item];
}
