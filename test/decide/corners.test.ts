import { describe, expect, it } from "vitest";
import { assertInvariants } from "../../src/act/invariants.ts";
import type { CanaryStatus, RolloutMemory } from "../../src/api/status.ts";
import { decide } from "../../src/decide/decide.ts";
import { ago, atTen, passing, rested, rolling, scene, service, serving, workload } from "./scenes.ts";
import type { SceneOptions } from "./scenes.ts";

const later = ago(-86_400);

/** What `decide` answers, after `act` would have let it pass. */
function decided(options: SceneOptions) {
  const observation = scene(options);
  const decision = decide(observation);
  for (const action of decision.actions) assertInvariants(action, observation);
  return decision;
}

describe("a rollout that is being taken back while its route is gone", () => {
  const gone: SceneOptions["see"] = {
    route: { weight: undefined, uniform: false, acceptance: { state: "accepted" }, managers: [] },
    problem: {
      reason: "RouteNotFound",
      message: "HTTPRoute web does not exist",
      hint: "create it",
      blocksTraffic: true,
    },
  };
  const withdrawal = { outcome: "Failed", rule: "failOnChecks", message: "check success failed" } as const;

  it.each<readonly [string, string, CanaryStatus, Partial<RolloutMemory>]>([
    ["its check still fails", "b", { checks: [{ ...passing, verdict: "Fail" }] }, {}],
    ["the target has a newer revision", "c", {}, {}],
    ["the target was put back", "a", {}, {}],
    ["its pods are late and gone", "b", {}, { waitingSince: ago(9_999) }],
  ])(
    "says what a person has to mend, and not that it is taken back again and again: %s",
    (_name, revision, status, more) => {
      const { effectiveSince: _effective, ...memory } = atTen(5, { ...more, withdrawal });
      const decision = decided({
        status: rolling(memory, status),
        services: { canary: service({ ready: "waitingSince" in more ? 0 : 3 }) },
        see: { ...gone, target: workload(revision, { frozen: true }) },
      });
      expect(decision).toMatchObject({ rule: "refuseInvalid", stalled: { reason: "RouteNotFound" } });
      expect(decision.memory.rollout?.withdrawal).toEqual(withdrawal);
      expect(decision.recheckAfterMs).toBeGreaterThan(0);
    },
  );
});

describe("kubectl rollout restart", () => {
  it.each([
    ["in another time zone, later", "2026-01-01T10:00:00Z", "2026-01-01T11:30:00+02:00", "restartPrimary"],
    ["in another time zone, earlier", "2026-01-01T11:30:00+02:00", "2026-01-01T10:00:00Z", "rest"],
    ["with a text that is no time", "2026-01-01T10:00:00Z", "once more", "restartPrimary"],
  ])("%s", (_name, target, primary, rule) => {
    const see = {
      target: workload("a", { replicas: 0, available: 0, restartedAt: target }),
      primary: workload("a", { restartedAt: primary }),
    };
    expect(decided({ see }).rule).toBe(rule);
  });
});

describe("a moment that is still to come, by a clock that was set back since", () => {
  it("does not make the drain of a Rollback last until then", () => {
    const rollback = { revision: "a", to: { revision: "z" }, message: "m", startedAt: later };
    const see = { previous: workload("z"), target: workload("a", { replicas: 0, available: 0 }) };
    const services = {
      previous: service(),
      primary: service({ selects: "previous" as const }),
      apex: service({ selects: "previous" as const }),
    };
    const status = { ...rested, phase: "RollingBack", rollback: { ...rollback, drainingSince: later } } as const;
    const decision = decided({ status, see, services });
    expect(decision.rule).toBe("drainForRollback");
    expect(decision.memory.rollback?.drainingSince).toBe(ago(0));
  });

  it("does not keep the pods of the version before for longer than the user said", () => {
    const decision = decided({
      spec: { keepPreviousFor: "10m" },
      status: { ...rested, previous: { revision: "z", until: later } },
      see: { previous: workload("z") },
    });
    expect(decision.recheckAfterMs).toBeLessThanOrEqual(600_000);
    expect(decision.memory.previous?.until).toBe(ago(-600));
  });

  it("does not hold a rollout for the sake of whoever contended then", () => {
    const contention = [{ field: "Weight", manager: "argocd", count: 3, since: ago(9), last: later }] as const;
    const decision = decided({ status: rolling(atTen(5), { contention: [...contention] }), ...serving(10) });
    expect(decision.memory.contention?.[0]?.last).toBe(ago(0));
    expect(decision.recheckAfterMs).toBeLessThanOrEqual(300_000);
  });
});

