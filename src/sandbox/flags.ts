import { InvalidArgumentError } from "commander";

/** Reads an option as a whole number from 0 to `most`. @throws InvalidArgumentError, which is told beside the option. */
export function wholeNumber(most: number): (text: string) => number {
  return (text) => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${most}.`);
  };
}

/** @throws InvalidArgumentError */
export function httpUrl(text: string): string {
  if (/^https?:$/.test(URL.parse(text)?.protocol ?? "")) return text;
  throw new InvalidArgumentError("It must be a URL such as http://127.0.0.1:9090.");
}

export const LARGEST_PORT = 65_535;
/** An hour, in milliseconds. */
export const LONGEST_LAG = 3_600_000;
/** A day, in seconds. */
export const LATEST_DEADLINE = 86_400;
