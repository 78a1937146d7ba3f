import { judge, startJudging } from "../../../../src/analysis/judge.ts";
import { historyFrom } from "../../../../src/analysis/past.ts";
import { defaultSettings, eventComparison, slo } from "../../../../src/analysis/settings.ts";
import type { Judgement, JudgeSettings } from "../../../../src/analysis/types.ts";
import type { Scenario } from "../scenario.ts";
import type { Run } from "../world.ts";
import type { Outcome } from "./outcome.ts";

/** Settings of the production judge for a scenario, with what the hours before say about the primary. */
export function settingsFor(scenario: Scenario, run: Run): JudgeSettings {
  const known = Object.entries(scenario.history ? run.history() : {});
  return {
    ...defaultSettings,
    comparisons: [...defaultSettings.comparisons, ...scenario.metrics.map(({ name }) => eventComparison(name))],
    slos: scenario.objective === undefined ? [] : [slo("objective", scenario.objective / 100)],
    minDurationMs: scenario.minMinutes * 60_000,
    maxDurationMs: scenario.maxMinutes * 60_000,
    history: Object.fromEntries(known.map(([name, past]) => [name, historyFrom(past)])),
  };
}

/** The production judge under the rollout's rules: go on after the step's time unless something speaks against it. */
export function aviary(run: Run, watch?: (judgement: Judgement, minute: number) => void): Outcome {
  const { scenario, moments } = run.world;
  const settings = settingsFor(scenario, run);
  let state = startJudging(0, settings);
  let [step, stepSince, canaryRequests, expectedBad] = [0, 0, 0, 0];
  const lastStep = scenario.weights.length - 1;
  for (let look = 0; look < moments.length; look++) {
    const { interval, expectedBad: bad } = run.draw(look, scenario.weights[step] ?? 100);
    canaryRequests += interval.canary.requests;
    expectedBad += bad;
    const looked = judge(state, interval, { settings, lastStep: step === lastStep });
    state = looked.state;
    const minute = interval.to / 60_000;
    watch?.(looked.judgement, minute);
    const ended = (end: Outcome["end"]): Outcome => ({ end, minute, canaryRequests, expectedBad });
    const { verdict, mayAdvance } = looked.judgement;
    if (verdict === "Fail") return ended("rolledBack");
    const stepIsOver = interval.to - stepSince >= scenario.stepSeconds * 1_000;
    if (step < lastStep && stepIsOver && mayAdvance) {
      step++;
      stepSince = interval.to;
    } else if (step === lastStep && stepIsOver && minute >= scenario.minMinutes && verdict === "Pass") {
      return ended("promoted");
    }
  }
  return { end: "undecided", minute: scenario.maxMinutes, canaryRequests, expectedBad };
}
