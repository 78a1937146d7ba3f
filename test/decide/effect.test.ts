import { describe, expect, it } from "vitest";
import { situate } from "../../src/decide/situation.ts";
import { effectOf } from "../../src/decide/traffic.ts";
import type { Acceptance } from "../../src/routers/router.ts";
import { ago, scene } from "./scenes.ts";

const accepted: Acceptance = { state: "accepted" };
const unknown: Acceptance = { state: "unknown", message: "nobody spoke" };
const rejected: Acceptance = { state: "rejected", reason: "NoMatchingParent", message: "no" };

describe("a weight of 10", () => {
  it.each([
    ["is on another value", { weight: 20 }, accepted, 99, "differs"],
    ["is not in every rule", { uniform: false }, accepted, 99, "differs"],
    ["has no pair", { weight: undefined }, accepted, 99, "differs"],
    ["was accepted just now", {}, accepted, 1, "pending"],
    ["was accepted and had time", {}, accepted, 2, "effective"],
    ["has no status yet", {}, unknown, 29, "pending"],
    ["gets no status", {}, unknown, 30, "effective"],
    ["was rejected", {}, rejected, 99, "rejected"],
  ] as const)("%s", (_name, route, acceptance, seconds, state) => {
    const see = { route: { weight: 10, uniform: true, managers: [], ...route, acceptance } };
    expect(effectOf(situate(scene({ see })), { weight: 10 }, ago(seconds)).state).toBe(state);
  });

  it("without a status is believed with a warning", () => {
    const see = { route: { weight: 10, uniform: true, managers: [], acceptance: unknown } };
    expect(effectOf(situate(scene({ see })), { weight: 10 }, ago(31))).toEqual({
      state: "effective",
      by: "Settle",
      warning: { reason: "RouteStatusStale", message: "no status for this weight: nobody spoke" },
    });
  });
});
