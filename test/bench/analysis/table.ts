import type { Bar } from "./bars.ts";
import type { Scenario } from "./scenario.ts";
import type { Tally } from "./tally.ts";

const COLUMNS = [
  "scenario",
  "rps",
  "judge",
  "rolled back %",
  "promoted %",
  "undecided %",
  "rollback minute",
  "canary requests",
  "promotion minute",
];

/** A Markdown table; minutes are medians, and so is how many requests the canary had served until rollback. */
export function tableLines(scenarios: readonly Scenario[], results: readonly Tally[]): string[] {
  const lines = [`| ${COLUMNS.join(" | ")} |`, `|${COLUMNS.map(() => "---").join("|")}|`];
  for (const each of results) {
    const about = scenarios.find(({ name }) => name === each.scenario)?.about ?? "";
    const cells = [
      `${each.scenario} ${about}`.trim(),
      each.rps,
      each.judge,
      percent(each.rolledBack),
      percent(each.promoted),
      percent(each.undecided),
      minute(each.rollbackMinute),
      each.canaryRequests ?? "–",
      minute(each.promotionMinute),
    ];
    lines.push(`| ${cells.join(" | ")} |`);
  }
  return lines;
}

function minute(value: number | undefined): string {
  return value === undefined ? "–" : String(Number(value.toFixed(1)));
}

function percent(value: number): string {
  return value === 0 || value >= 99.95 ? String(Math.round(value)) : value.toFixed(1);
}

/** One line a bar: whether it holds, and what was measured. */
export function barLines(bars: readonly Bar[]): string[] {
  return bars.map(({ holds, name, measured }) => `${holds ? "holds " : "MISSED"}  ${name}: ${measured}`);
}
