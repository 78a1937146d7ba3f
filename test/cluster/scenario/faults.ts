import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { AuditedRequest, Bench } from "../scenario.ts";
import type { ControllerProcess } from "./controllerProcess.ts";
import { waitFor } from "../harness/polling.ts";
import { adopted, expectUnharmed } from "./rollouts.ts";
import { type Shop, stepsOf } from "./shop.ts";

const IDLE_MS = 20_000;
const QUIET_MS = 3_000;

/** Requests that are there whatever the number of canaries. */
function isFixed({ verb, objectRef }: AuditedRequest): boolean {
  return verb === "watch" || objectRef?.resource === "leases";
}

/** Requests for what another test has left in the middle of a rollout. */
function isOthers({ objectRef }: AuditedRequest, shops: readonly Shop[]): boolean {
  const namespace = objectRef?.namespace ?? "";
  return namespace.startsWith("shop-") && !shops.some((shop) => shop.namespace === namespace);
}

/** What happens to the one controller while all canaries of the tests before are at rest. */
export function idleness(bench: () => Bench): void {
  test("nothing is asked of the API server for canaries at rest", async () => {
    const shops = await Promise.all(Array.from({ length: 5 }, () => adopted(bench())));
    const askedSince = (since: number): readonly AuditedRequest[] =>
      bench()
        .audited()
        .filter(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp) >= since);
    const forCanaries = (asked: readonly AuditedRequest[]): readonly AuditedRequest[] =>
      asked.filter((request) => !isFixed(request) && !isOthers(request, shops));
    // What still follows an adoption, such as an event that is sent late, and later still on a busy machine.
    await waitFor("the last word about the adoptions", () => forCanaries(askedSince(Date.now() - QUIET_MS)), {
      until: (asked) => asked.length === 0,
      intervalMs: QUIET_MS,
    });
    const since = Date.now();
    await sleep(IDLE_MS);
    const asked = askedSince(since);
    const others = forCanaries(asked);
    const leases = asked.filter(({ objectRef }) => objectRef?.resource === "leases").length;
    console.log(
      `idle: ${others.length} requests for ${shops.length} canaries in ${IDLE_MS} ms; ${leases} of the lease`,
    );
    expect(others.map(({ verb, requestURI }) => `${verb} ${requestURI}`)).toEqual([]);
  });
}

export function watchLoss(bench: () => Bench): void {
  test.each(["SIGKILL", "SIGTERM"] as const)(
    "a rollout goes on after a restart of the API server by %s, with every watch lost and every version gone",
    async (signal) => {
      const shop = await adopted(bench(), { spec: stepsOf({ weight: 20, hold: "2s" }, { weight: 50, hold: "2s" }) });
      await shop.release("2");
      await shop.until("weight 20 in effect", ({ rollout }) => rollout?.effectiveSince !== undefined);
      const began = Date.now();
      await bench().restartApiServer(signal);
      const back = Date.now();
      await shop.outcome("Succeeded");
      console.log(`API server away for ${back - began} ms (${signal}); Succeeded ${Date.now() - back} ms after`);
      // Its watch could not go on from a version that is gone: it lists again.
      const listed = bench()
        .audited()
        .filter(({ verb, objectRef }) => verb === "list" && objectRef?.resource === "canaries")
        .filter(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp) >= began);
      expect(listed).not.toEqual([]);
      expectUnharmed(bench(), shop);
    },
  );
}

const RETRY = ["--retry-period", "500ms"];

/** Long enough that a busy machine does not lose it, short enough to wait for. */
const SHORT_LEASE = ["--lease-duration", "8s", "--renew-deadline", "6s", ...RETRY];

/** Nobody waits for its end: a replica that follows within this test was given it. */
const LONG_LEASE = ["--lease-duration", "180s", "--renew-deadline", "120s", ...RETRY];

export function handOver(bench: () => Bench): void {
  test.each([
    { signal: "SIGKILL", lease: SHORT_LEASE },
    { signal: "SIGTERM", lease: LONG_LEASE },
  ] as const)("a rollout goes on with another replica after $signal of the leader", async ({ signal, lease }) => {
    const replica = (identity: string): ControllerProcess =>
      bench().launch({ args: ["--leader-elect", ...lease, "--identity", identity] });
    const first = replica(`first-${signal.toLowerCase()}`);
    await first.said("the controller is running");
    const second = replica(`second-${signal.toLowerCase()}`);
    await second.said("aviary is starting");
    const shop = await adopted(bench(), { spec: stepsOf({ weight: 20, hold: "3s" }, { weight: 50, hold: "3s" }) });
    await shop.release("2");
    await shop.until("weight 20 in effect", ({ rollout }) => rollout?.effectiveSince !== undefined);
    const began = Date.now();
    first.process.kill(signal);
    const { code } = await first.process.exited;
    await second.said("the controller is running");
    const took = Date.now() - began;
    await shop.outcome("Succeeded");
    await second.process.stop();
    console.log(`hand-over after ${signal}: ${took} ms`);
    if (signal === "SIGTERM") expect(code).toBe(0);
    expectUnharmed(bench(), shop);
  });
}
