import { faultOfValue, typedValue } from "./analysisTemplate.ts";
import type { AnalysisTemplateSpec, TemplateUse } from "./analysisTemplate.ts";
import { checkSchema, resolveCheck } from "./checks/index.ts";
import { faultOfBounds } from "./checks/threshold.ts";
import { problemsOf } from "./object.ts";

/** An object of JSON. */
type Json = Record<string, unknown>;

/** Checks as a Canary could hold them, or the sentence that says what is wrong. */
export type Expanded =
  { readonly ok: true; readonly checks: readonly Json[] } | { readonly ok: false; readonly message: string };

/** The checks of a template, fitted to a Canary by what it says. Pure. */
export function expandTemplate(spec: AnalysisTemplateSpec, use: TemplateUse): Expanded {
  const given = valuesOf(spec, use);
  if (typeof given === "string") return { ok: false, message: given };
  const checks: Json[] = [];
  for (const check of spec.checks) {
    const fitted = fit(check, spec, given);
    if (typeof fitted === "string") return { ok: false, message: `check ${check.name}: ${fitted}` };
    checks.push({ ...fitted, name: use.prefix === undefined ? check.name : `${use.prefix}-${check.name}` });
  }
  return { ok: true, checks };
}

type Values = ReadonlyMap<string, string>;

/** What each argument is, defaults filled in; an argument without a value is not in it. */
function valuesOf({ args = [] }: AnalysisTemplateSpec, { args: given = [] }: TemplateUse): Values | string {
  const values = new Map(args.flatMap(({ name, default: value }) => (value === undefined ? [] : [[name, value]])));
  for (const { name, value } of given) {
    const declared = args.find((arg) => arg.name === name);
    if (declared === undefined) {
      const known = args.length === 0 ? "it has none" : `it has ${args.map((arg) => arg.name).join(", ")}`;
      return `there is no argument ${name}; ${known}`;
    }
    const fault = faultOfValue(declared.type, value);
    if (fault !== undefined) return `argument ${name} ${fault}, not ${JSON.stringify(value)}`;
    values.set(name, value);
  }
  const missing = args.find(({ name, sets }) => !values.has(name) && sets === undefined);
  return missing === undefined ? values : `argument ${missing.name} has no default and needs a value`;
}

/** A check with its fields set and its texts filled in, or what is wrong with it. */
function fit(check: Json, { args = [] }: AnalysisTemplateSpec, values: Values): Json | string {
  const copy = structuredClone(check);
  const set: (readonly [path: string, value: string | number])[] = [];
  for (const { name, type, sets = [] } of args) {
    const value = values.get(name);
    if (value === undefined) continue;
    for (const { field } of sets.filter((one) => one.check === check["name"]))
      set.push([field, typedValue(type, value)]);
  }
  for (const [path, value] of set) setAt(copy, path.split("."), value);
  const unknown: string[] = [];
  const filled = fillTexts(copy, values, unknown) as Json;
  if (unknown[0] !== undefined) return `it uses the argument ${unknown[0]}, which has no value or is not in args`;
  const parsed = checkSchema.safeParse(filled);
  if (!parsed.success) {
    return problemsOf(parsed.error)
      .map(({ path, message }) => `${path}: ${message}`)
      .join("; ");
  }
  if (resolveCheck(parsed.data) === undefined) return "exactly one kind is needed";
  const fault = parsed.data.threshold === undefined ? undefined : faultOfBounds(parsed.data.threshold);
  if (fault !== undefined) return fault;
  const stray = set.find(([path, value]) => valueAt(parsed.data, path.split(".")) !== value);
  return stray === undefined ? filled : `an argument sets ${stray[0]}, and a check has no such field`;
}

function setAt(target: Json, [first = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    target[first] = value;
    return;
  }
  const inner = target[first];
  const next = typeof inner === "object" && inner !== null ? (inner as Json) : {};
  target[first] = next;
  setAt(next, rest, value);
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? (at as Json)[key] : undefined),
    value,
  );
}

const USE = /\{\{\s*args\.([^{}\s]*)\s*\}\}/g;

function fillTexts(value: unknown, values: Values, unknown: string[]): unknown {
  if (typeof value === "string") {
    return value.replace(USE, (text, name: string) => {
      const found = values.get(name);
      if (found === undefined) unknown.push(name);
      return found ?? text;
    });
  }
  if (Array.isArray(value)) return value.map((entry) => fillTexts(entry, values, unknown));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, fillTexts(entry, values, unknown)]));
}
