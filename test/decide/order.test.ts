import { describe, expect, it } from "vitest";
import * as adoption from "../../src/decide/rules/adoption.ts";
import * as contention from "../../src/decide/rules/contention.ts";
import * as capacity from "../../src/decide/rules/capacity.ts";
import * as handBack from "../../src/decide/rules/handBack.ts";
import * as inPlace from "../../src/decide/rules/inPlace.ts";
import * as interruptions from "../../src/decide/rules/interruptions.ts";
import * as jobs from "../../src/decide/rules/jobs.ts";
import * as previous from "../../src/decide/rules/previous.ts";
import * as promotion from "../../src/decide/rules/promotion.ts";
import * as repairs from "../../src/decide/rules/repairs.ts";
import * as requests from "../../src/decide/rules/requests.ts";
import * as rest from "../../src/decide/rules/rest.ts";
import * as restoration from "../../src/decide/rules/restoration.ts";
import * as rollback from "../../src/decide/rules/rollback.ts";
import * as stepList from "../../src/decide/rules/stepList.ts";
import * as steps from "../../src/decide/rules/steps.ts";
import * as withdrawal from "../../src/decide/rules/withdrawal.ts";
import { decide, rules } from "../../src/decide/decide.ts";
import { ago, atTen, leaving, passing, request, rested, rolling, scene, service, serving, workload } from "./scenes.ts";
import type { SceneOptions } from "./scenes.ts";

/** Exported by the files of rules, and no rules themselves. */
const helpers = new Set([
  "pointWithFeed",
  "nextReadingMs",
  "previousReady",
  "lackOfPrevious",
  "noteKept",
  "keptForMs",
  "floorLeftMs",
  "carriersGo",
  "waitForCarriers",
  "foreignImages",
]);

const job = { apiVersion: "batch/v1", kind: "Job", metadata: { name: "j" } };
const gone: SceneOptions = { metadata: leaving };
const terminating = { ...rested, phase: "Terminating" } as const;
const back: SceneOptions = { ...gone, status: terminating };
const handedBack = { apex: service({ selects: "target" }), primary: service({ selects: "target" }), canary: service() };
const adoptedAt = { adopted: { replicas: 3 } };
const young: SceneOptions = { status: adoptedAt, see: { target: workload("a"), primary: workload("a") } };
const before = { apex: service({ selects: "target" }) };
const serves = { canary: service({ selects: "target" }) };
const atFull = { weight: 100, weightSince: ago(9), exposed: true, promoting: true, step: 2 } as const;
const problem = { reason: "X", message: "x", hint: "y", blocksTraffic: false };
const withdrawal_ = { outcome: "Failed", rule: "failOnChecks", message: "bad" } as const;
const contended = { field: "Weight", manager: "argocd", count: 3, since: ago(9), last: ago(3) } as const;
const noCopies = { held: [], stale: [], gone: [], lost: [] };
const autoscaler = { kind: "HorizontalPodAutoscaler", name: "web", min: 1, max: 10 } as const;
const pinned = { autoscaler: { kind: "HorizontalPodAutoscaler", name: "web", floor: 3 } } as const;
const restore = { ...withdrawal_, restore: true } as const;
const changing = { ...atFull, effectiveSince: ago(1) };
const inOnePlace = workload("a", { inPlace: true });
const moved = workload("b");
const restorable = {
  ...serving(100),
  see: { ...serving(100).see, primary: workload("b", { settled: false, before: "a" }) },
};
const kept = { previous: workload("z"), target: workload("a", { replicas: 0, available: 0 }) };
const switched = {
  previous: service(),
  primary: service({ selects: "previous" }),
  apex: service({ selects: "previous" }),
};
const keeping = { spec: { keepPreviousFor: "10m" }, ...serving(100) };

/** A status with a Rollback from `a` to `z` under way. */
function takingBack(more: object = {}): SceneOptions {
  const rollback = { revision: "a", to: { revision: "z" }, message: "taken back", startedAt: ago(9) };
  return { status: { ...rested, phase: "RollingBack", rollback: { ...rollback, ...more } } };
}

