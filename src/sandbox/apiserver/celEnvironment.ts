import { Environment, Optional } from "@marcbachmann/cel-js";
import { deref, propertySchema } from "./builtinSchemas.ts";
import { isArray, isObject } from "./json.ts";
import type { Json } from "./json.ts";
import type { Schema } from "./schemaTypes.ts";

type Comparable = bigint | number | string;
const compareValues = (a: Comparable, b: Comparable): number => (a < b ? -1 : a > b ? 1 : 0);
const listOf = (value: unknown): Comparable[] => (Array.isArray(value) ? (value as Comparable[]) : []);

/** The functions that Kubernetes adds to CEL and that rules of this world use. */
function withKubernetesFunctions(environment: Environment): Environment {
  const text = (value: unknown) => String(value);
  return environment
    .registerFunction("list.sum(): dyn", (list: unknown) => listOf(list).reduce((a, b) => ((a as never) + b) as never))
    .registerFunction("list.min(): dyn", (list: unknown) => listOf(list).toSorted(compareValues)[0])
    .registerFunction("list.max(): dyn", (list: unknown) => listOf(list).toSorted(compareValues).at(-1))
    .registerFunction("list.isSorted(): bool", (list: unknown) => {
      const items = listOf(list);
      return items.every((item, index) => index === 0 || compareValues(items[index - 1] ?? item, item) <= 0);
    })
    .registerFunction("string.find(string): string", (value: unknown, pattern: unknown) => {
      return new RegExp(text(pattern), "u").exec(text(value))?.[0] ?? "";
    })
    .registerFunction("string.findAll(string): list<string>", (value: unknown, pattern: unknown) =>
      [...text(value).matchAll(new RegExp(text(pattern), "gu"))].map((match) => match[0]),
    )
    .registerFunction("string.replace(string, string): string", (value: unknown, from: unknown, to: unknown) =>
      text(value).replaceAll(text(from), () => text(to)),
    )
    .registerFunction("isURL(string): bool", (value: unknown) => /^([a-z][a-z0-9+.-]*:|\/)/i.test(text(value)));
}

const environment = withKubernetesFunctions(
  new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false })
    .registerVariable("self", "dyn")
    .registerVariable("oldSelf", "dyn"),
);

export type Evaluate = (variables: Readonly<Record<string, unknown>>) => unknown;

const compiled = new Map<string, Evaluate>();

/** Compiles a CEL expression over `self` and `oldSelf`. Throws when it does not parse. */
export function compileCel(expression: string): Evaluate {
  const known = compiled.get(expression);
  if (known !== undefined) return known;
  // cel-js 8.0.0 cannot compare what optional's value() answers ("overload … overlaps"); orValue() has no such fault.
  const program = environment.parse(expression.replaceAll(".value()", ".orValue(dyn(null))"));
  const evaluate: Evaluate = (variables) => program(variables) as unknown;
  compiled.set(expression, evaluate);
  return evaluate;
}

export function optional(value: unknown): unknown {
  return value === undefined ? Optional.none() : Optional.of(value);
}

const RESERVED = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

/** How a property is spelled in CEL: reserved words and characters that are not identifiers are escaped. */
function celName(property: string): string {
  const known = celNames.get(property);
  if (known !== undefined) return known;
  const name = RESERVED.has(property) ? `__${property}__` : escaped(property);
  celNames.set(property, name);
  return name;
}

/** Only of properties that schemas name, so there are few. */
const celNames = new Map<string, string>();

function escaped(property: string): string {
  return property
    .replaceAll("__", "__underscores__")
    .replaceAll(".", "__dot__")
    .replaceAll("-", "__dash__")
    .replaceAll("/", "__slash__");
}

/** JSON as CEL sees it by its schema: integers as 64-bit, fields that the schema does not name are invisible. */
export function celValue(value: Json, declared: Schema): unknown {
  const schema = deref(declared);
  if (typeof value === "number") {
    const isInteger = schema.type === "integer" || (schema.type !== "number" && Number.isInteger(value));
    return isInteger ? BigInt(Math.trunc(value)) : value;
  }
  if (isArray(value)) return value.map((item) => celValue(item, schema.items ?? {}));
  if (!isObject(value)) return value;
  const out: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) {
    if (child === undefined) continue;
    const below = propertySchema(schema, key);
    const name = schema.properties === undefined ? key : celName(key);
    if (below !== undefined) out[name] = celValue(child, below);
  }
  return out;
}
