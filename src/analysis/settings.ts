import type { ComparisonSettings, JudgeSettings, SloSettings } from "./types.ts";

/** Canary against primary by the share of failed requests; the first half minute belongs to the route's change. */
export const errorComparison: ComparisonSettings = {
  name: "errors",
  kind: "errors",
  mode: "Gate",
  margin: 0.0088,
  warmUpMs: 30_000,
  share: 1,
};

/** Canary against primary by the tail of the latency histogram; the first minute is a cold start's. */
export const latencyComparison: ComparisonSettings = {
  name: "latency",
  kind: "latency",
  mode: "Gate",
  margin: 0.05,
  warmUpMs: 60_000,
  share: 1,
};

/** Canary against primary by a good/bad counter of the user's. */
export function eventComparison(name: string): ComparisonSettings {
  return { ...errorComparison, name, kind: "events", share: 0.5 };
}

/** One SLO of the service, judged on the canary's requests alone. */
export function slo(name: string, objective: number): SloSettings {
  return { name, mode: "Gate", objective, budgetShare: 0.01, share: 0.5 };
}

/** Errors and latency against the primary: what a Canary without checks of its own is judged by. */
export const defaultSettings: JudgeSettings = {
  comparisons: [errorComparison, latencyComparison],
  slos: [],
  alpha: 0.01,
  beta: 0.008,
  lateStartMs: 120_000,
  minDurationMs: 360_000,
  maxDurationMs: 2_160_000,
  silenceMs: 120_000,
  minBad: 3,
  minTotal: 20,
  history: {},
};