/** For every rule, in the order of the list, a scene in which it is the first that answers. */
const rows: readonly (readonly [rule: string, options: SceneOptions])[] = [
  ["letGo", { ...gone, see: { namespaceTerminating: true } }],
  [
    "answerAgain",
    {
      status: rolling(atTen(5), { obeyed: [{ uid: "Pause", message: "paused" }] }),
      ...serving(10),
      see: { ...serving(10).see, requests: [request("Pause")] },
    },
  ],
  [
    "rollBackOnRequest",
    { status: rolling(atTen(5)), ...serving(10), see: { ...serving(10).see, requests: [request("Abort")] } },
  ],
  [
    "obeyRequest",
    { status: rolling(atTen(5)), ...serving(10), see: { ...serving(10).see, requests: [request("Pause")] } },
  ],
  ["beginHandBack", gone],
  ["repairForHandBack", { ...back, services: { primary: service({ exists: false }) } }],
  ["moveTrafficToPrimary", { ...back, ...serving(10) }],
  ["leaveAsItIs", { ...back, spec: { onDelete: "Keep" } }],
  ["restoreTarget", back],
  ["switchApexBack", { ...back, see: { target: workload("a") }, services: serves }],
  [
    "switchPrimaryBack",
    { ...back, see: { target: workload("a") }, services: { ...serves, apex: service({ selects: "target" }) } },
  ],
  ["releaseRoute", { ...back, see: { target: workload("a") }, services: handedBack }],
  [
    "finishHandBack",
    {
      ...back,
      status: { ...terminating, drainingSince: ago(99) },
      see: { target: workload("a") },
      services: handedBack,
    },
  ],
  ["keepFrozen", { status: rolling(atTen(5)), ...serving(10, { frozen: false }) }],
  ["repairPrimarySize", { see: { primary: workload("a", { replicas: 0, available: 0 }) } }],
  [
    "repairCanarySize",
    {
      status: rolling({ ...changing, waitingSince: ago(5) }),
      ...serving(100, { replicas: 1 }),
      see: { ...serving(100, { replicas: 1 }).see, primary: workload("b", { settled: false }) },
    },
  ],
  ["carryPrimary", { status: rolling(changing), ...serving(100), see: { ...serving(100).see, primary: inOnePlace } }],
  ["stopCarrying", { services: { primary: service({ feed: { ageMs: 9e3, current: true } }) } }],
  [
    "leavePrimary",
    { status: rolling({ ...atFull, weight: 50, returnStep: 0, withdrawal: restore }), ...serving(50), ...restorable },
  ],
  ["restorePrimary", { status: rolling({ ...atFull, effectiveSince: ago(7), withdrawal: restore }), ...restorable }],
  [
    "waitForRestoredPrimary",
    {
      status: rolling({ ...atFull, effectiveSince: ago(7), withdrawal: restore }),
      ...serving(100),
      see: { ...serving(100).see, primary: workload("a", { settled: false }) },
    },
  ],
  ["withdrawTraffic", { status: rolling({ ...atTen(5), withdrawal: withdrawal_ }), ...serving(10) }],
  [
    "drainWithdrawn",
    { status: rolling({ ...atTen(1), weight: 0, weightSince: ago(9), withdrawal: withdrawal_ }), ...serving(0) },
  ],
  ["finishWithdrawal", { status: rolling({ withdrawal: withdrawal_ }), ...serving(0) }],
  ["keepCanaryOut", { ...takingBack(), see: { ...kept, route: { ...scene().route, weight: 10 } } }],
  ["giveUpRollback", { ...takingBack(), see: { ...kept, previous: workload("z", { settled: false }) } }],
  ["switchToPrevious", { ...takingBack(), see: kept, services: { previous: service() } }],
  ["pinForRollback", { ...takingBack(), see: { ...kept, autoscaler }, services: switched }],
  ["drainForRollback", { ...takingBack(), see: kept, services: switched }],
  ["rollPrimaryBack", { ...takingBack({ drainingSince: ago(99) }), see: kept, services: switched }],
  [
    "waitForRolledBack",
    { ...takingBack(), see: { ...kept, primary: workload("z", { settled: false }) }, services: switched },
  ],
  ["switchFromPrevious", { ...takingBack(), see: { ...kept, primary: workload("z") }, services: switched }],
  ["drainPrevious", { ...takingBack(), see: { ...kept, primary: workload("z") }, services: { apex: service() } }],
  [
    "finishRollback",
    {
      ...takingBack({ drainingSince: ago(99) }),
      see: { ...kept, primary: workload("z") },
      services: { apex: service() },
    },
  ],
  ["protectUsers", { status: rolling(atTen(5)), ...serving(10), services: {} }],
  ["restartOnNewRevision", { status: rolling(atTen(5)), ...serving(10, { version: { revision: "c" } }) }],
  ["failOnChecks", { status: rolling(atTen(5), { checks: [{ ...passing, verdict: "Fail" }] }), ...serving(10) }],
  [
    "failOnDeadline",
    { status: rolling({ waitingSince: ago(601) }), see: { target: workload("b", { settled: false, available: 0 }) } },
  ],
  ["changeRoute", { see: { trafficChanged: true, problem } }],
  ["refuseInvalid", { see: { problem } }],
  ["addFinalizer", { metadata: { finalizers: [] } }],
  ["createServices", { ...young, services: { complete: false } }],
  ["waitForTarget", { ...young, status: {}, see: { target: workload("a", { settled: false }) }, services: before }],
  ["copyGuards", { ...young, see: { ...young.see, companions: { autoscaler: true, guards: false } } }],
  ["createPrimary", { ...young, see: { ...young.see, primary: workload("z") }, services: before }],
  ["rememberFound", { ...young, status: {} }],
  ["pinFloor", { ...young, see: { ...young.see, autoscaler } }],
  ["copyAutoscaler", { see: { companions: { autoscaler: false, guards: true } } }],
  ["waitForNewPrimary", { ...young, see: { ...young.see, primary: workload("a", { settled: false }) } }],
  ["routeToPrimary", { ...young, see: { ...young.see, ...serving(10).see, target: workload("a") }, services: serves }],
  ["switchApex", { ...young, services: before }],
  ["stopFeedingPrimary", { ...young, services: { primary: service({ feed: { ageMs: 9e3, current: true } }) } }],
  ["drainTarget", young],
  ["finishAdoption", { ...young, status: { ...adoptedAt, drainingSince: ago(99) } }],
  ["repairServices", { services: { complete: false } }],
  ["repairApex", { services: { apex: service({ selects: "other" }) } }],
  ["repairCopies", { see: { copies: { ...noCopies, gone: ["ConfigMap a"] } } }],
  ["removeJobs", { see: { strayJobs: [job] } }],
  [
    "repairPrimaryImages",
    {
      status: { ...rested, promoted: { revision: "a", images: ["web:a"], time: ago(9) } },
      see: { primary: workload("a", { version: { revision: "a", images: ["web:x"] } }) },
    },
  ],
  ["standBehindApex", { services: { apex: service() } }],
  ["standAside", { status: rolling(atTen(5), { contention: [contended] }), ...serving(10) }],
  ["honourSuspend", { spec: { suspend: true }, status: rolling(atTen(5)), ...serving(10) }],
  [
    "returnToCanary",
    {
      status: rolling({ ...atFull, weight: 50, returnStep: 0 }),
      ...serving(50),
      see: { ...serving(50).see, primary: moved },
      services: { canary: service({ selects: "target" }), primary: service({ ready: 0 }) },
    },
  ],
  [
    "waitForPrimary",
    {
      status: rolling({ ...atFull, effectiveSince: ago(7) }),
      ...serving(100),
      see: { ...serving(100).see, primary: workload("b", { settled: false }) },
    },
  ],
  [
    "returnTraffic",
    {
      status: rolling({ ...atFull, effectiveSince: ago(7) }),
      ...serving(100),
      see: { ...serving(100).see, primary: moved },
    },
  ],
  [
    "drainCanary",
    {
      status: rolling({ ...atFull, weight: 0, effectiveSince: ago(1) }),
      ...serving(0),
      see: { ...serving(0).see, primary: moved },
    },
  ],
  [
    "finishPromotion",
    {
      status: rolling({ ...atFull, weight: 0, effectiveSince: ago(6) }),
      ...serving(0),
      see: { ...serving(0).see, primary: moved },
    },
  ],
  ["waitWhilePaused", { status: rolling(atTen(5, { paused: { by: "ann", since: ago(3) } })), ...serving(10) }],
  ["followOtherStrategy", { status: rolling(atTen(5, { strategy: "blueGreen" })), ...serving(10) }],
  ["followShorterList", { status: rolling(atTen(99, { step: 7 })), ...serving(10) }],
  ["clearStuckPods", { status: rolling(), see: { target: workload("b", { available: 0, stuck: true }) } }],
  ["renewPods", { status: rolling({ renewPods: true }), ...serving(0) }],
  [
    "resumeAutoscaler",
    { status: rolling({}, pinned), see: { ...serving(0).see, autoscaler: { ...autoscaler, paused: true } } },
  ],
  [
    "wakePrimary",
    {
      status: rolling({}, pinned),
      services: { primary: service({ ready: 0 }) },
      see: { ...serving(0).see, autoscaler },
    },
  ],
  ["scaleCanary", { status: rolling(), see: { target: workload("b", { replicas: 0, available: 0 }) } }],
  ["waitForCanary", { status: rolling(), see: { target: workload("b", { settled: false }) } }],
  ["waitUntilReachable", { status: rolling(), ...serving(0) }],
  ["shiftTraffic", { status: rolling({ podsReadySince: ago(9) }), ...serving(0) }],
  [
    "waitForCapacity",
    {
      status: rolling(atTen(5, { step: 2 }), pinned),
      see: { ...serving(10).see, autoscaler, primary: workload("a", { replicas: 10 }) },
      services: { canary: service({ selects: "target", ready: 1 }) },
    },
  ],
  ["notePodsReady", { status: rolling(atTen(5, { waitingSince: ago(5) })), ...serving(10) }],
  [
    "runJobs",
    {
      status: rolling(atTen(5), { checks: [{ ...passing, verdict: "Undecided" }] }),
      ...serving(10),
      see: { ...serving(10).see, jobs: { [passing.name]: { name: "j", state: "Absent", manifest: job } } },
    },
  ],
  [
    "refuseBadQuery",
    {
      status: rolling(atTen(5), { checks: [{ ...passing, verdict: "Error", cause: "BadQuery" }] }),
      ...serving(10),
    },
  ],
  ["waitForApproval", { status: rolling(atTen(99, { step: 1 })), ...serving(10) }],
  ["holdWeight", { status: rolling(atTen(5)), ...serving(10) }],
  ["waitForChecks", { status: rolling(atTen(31), { checks: [{ ...passing, verdict: "NoData" }] }), ...serving(10) }],
  [
    "waitForMinDuration",
    {
      spec: {
        strategy: { canary: { steps: [{ weight: 10, hold: "30s" }] } },
        analysis: { minDuration: "5m", checks: [{ name: "success", threshold: { query: "up", min: 1 } }] },
      },
      status: rolling(atTen(31)),
      ...serving(10),
    },
  ],
  ["advance", { status: rolling(atTen(31)), ...serving(10) }],
  ["keepPrevious", { ...keeping, status: rolling({ ...atFull, effectiveSince: ago(6) }) }],
  [
    "waitForPrevious",
    {
      ...keeping,
      status: rolling({ ...atFull, effectiveSince: ago(6), keepingSince: ago(1) }),
      see: { ...keeping.see, previous: workload("a", { settled: false }) },
      services: { ...keeping.services, previous: service() },
    },
  ],
  ["drainPrimary", { status: rolling({ ...atFull, effectiveSince: ago(1) }), ...serving(100) }],
  ["updatePrimary", { status: rolling({ ...atFull, effectiveSince: ago(6) }), ...serving(100) }],
  ["dropPrevious", { see: { previous: workload("z") } }],
  ["keepWeightAtRest", { ...serving(30), see: { ...serving(30).see, target: workload("b", { replicas: 0 }) } }],
  ["startRollout", { see: { target: workload("b", { replicas: 0 }) } }],
  ["restartPrimary", { see: { target: workload("a", { replicas: 0, restartedAt: "2026-01-01T00:00:00Z" }) } }],
  ["keepAtRest", { see: { target: workload("a") } }],
  ["removeOldCopies", { see: { copies: { ...noCopies, stale: ["ConfigMap a"] } } }],
  ["rest", {}],
];

