import { isArray } from "./json.ts";
import type { Json } from "./json.ts";
import type { Schema } from "./schemaTypes.ts";
import type { FieldError } from "./status.ts";

/** The JSON schema type of a value; whole numbers are integers. */
export function typeName(value: Json): string {
  if (value === null) return "null";
  if (isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

const invalid = (path: string, value: Json, detail: string): FieldError => ({
  type: "FieldValueInvalid",
  field: path === "" ? "<nil>" : path,
  value,
  detail: `${path} in body ${detail}`,
});

/** minimum, maximum and multipleOf. */
export function validateNumber(value: number, schema: Schema, path: string, errors: FieldError[]): void {
  const { minimum, maximum, multipleOf } = schema;
  if (schema.type === "integer" && !Number.isInteger(value)) errors.push(notWhole(path));
  if (maximum !== undefined && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum)) {
    const bound = schema.exclusiveMaximum === true ? "less than" : "less than or equal to";
    errors.push(invalid(path, value, `should be ${bound} ${maximum}`));
  }
  if (minimum !== undefined && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum)) {
    const bound = schema.exclusiveMinimum === true ? "greater than" : "greater than or equal to";
    errors.push(invalid(path, value, `should be ${bound} ${minimum}`));
  }
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
    errors.push(invalid(path, value, `should be a multiple of ${multipleOf}`));
  }
}

/** The real server says this besides the error of type, and without a field. */
function notWhole(path: string): FieldError {
  const detail = `Checked value must be of type integer (default format) in ${path}`;
  return { type: "FieldValueInvalid", field: "<nil>", value: "", detail };
}

const patterns = new Map<string, RegExp>();

function patternOf(pattern: string): RegExp {
  let compiled = patterns.get(pattern);
  if (compiled === undefined) {
    compiled = new RegExp(pattern, "u");
    patterns.set(pattern, compiled);
  }
  return compiled;
}

/** minLength, maxLength, pattern and format. Lengths count code points, as in Go. */
export function validateString(value: string, schema: Schema, path: string, errors: FieldError[]): void {
  const length = [...value].length;
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    const limit = schema.maxLength;
    const detail = `may not be more than ${limit} byte${limit === 1 ? "" : "s"}`;
    errors.push({ type: "FieldValueTooLong", field: path === "" ? "<nil>" : path, detail });
  }
  if (schema.minLength !== undefined && length < schema.minLength) {
    errors.push(invalid(path, value, `should be at least ${schema.minLength} chars long`));
  }
  if (schema.pattern !== undefined && !patternOf(schema.pattern).test(value)) {
    errors.push(invalid(path, value, `should match '${schema.pattern}'`));
  }
  const format = schema.format;
  if (format !== undefined && FORMATS[format]?.(value) === false) {
    const detail = `${path} in body must be of type ${format}: ${JSON.stringify(value)}`;
    errors.push({ type: "FieldValueTypeInvalid", field: path, value, detail });
  }
}

/** The formats that schemas of this world use; unknown ones pass, as on the real server. */
const FORMATS: Readonly<Record<string, (value: string) => boolean>> = {
  "date-time": (value) => /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(value),
  date: (value) => /^\d{4}-\d\d-\d\d$/.test(value),
  uri: (value) => URL.canParse(value) || value.startsWith("/"),
  uuid: (value) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(value),
  ipv4: (value) => /^(\d{1,3}\.){3}\d{1,3}$/.test(value),
  duration: (value) => /\d/.test(value),
};