describe("a route that somebody changed at rest, while the primary has no ready pod", () => {
  const nobody = { primary: service({ ready: 0 }) };

  it.each([false, true])("is put back when nobody answers for the canary either; suspended: %s", (suspend) => {
    const decision = decided({
      spec: { suspend },
      see: { ...serving(30).see, target: workload("a", { replicas: 0 }) },
      services: nobody,
    });
    expect(decision.actions).toEqual([{ kind: "setWeight", weight: 0 }]);
  });

  it.each([false, true])("waits for the primary when idle pods answer; suspended: %s", (suspend) => {
    const decision = decided({
      spec: { suspend, idleReplicas: 3 },
      ...serving(30),
      services: { ...serving(30).services, ...nobody },
    });
    expect(decision).toMatchObject({ actions: [], stalled: { reason: "PrimaryNotReady" } });
  });
});

describe("a list of the canary's pods behind the primary Service that nobody needs any more", () => {
  it("stays while the primary has no ready pod, and keeps nobody from taking the traffic back", () => {
    const feed = { ageMs: 60_000, current: true };
    const withdrawal = { outcome: "Failed", rule: "failOnChecks", message: "bad" } as const;
    const decision = decided({
      status: rolling(atTen(5, { withdrawal })),
      ...serving(10),
      services: { ...serving(10).services, primary: service({ ready: 0, feed }) },
    });
    expect(decision).toMatchObject({ rule: "withdrawTraffic", stalled: { reason: "PrimaryNotReady" } });
  });
});

describe("a canary that stands in for a primary which changes, scaled to 0 by somebody", () => {
  it("loses its users before it is scaled up again, which may be refused", () => {
    const full = { ...atTen(5), weight: 100, promoting: true, step: 2, waitingSince: ago(5) };
    const see = { ...serving(100, { replicas: 0, available: 0 }).see, primary: workload("b", { settled: false }) };
    const nobody = { canary: service({ selects: "target", ready: 0 }) };
    const decision = decided({ status: rolling(full), see, services: nobody });
    expect(decision).toMatchObject({ rule: "protectUsers", actions: [{ kind: "setWeight", weight: 0 }] });
    const left = { ...full, weight: 0, weightSince: ago(1) };
    const route = { weight: 0, uniform: true, acceptance: { state: "accepted" }, managers: [] } as const;
    expect(decided({ status: rolling(left), see: { ...see, route }, services: nobody })).toMatchObject({
      rule: "repairCanarySize",
      actions: [{ kind: "scaleTarget", replicas: 3 }],
    });
  });
});

describe("a canary without users that somebody thawed, while a promotion is taken back", () => {
  it("is frozen before everyone is sent there", () => {
    const withdrawal = { outcome: "Failed", rule: "rollBackOnRequest", message: "aborted", restore: true } as const;
    const left = { ...atTen(5), weight: 0, promoting: true, step: 2, withdrawal };
    const seen = serving(0);
    const decision = decided({
      status: rolling(left),
      ...seen,
      see: { ...seen.see, primary: workload("b", { before: "a" }) },
    });
    expect(decision).toMatchObject({
      rule: "leavePrimary",
      actions: [
        { kind: "freezeTarget", generation: 1 },
        { kind: "setWeight", weight: 100 },
      ],
    });
  });
});
