import { describe, expect, it } from "vitest";
import type { Check } from "../../src/api/canary.ts";
import { judge } from "../../src/decide/checks/index.ts";
import type { FoundSaturation, Percents, Resource, TakenSaturation } from "../../src/decide/taken.ts";
import { NOW } from "./scenes.ts";

type Found = TakenSaturation["found"];

const check: Check = {
  name: "room",
  mode: "Gate",
  onNoData: "Undecided",
  saturation: { maxMemoryPercent: 90, maxCPUPercent: 90, maxThrottledPercent: 25, consecutiveFailureLimit: 1 },
};

function after(...looks: readonly Found[]) {
  return looks.reduce(
    (previous, found, index) =>
      judge({ checks: [check], previous, readings: { room: { at: NOW + index, queries: [], found } } }),
    judge({ checks: [check], previous: [], readings: {} }),
  )[0];
}

function percents(some: Partial<Record<Resource, Percents>>, known = true): FoundSaturation {
  return { kind: "percents", known, percents: { memory: {}, cpu: {}, throttled: {}, ...some } };
}

const roomy = percents({ memory: { canary: 60, primary: 58 }, cpu: { canary: 90 }, throttled: { canary: 25 } });
const full = percents({ memory: { canary: 95, primary: 58 }, cpu: { canary: 5 } });
const onlyMemory = percents({ memory: { canary: 60 } });
const primaryOnly = percents({ memory: { primary: 99 } });
const unlimited = percents({});
const unknown = percents({}, false);
const away: Found = { kind: "unreachable", message: "refused" };
const wrong: Found = { kind: "badQuery", message: "bad" };

describe("saturation", () => {
  it.each([
    ["has room, up to the maximum", [roomy], "Pass"],
    ["is full for a moment", [full], "Undecided"],
    ["is full at several looks, not in a row", [full, roomy, full], "Undecided"],
    ["is full at looks in a row", [full, full], "Fail"],
    ["stays failed for good", [full, full, roomy, unknown, away], "Fail"],
    ["is judged by what has a limit", [onlyMemory], "Pass"],
    ["of the primary is nobody's failure", [primaryOnly, primaryOnly], "NoData"],
    ["without limits", [unlimited, unlimited, unlimited], "NoData"],
    ["without metrics", [unknown, unknown, unknown], "NoData"],
    ["without an answer", [away, away, away], "Error"],
    ["with a query that is refused", [wrong], "Error"],
  ] as const)("%s", (_name, looks, verdict) => {
    expect(after(...looks)?.verdict).toBe(verdict);
  });

  it.each([
    [full, "95 % of the memory limit, above 90, primary 58 (1 reading in a row, 1 tolerated)"],
    [
      onlyMemory,
      "60 % of the memory limit; no number for CPU, throttling: the containers have no such limit, or kube-state-metrics is not scraped",
    ],
    [away, "no answer: refused"],
  ])("says in numbers what it saw", (found, sentence) => {
    expect(after(found)?.message).toBe(sentence);
  });
});
