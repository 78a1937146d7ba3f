import type { Reading } from "../provider.ts";

const EMPTY: Reading = { kind: "empty" };

/**
 * Reads one number from JSON, also from its text. Infinity becomes the largest finite number: it compares as users
 * expect, and status can hold it. Null and NaN are silence. Undefined when it is no number at all.
 */
export function numberReading(value: unknown): Reading | undefined {
  if (value === null || value === undefined) return EMPTY;
  if (typeof value === "string") return textReading(value.trim());
  return typeof value === "number" ? finite(value) : undefined;
}

function textReading(text: string): Reading | undefined {
  const infinite = /^([+-]?)inf(inity)?$/i.exec(text);
  if (infinite !== null) return finite(infinite[1] === "-" ? -Infinity : Infinity);
  if (/^nan$/i.test(text)) return EMPTY;
  const value = text === "" ? Number.NaN : Number(text);
  return Number.isNaN(value) ? undefined : finite(value);
}

function finite(value: number): Reading {
  if (Number.isNaN(value)) return EMPTY;
  return { kind: "value", value: Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value)) };
}
