import type { Reading } from "../provider.ts";
import { numberReading } from "./numbers.ts";
import { badQuery, several } from "./sentences.ts";

/** A row of an answer by its columns; what a column holds may be an object of more. */
export type Row = Readonly<Record<string, unknown>>;

/** The one number of an answer that is a table. `hint` says how a query gets down to one row. */
export function soleNumber(rows: readonly Row[], hint: string): Reading {
  const [row] = rows;
  if (row === undefined) return { kind: "empty" };
  if (rows.length > 1) return several(rows.length, "rows", hint);
  return soleOf(leavesOf(row), "columns", "ask for one of them");
}

/** The one number of a list. */
export function soleOf(values: readonly unknown[], what: string, hint: string): Reading {
  if (values.length > 1) return several(values.length, what, hint);
  const [value] = values;
  return numberReading(value) ?? badQuery(`the query gives ${JSON.stringify(value).slice(0, 80)}, not a number`);
}

/** The newest of the values that are known, which come from old to new; null is silence. */
export function newestOf(values: readonly unknown[]): unknown {
  return values.findLast((value) => value !== null && value !== undefined);
}

function leavesOf(row: Row): readonly unknown[] {
  return Object.values(row).flatMap((value) => {
    const isNested = typeof value === "object" && value !== null && !Array.isArray(value);
    return isNested ? leavesOf(value as Row) : [value];
  });
}

/** A row from its columns' names and its values, without those that only say when or where. */
export function rowOf(names: readonly string[], values: readonly unknown[], left: RegExp): Row {
  return Object.fromEntries(names.flatMap((name, at) => (left.test(name) ? [] : [[name, values[at]]])));
}
