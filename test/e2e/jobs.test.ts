import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Job } from "../../src/kube/jobObjects.ts";
import { waitFor } from "../cluster/harness/polling.ts";
import { asOneLife, ended } from "./rig/oneLife.ts";
import { type Rig, startRig } from "./rig/rig.ts";
import { openShop, type Shop } from "./rig/shop.ts";

/** Judged by one Job and nothing else; its program ends as it is told. */
function judgedBy(exitCode: number, more: object = {}) {
  const env = [
    { name: "EXIT_CODE", value: String(exitCode) },
    { name: "EXIT_AFTER_MS", value: "1000" },
    { name: "URL", value: "http://{{ canary }}.{{ namespace }}" },
  ];
  const template = { spec: { containers: [{ name: "test", image: "registry.test/test:1", env }], ...more } };
  return {
    strategy: { canary: { steps: [{ weight: 20, hold: "2s" }] } },
    analysis: { interval: "1s", undecidedAfter: "2s", checks: [{ name: "smoke", job: { deadline: "10s", template } }] },
  };
}

/** The Job controller of a real control plane and a node that runs the pod to its end. */
describe("a check by a Job in a cluster", () => {
  let rig: Rig;
  let shop: Shop;
  const life = asOneLife();
  const jobs = () => rig.cluster.list<Job>({ apiVersion: "batch/v1", kind: "Job", namespace: shop.namespace });

  beforeAll(async () => {
    rig = await startRig();
    shop = await openShop(rig, { replicas: 1 });
    await rig.controller.start();
  });

  afterAll(async () => {
    if (life.broken) console.log(shop?.timeline.lines().join("\n"));
    await rig?.stop();
  });

  test("promotes a release whose test succeeds", async () => {
    await shop.adopt(judgedBy(0));
    await shop.until("adoption", ({ phase }) => phase === "Idle");
    await shop.release("2");
    const { phase, checks } = await shop.until("an end", ended("2"));
    expect(phase).toBe("Succeeded");
    expect(checks?.[0]).toMatchObject({
      name: "smoke",
      verdict: "Pass",
      message: expect.stringContaining("succeeded") as string,
    });
    const [job, ...others] = await jobs();
    expect(others).toEqual([]);
    // As the API server keeps it: whoever drains a node fails no release.
    expect(job?.spec.podFailurePolicy?.rules).toMatchObject([{ action: "Ignore" }]);
    expect(job?.spec.template.spec.containers[0]?.env?.at(-1)?.value).toBe(`http://web-canary.${shop.namespace}`);
  });

  test("rolls a release back whose test fails, with its exit code", async () => {
    await shop.adopt(judgedBy(3));
    await shop.release("3");
    const { phase, history } = await shop.until("an end", ended("3"));
    expect(phase).toBe("Failed");
    expect(history?.[0]?.why.message).toMatch(/check smoke failed: .*container test Error, exit code 3/);
    expect(await shop.weights()).toEqual({ web: 100, "web-canary": 0 });
  });

  test("says nothing of a release whose test finds no room, and rolls it back by nothing", async () => {
    const { namespace } = shop;
    const scope = { scopeName: "PriorityClass", operator: "In", values: ["tests"] };
    await rig.cluster.apply([
      { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name: "tests" }, value: 1 },
      {
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name: "no-tests", namespace },
        spec: { hard: { pods: "0" }, scopeSelector: { matchExpressions: [scope] } },
      },
    ]);
    await shop.adopt(judgedBy(3, { priorityClassName: "tests" }));
    await shop.release("4");
    const { why } = await shop.until("a pause", ({ phase }) => phase === "Paused");
    expect(why?.message).toMatch(/Job web-smoke-\w+ does not start: it gets no pod/);
    const ends = async () =>
      (await jobs()).flatMap(({ status }) => status?.conditions?.map(({ reason }) => reason) ?? []);
    await waitFor("the deadline of the Job", ends, { until: (reasons) => reasons.includes("DeadlineExceeded") });
    // A look or two later it is held as before.
    await shop.until("another look", ({ checks: [check] = [] }) => check?.verdict === "Error" && check.readings > 0);
    expect((await shop.status()).phase).toBe("Paused");
    expect(await shop.weights()).toEqual({ web: 80, "web-canary": 20 });
  });
});
