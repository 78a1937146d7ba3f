/** A number as Prometheus's exposition format and API write it (`+Inf`, `-Inf`, `NaN`, hexadecimal); undefined if none. */
export function parseFloatText(text: string): number | undefined {
  const special = /^([+-]?)(?:inf(?:inity)?|nan)$/i.exec(text);
  if (special !== null) return /nan/i.test(text) ? NaN : special[1] === "-" ? -Infinity : Infinity;
  const hexadecimal = /^([+-]?)(0x[0-9a-f]+)$/i.exec(text);
  if (hexadecimal !== null) return Number(hexadecimal[2]) * (hexadecimal[1] === "-" ? -1 : 1);
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return undefined;
  return Number(text);
}

/** A sample value as the HTTP API writes it. */
export function formatFloat(value: number): string {
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  return Object.is(value, -0) ? "-0" : String(value);
}

/**
 * The one spelling that Prometheus 3 stores for `le` and `quantile` values: `1` becomes `1.0`, `1000000` becomes `1e+06`.
 * A text that is not a number stays as it is.
 */
export function canonicalBound(text: string): string {
  const value = parseFloatText(text);
  if (value === undefined) return text;
  if (!Number.isFinite(value)) return formatFloat(value);
  if (value === 0) return "0.0";
  const [mantissa, exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  // Go's shortest form, which Prometheus uses, turns to an exponent at a million.
  if (power < -4 || power >= 6) {
    return `${mantissa ?? ""}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  const plain = value.toLocaleString("en-US", { useGrouping: false, maximumFractionDigits: 20 });
  return plain.includes(".") ? plain : `${plain}.0`;
}
