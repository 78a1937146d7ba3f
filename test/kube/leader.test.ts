import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import { runLeaderElection } from "../../src/kube/leader.ts";
import type { LeaderElectionOptions, LeaderOutcome } from "../../src/kube/leader.ts";
import type { Lease } from "../../src/kube/objects.ts";
import { createVirtualClock, settle } from "../virtualClock.ts";
import type { VirtualClock } from "../virtualClock.ts";
import { createFakeKube } from "./fakeKube.ts";
import type { FakeKube } from "./fakeKube.ts";

/** One replica: its own way to the API server, and what became of it. */
interface Candidate {
  readonly fake: FakeKube;
  readonly stop: AbortController;
  leading(): boolean;
  terms(): number;
  outcome(): LeaderOutcome | undefined;
  /** Ends the work although nobody asked. */
  finish(): void;
  mayWrite(): boolean;
}

let clock: VirtualClock;
let started: Candidate[];

beforeEach(() => {
  clock = createVirtualClock();
  started = [];
});
afterEach(async () => {
  for (const { stop, fake } of started) {
    fake.mode = "work";
    stop.abort();
  }
  await clock.advance(10_000);
  expect(clock.pending()).toBe(0);
});

/** `share` gives two candidates the same objects but switches of their own. */
function run(identity: string, base: FakeKube, options: Partial<LeaderElectionOptions> = {}): Candidate {
  const link = linkTo(base);
  const stop = new AbortController();
  let signal: AbortSignal | undefined;
  let terms = 0;
  let outcome: LeaderOutcome | undefined;
  let finish = (): void => {};
  let mayWrite = (): boolean => false;
  void runLeaderElection({
    kube: link.kube,
    clock,
    identity,
    namespace: "aviary",
    name: "aviary",
    signal: stop.signal,
    random: () => 0.5,
    onStarted: (leading, leadership) => {
      signal = leading;
      terms += 1;
      mayWrite = leadership.mayWrite;
      return new Promise<void>((resolve) => {
        finish = resolve;
        leading.addEventListener("abort", () => resolve());
      });
    },
    ...options,
  }).then((ended) => {
    outcome = ended;
  });
  const candidate: Candidate = {
    fake: link,
    stop,
    leading: () => signal !== undefined && !signal.aborted,
    terms: () => terms,
    outcome: () => outcome,
    finish: () => finish(),
    mayWrite: () => mayWrite(),
  };
  started.push(candidate);
  return candidate;
}

/** Another client of the same objects, with its own faults. */
function linkTo(base: FakeKube): FakeKube {
  const link: { mode: FakeKube["mode"] } = { mode: "work" };
  const guarded = new Proxy(base.kube, {
    get: (kube, method: keyof FakeKube["kube"]) => {
      const call = kube[method] as (...args: readonly unknown[]) => Promise<unknown>;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        base.mode = link.mode;
        try {
          const pending = call(...args);
          // `perform` reads the mode one microtask later.
          await Promise.resolve();
          await Promise.resolve();
          base.mode = "work";
          return await pending;
        } finally {
          base.mode = "work";
        }
      };
    },
  });
  return Object.assign(link, { kube: guarded, objects: base.objects, writes: base.writes });
}

const leaseOf = (base: FakeKube): Lease => base.objects.get("Lease aviary/aviary") as Lease;
const holder = (base: FakeKube): string | undefined => leaseOf(base).spec?.holderIdentity;

test("the first candidate leads and renews, the second waits", async () => {
  const base = createFakeKube();
  const a = run("a", base);
  await settle();
  const b = run("b", base);
  await clock.advance(120_000);
  expect([a.leading(), b.leading(), holder(base)]).toEqual([true, false, "a"]);
  expect(a.terms()).toBe(1);
});

test("the Lease says who, since when and for how long, as the API server wants it", async () => {
  const base = createFakeKube();
  run("a", base);
  await settle();
  expect(leaseOf(base).spec).toEqual({
    holderIdentity: "a",
    leaseDurationSeconds: 15,
    acquireTime: "2026-01-01T00:00:00.000000Z",
    renewTime: "2026-01-01T00:00:00.000000Z",
    leaseTransitions: 0,
  });
});

test("a graceful stop hands over within one retry", async () => {
  const base = createFakeKube();
  const a = run("a", base);
  await settle();
  const b = run("b", base);
  await clock.advance(5_000);
  a.stop.abort();
  await clock.advance(3_000);
  expect([a.outcome(), b.leading(), holder(base)]).toEqual(["stopped", true, "b"]);
  expect(leaseOf(base).spec?.leaseTransitions).toBe(1);
});

