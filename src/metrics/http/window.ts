import { duration } from "../../api/schema.ts";

/** For back-ends whose queries do not say themselves how far back they look. */
export const windowField = duration({ min: "10s", max: "24h" }).default("5m").describe("How far back a query looks.");

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/**
 * The longest time in a query that `pattern` finds, in milliseconds: its groups are an amount and a unit, which begins
 * with s, m, h, d or w. 0 when there is none.
 */
export function longestIn(query: string, pattern: RegExp): number {
  const found = [...query.matchAll(pattern)].map(([, amount, unit = ""]) => {
    return Number(amount) * (UNIT_MS[unit.slice(0, 1).toLowerCase()] ?? 0);
  });
  return Math.max(0, ...found);
}
