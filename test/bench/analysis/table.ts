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
  "at minute",
  "canary requests",
];

/** A Markdown table; the minute and the requests are medians until rollback, and behind a slash the minute of promotion. */
export function tableLines(scenarios: readonly Scenario[], results: readonly Tally[]): string[] {
  const lines = [`| ${COLUMNS.join(" | ")} |`, `|${COLUMNS.map(() => "---").join("|")}|`];
  for (const each of results) {
    const about = scenarios.find(({ name }) => name === each.scenario)?.about ?? "";
    const minute = `${each.rollbackMinute ?? "–"} / ${each.promotionMinute ?? "–"}`;
    const cells = [
      `${each.scenario} ${about}`.trim(),
      each.rps,
      each.judge,
      percent(each.rolledBack),
      percent(each.promoted),
      percent(each.undecided),
      minute,
      each.canaryRequests ?? "–",
    ];
    lines.push(`| ${cells.join(" | ")} |`);
  }
  return lines;
}

function percent(value: number): string {
  return value === 0 || value >= 99.95 ? String(Math.round(value)) : value.toFixed(1);
}

/** One line a bar: whether it holds, and what was measured. */
export function barLines(bars: readonly Bar[]): string[] {
  return bars.map(({ holds, name, measured }) => `${holds ? "holds " : "MISSED"}  ${name}: ${measured}`);
}