test.each([
  { what: "went through though its answer was lost", mode: "lose" },
  { what: "was not answered", mode: "hang" },
] as const)("a leader that is stopped while its renewal $what gives the Lease back", async ({ mode }) => {
  const base = createFakeKube();
  const a = run("a", base);
  await settle();
  a.fake.mode = mode;
  await clock.advance(4_100);
  a.fake.mode = "work";
  a.stop.abort();
  await settle();
  expect([a.outcome(), holder(base)]).toEqual(["stopped", ""]);
});

test("a leader whose work is done gives the Lease back", async () => {
  const base = createFakeKube();
  const a = run("a", base);
  await settle();
  a.finish();
  await settle();
  expect([a.outcome(), holder(base)]).toEqual(["finished", ""]);
});

test("a candidate that is stopped never leads", async () => {
  const base = createFakeKube();
  run("a", base);
  await settle();
  const b = run("b", base);
  await clock.advance(5_000);
  b.stop.abort();
  await settle();
  expect([b.outcome(), b.terms()]).toEqual(["stopped", 0]);
});

describe.for<FakeKube["mode"]>(["fail", "hang", "lose"])("a leader whose calls %s", (mode) => {
  test("has stopped by the renew deadline, before another one leads", async () => {
    const base = createFakeKube();
    const a = run("a", base);
    await settle();
    const b = run("b", base);
    await clock.advance(4_500);
    a.fake.mode = mode;
    let both = 0;
    for (let ms = 0; ms < 60_000; ms += 100) {
      await clock.advance(100);
      if (a.leading() && b.leading()) both += 1;
    }
    expect(both).toBe(0);
    expect(a.outcome()).toBe("lost");
    expect(b.leading()).toBe(true);
  });

  test("goes on when they work again in time", async () => {
    const base = createFakeKube();
    const a = run("a", base);
    await clock.advance(4_500);
    a.fake.mode = mode;
    await clock.advance(4_000);
    a.fake.mode = "work";
    await clock.advance(60_000);
    expect([a.leading(), a.terms()]).toEqual([true, 1]);
  });
});

test("a dead leader is followed after its lease, whatever times its Lease holds", async () => {
  const base = createFakeKube();
  const spec = {
    holderIdentity: "dead",
    leaseDurationSeconds: 15,
    renewTime: "2099-01-01T00:00:00.000000Z",
    leaseTransitions: 3,
  };
  const metadata = { namespace: "aviary", name: "aviary" };
  const lease: Lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
  await base.kube.create(kinds.lease, lease);
  const b = run("b", base);
  await clock.advance(14_000);
  expect(b.leading()).toBe(false);
  await clock.advance(5_000);
  expect([b.leading(), leaseOf(base).spec?.leaseTransitions]).toEqual([true, 4]);
});

test("a leader that finds another's name in the Lease stops at once", async () => {
  const base = createFakeKube();
  const a = run("a", base);
  await settle();
  const lease = leaseOf(base);
  await base.kube.replace(kinds.lease, { ...lease, spec: { ...lease.spec, holderIdentity: "thief" } });
  await clock.advance(4_100);
  expect([a.leading(), a.outcome(), holder(base)]).toEqual([false, "lost", "thief"]);
});

test("of many candidates at once exactly one leads", async () => {
  const base = createFakeKube();
  const candidates = ["a", "b", "c", "d", "e"].map((identity) => run(identity, base));
  await clock.advance(30_000);
  expect(candidates.filter((candidate) => candidate.leading())).toHaveLength(1);
});

test("a leader may write until the renew deadline and not after, although no timer has fired", async () => {
  const base = createFakeKube();
  let nowMs = 0;
  const frozen = { now: () => nowMs, after: () => () => {} };
  const a = run("a", base, { clock: frozen });
  await settle();
  nowMs = 9_999;
  expect([a.mayWrite(), a.leading()]).toEqual([true, true]);
  nowMs = 10_000;
  expect([a.mayWrite(), a.leading()]).toEqual([false, false]);
});

test("the outcome waits for the work to end", async () => {
  const base = createFakeKube();
  let end = (): void => {};
  const a = run("a", base, { onStarted: () => new Promise<void>((resolve) => (end = resolve)) });
  await settle();
  a.stop.abort();
  await clock.advance(1_000);
  expect([a.outcome(), holder(base)]).toEqual([undefined, "a"]);
  end();
  await settle();
  expect([a.outcome(), holder(base)]).toEqual(["stopped", ""]);
});

test("timings that leave no safety are refused", async () => {
  const base = createFakeKube();
  const election = runLeaderElection({
    kube: base.kube,
    clock,
    identity: "a",
    namespace: "aviary",
    name: "aviary",
    signal: AbortSignal.abort(),
    onStarted: () => Promise.resolve(),
    timings: { leaseMs: 10_000, renewDeadlineMs: 10_000 },
  });
  await expect(election).rejects.toThrow(RangeError);
});
