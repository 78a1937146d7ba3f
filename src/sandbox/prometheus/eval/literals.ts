import { parseDurationMs } from "../../../metrics/promqlDuration.ts";
import { parseFloatText } from "../numbers.ts";
import { nodePosition, nodeText, type Cursor } from "./cursor.ts";
import { parseError } from "./error.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** The value of a number or duration literal without its sign; a duration counts in seconds. */
export function numberOf(cursor: Cursor): number {
  const text = nodeText(cursor).replace(/^[+-]\s*/, "");
  const durationMs = parseDurationMs(text);
  const value = durationMs === undefined ? plainNumber(text.replaceAll("_", "")) : durationMs / 1000;
  if (value === undefined)
    throw parseError(nodePosition(cursor), `bad number or duration syntax: ${JSON.stringify(text)}`);
  return value;
}

/** As in Prometheus, a whole number with a leading zero is octal where it can be. */
function plainNumber(text: string): number | undefined {
  return /^0[0-7]+$/.test(text) ? parseInt(text, 8) : parseFloatText(text);
}

/** The text of a string literal: Go's escapes in double and single quotes, none in back-quotes. */
export function stringOf(cursor: Cursor): string {
  const literal = nodeText(cursor);
  const inner = literal.slice(1, -1);
  if (literal.startsWith("`")) return inner;
  return inner.replace(/\\(x[0-9a-fA-F]{2}|[0-7]{3}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[^])/g, (whole, escape: string) => {
    const letter = ESCAPES[escape];
    if (letter !== undefined) return letter;
    if (/^["'\\]$/.test(escape)) return escape;
    if (/^[xuU]./.test(escape)) return String.fromCodePoint(parseInt(escape.slice(1), 16));
    if (/^[0-7]{3}$/.test(escape)) return String.fromCodePoint(parseInt(escape, 8));
    throw parseError(nodePosition(cursor), `unknown escape sequence ${whole}`);
  });
}