/** Rules that need an absent object, which a scene cannot leave out. */
const withoutPrimary = "repairPrimary";

describe("the list of rules", () => {
  it("holds every rule that is exported, once", () => {
    const files: readonly object[] = [
      adoption,
      contention,
      capacity,
      handBack,
      inPlace,
      interruptions,
      promotion,
      repairs,
      requests,
      rest,
      restoration,
      stepList,
      steps,
      withdrawal,
      jobs,
      previous,
      rollback,
    ];
    const exported = files.flatMap((file) => Object.keys(file)).filter((name) => !helpers.has(name));
    expect(rules.map(({ name }) => name).toSorted()).toEqual(exported.toSorted());
    expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length);
  });

  it("has a row for each of them, in the same order", () => {
    expect(rows.map(([rule]) => rule)).toEqual(rules.map(({ name }) => name).filter((name) => name !== withoutPrimary));
  });

  it.each(rows)("%s answers where it is the first that has something to say", (rule, options) => {
    const decision = decide(scene(options));
    expect(decision.rule).toBe(rule);
    expect(decision.message).not.toBe("");
  });

  it("makes a primary again that somebody deleted", () => {
    const { primary: _primary, ...observation } = scene();
    expect(decide(observation)).toMatchObject({
      rule: "repairPrimary",
      actions: [{ kind: "ensurePrimary", revision: "a" }],
    });
  });

  it.each(rows)("%s decides the same when it is asked again", (_rule, options) => {
    expect(decide(scene(options))).toEqual(decide(scene(options)));
  });
});
