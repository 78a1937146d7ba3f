import { defaultSettings, errorComparison, eventComparison, latencyComparison, slo } from "../../analysis/settings.ts";
import type { ComparisonSettings, History, JudgeSettings, SloSettings } from "../../analysis/types.ts";
import type { Canary, ComparisonCheck, SloCheck } from "../../api/canary.ts";
import { isJudged } from "../../api/checks/index.ts";
import type { Judging } from "../../api/status.ts";
import { parseDuration } from "../../lib/time.ts";
import { signalsOf, streamKey } from "../tile.ts";
import type { Signalled } from "../taken.ts";

/** How the judge is set for a Canary: one test for each thing that its checks look at. */
export function settingsFor(
  { spec }: Canary,
  sources: Judging["sources"],
  history: Readonly<Record<string, History>>,
): JudgeSettings {
  const judged = spec.analysis.checks.filter(isJudged);
  const hasLatency = (name: string) => sources?.find(({ check }) => check === name)?.latency ?? false;
  const { minDuration, undecidedAfter } = spec.analysis;
  const minDurationMs = minDuration === undefined ? defaultSettings.minDurationMs : parseDuration(minDuration);
  return {
    ...defaultSettings,
    comparisons: judged.flatMap((check) => {
      if (!("comparison" in check)) return [];
      return signalsOf(check, hasLatency(check.name)).map((signal) => comparisonFor(check, signal));
    }),
    slos: judged.flatMap((check) => ("slo" in check ? [sloFor(check, history)] : [])),
    minDurationMs,
    maxDurationMs: minDurationMs + parseDuration(undecidedAfter),
    history,
  };
}

function comparisonFor({ name, mode, comparison }: ComparisonCheck, signal: Signalled): ComparisonSettings {
  const { margin, slowerThan, minFailures, minRequests } = comparison;
  const own = {
    name: streamKey(name, signal),
    mode,
    minima: { bad: minFailures, total: minRequests },
    ...(margin === undefined ? {} : { margin: margin / 100 }),
  };
  switch (signal) {
    case "Errors":
      return { ...errorComparison, kind: "events", ...own };
    case "Latency":
      return {
        ...latencyComparison,
        ...own,
        ...(slowerThan === undefined ? {} : { edge: parseDuration(slowerThan) }),
      };
    case "Counters":
    case "Objective":
      return { ...eventComparison(own.name), ...own };
  }
}

function sloFor({ name, mode, slo: block }: SloCheck, history: Readonly<Record<string, History>>): SloSettings {
  const key = streamKey(name, "Objective");
  const hour = history[key]?.count.total;
  return {
    ...slo(key, block.objective / 100),
    mode,
    events: key,
    budgetShare: block.budgetPercent / 100,
    minima: { bad: block.minFailures, total: block.minRequests },
    ...(hour === undefined ? {} : { periodRequests: hour * 24 * Number.parseInt(block.period, 10) }),
  };
}
