import { expect, test } from "vitest";
import type { CanaryStatus } from "../../../src/api/status.ts";
import type { KubeObject } from "../harness/cluster.ts";
import { waitFor } from "../harness/polling.ts";
import type { Bench } from "../scenario.ts";
import { outages, thawedUnderWeight, weightHistory, weightsAtBirthOf, zeroWeightAfter } from "./invariants.ts";
import { imageOf, route, type Shop, stepsOf } from "./shop.ts";

/** Opens a shop and waits until its target is adopted. */
export async function adopted(bench: Bench, options: Parameters<Bench["shop"]>[0] = {}): Promise<Shop> {
  const shop = await bench.shop(options);
  await shop.until("adoption", ({ phase }) => phase === "Idle");
  return shop;
}

/** What must hold over the whole life of a shop, whatever happened in it. */
export function expectUnharmed(bench: Bench, { namespace }: Shop): void {
  const entries = bench.journal.of(namespace);
  expect(outages(entries)).toEqual([]);
  expect(thawedUnderWeight(entries)).toEqual([]);
}

export function rollouts(bench: () => Bench): void {
  test("a Deployment that serves is adopted without a moment in which nobody serves", async () => {
    const began = Date.now();
    const shop = await adopted(bench(), { replicas: 3 });
    console.log(`adoption: ${Date.now() - began} ms from nothing to Idle`);
    expect(shop.deployment("web")?.spec.replicas).toBe(0);
    expect(shop.deployment("web-primary")?.status?.availableReplicas).toBe(3);
    expect(shop.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
    expect(shop.status().promoted?.images).toEqual([imageOf("1")]);
    expectUnharmed(bench(), shop);
  });

  test("a good release is promoted step by step", async () => {
    const shop = await adopted(bench());
    const began = Date.now();
    await shop.release("2");
    const status = await shop.outcome("Succeeded");
    console.log(`promotion: ${Date.now() - began} ms with two steps of 1 s`);
    expect(status).toMatchObject({ phase: "Succeeded", promoted: { images: [imageOf("2")] }, weight: 0 });
    expect(weightHistory(bench().journal.of(shop.namespace))).toEqual([0, 20, 50, 100, 0]);
    expect(shop.deployment("web-primary")?.spec.template.spec.containers[0]?.image).toBe(imageOf("2"));
    expect(shop.deployment("web")?.spec).toMatchObject({ replicas: 0 });
    expect(shop.deployment("web")?.spec.paused).not.toBe(true);
    expectUnharmed(bench(), shop);
  });

  test("a bad release is rolled back as soon as Prometheus says so, and Failed until the target changes", async () => {
    const shop = await adopted(bench(), { spec: stepsOf({ weight: 20, hold: "30s" }) });
    await shop.release("2");
    await shop.until("weight 20 in effect", ({ rollout }) => rollout?.effectiveSince !== undefined);
    const turned = Date.now();
    shop.measures(0.5);
    const status = await shop.outcome("Failed");
    const entries = bench().journal.of(shop.namespace);
    const zero = zeroWeightAfter(turned, entries) ?? Number.NaN;
    const asked =
      bench()
        .prometheus.queries(shop.namespace)
        .find(({ at }) => at >= turned)?.at ?? Number.NaN;
    console.log(`rollback: weight 0 after ${zero - turned} ms, ${zero - asked} ms after the first bad answer`);
    expect(zero).toBeGreaterThan(turned);
    expect(status).toMatchObject({ phase: "Failed", weight: 0, failed: { images: [imageOf("2")] } });
    expect(status.failed?.why).toMatchObject({ rule: "failOnChecks" });
    expect(shop.deployment("web-primary")?.spec.template.spec.containers[0]?.image).toBe(imageOf("1"));
    await shop.release("1");
    await shop.until("rest after the revert", ({ phase, failed }) => phase === "Idle" && failed === undefined);
    expectUnharmed(bench(), shop);
  });

  test("a new revision in the middle of a rollout reaches nobody before its own first step", async () => {
    const shop = await adopted(bench(), { spec: stepsOf({ weight: 20, hold: "4s" }) });
    await shop.release("2");
    await shop.until("weight 20 in effect", ({ rollout }) => rollout?.effectiveSince !== undefined);
    await shop.release("3");
    const status = await shop.outcome("Succeeded");
    expect(status.promoted?.images).toEqual([imageOf("3")]);
    expect(status.history?.map(({ outcome, images }) => [outcome, images])).toEqual([
      ["Succeeded", [imageOf("3")]],
      ["Superseded", [imageOf("2")]],
    ]);
    expect(weightsAtBirthOf("3", bench().journal.of(shop.namespace))).toEqual([0]);
    expectUnharmed(bench(), shop);
  });

  test("a revert in Git in the middle of a rollout ends it without judgement", async () => {
    const shop = await adopted(bench(), { spec: stepsOf({ weight: 20, hold: "30s" }) });
    await shop.release("2");
    await shop.until("weight 20 in effect", ({ rollout }) => rollout?.effectiveSince !== undefined);
    await shop.release("1");
    const status = await shop.outcome("Reverted");
    expect(status).toMatchObject({ phase: "Idle", weight: 0, promoted: { images: [imageOf("1")] } });
    expectUnharmed(bench(), shop);
  });

  test.each([
    {
      what: "whose image cannot be pulled",
      release: (shop: Shop) => shop.release("registry.test/missing:2"),
      says: /pod web-\S+: container main ImagePullBackOff/,
    },
    {
      what: "that are killed for want of memory",
      release: (shop: Shop) => shop.release("2", { "aviary-test/fails": "OOMKilled" }),
      says: /pod web-\S+: container main CrashLoopBackOff \(OOMKilled, exit code 137\)/,
    },
    {
      what: "that a quota refuses",
      release: async (shop: Shop) => {
        await full(bench(), shop);
        await shop.release("2");
      },
      says: /exceeded quota: full/,
    },
  ])("canary pods $what are taken back at the deadline, with the reason", async ({ release, says }) => {
    const shop = await adopted(bench(), { spec: { progressDeadlineSeconds: 5 } });
    await release(shop);
    const status = await shop.outcome("Failed");
    console.log(`deadline: ${status.failed?.why.message}`);
    expect(status.failed?.why.rule).toBe("failOnDeadline");
    expect(status.failed?.why.message).toMatch(/not ready within 5 s: /);
    expect(status.failed?.why.message).toMatch(says);
    expect(weightHistory(bench().journal.of(shop.namespace))).toEqual([0]);
    expect(shop.deployment("web")?.spec.replicas).toBe(0);
    expectUnharmed(bench(), shop);
  });

  test("a Canary of a route that does not exist is Stalled and says what to do, until the route is there", async () => {
    const routeRefs = [{ name: "shop" }];
    const shop = await bench().shop({ spec: { traffic: { settle: "200ms", gatewayAPI: { routeRefs } } } });
    const stalledOf = ({ conditions }: CanaryStatus) => conditions?.find(({ type }) => type === "Stalled");
    const stalled = stalledOf(await shop.until("Stalled", (status) => stalledOf(status)?.status === "True"));
    expect(stalled).toMatchObject({
      reason: "RouteNotFound",
      message: expect.stringMatching(/HTTPRoute \S*shop/) as string,
    });
    expect(shop.deployment("web")?.spec.replicas).toBe(3);
    const there = route(shop.namespace);
    await bench().cluster.apply({ ...there, metadata: { ...there.metadata, name: "shop" } });
    const status = await shop.until("adoption", ({ phase }) => phase === "Idle");
    expect(stalledOf(status)?.status ?? "False").toBe("False");
    expectUnharmed(bench(), shop);
  });
}

/** No more pods than there are fit into the shop's namespace from now on. */
async function full({ cluster }: Bench, { namespace }: Shop): Promise<void> {
  const ref = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "full", namespace } };
  await cluster.apply({ ...ref, spec: { hard: { pods: "3" } } });
  const counted = () =>
    cluster
      .get<KubeObject & { status?: { used?: object } }>({ ...ref, ...ref.metadata })
      .then((quota) => quota?.status?.used);
  await waitFor("the quota to count", counted, { until: (used) => used !== undefined && "pods" in used });
}
