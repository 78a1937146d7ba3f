import { expect, test } from "vitest";
import type { Service } from "../../../src/kube/objects.ts";
import { waitFor } from "../harness/polling.ts";
import type { Bench } from "../scenario.ts";
import { adopted, expectUnharmed } from "./rollouts.ts";
import { imageOf, type Shop, stepsOf } from "./shop.ts";

/** Deletes the Canary as a user does, and returns how long kubectl took in milliseconds. */
export async function deleteCanary(bench: Bench, { namespace }: Shop): Promise<number> {
  const began = Date.now();
  await bench.kubectl(["delete", "canary", "web", "-n", namespace, "--timeout=60s"]);
  return Date.now() - began;
}

function expectHandedBack(bench: Bench, shop: Shop): void {
  const { namespace } = shop;
  const target = shop.deployment("web");
  expect(target?.spec.template.spec.containers[0]?.image).toBe(imageOf("1"));
  expect(target?.spec).toMatchObject({ replicas: 3 });
  expect(target?.spec.paused).not.toBe(true);
  expect(target?.status?.availableReplicas).toBe(3);
  expect(shop.deployment("web-primary")).toBeUndefined();
  expect(shop.weights()).toEqual({ "web-primary": 100, "web-canary": 0 });
  for (const name of ["web", "web-primary"]) {
    const service = bench.journal.latest<Service>("Service", { namespace, name });
    expect(service?.spec.selector, name).toEqual({ app: "web" });
  }
  expectUnharmed(bench, shop);
}

export function endings(bench: () => Bench): void {
  test("a deleted Canary hands everything back to the target", async () => {
    const shop = await adopted(bench());
    console.log(`deletion at rest: ${await deleteCanary(bench(), shop)} ms`);
    await shop.gone();
    expectHandedBack(bench(), shop);
  });

  test("a Canary that is deleted in the middle of a rollout restores the promoted version", async () => {
    const shop = await adopted(bench(), { spec: stepsOf({ weight: 20, hold: "30s" }) });
    await shop.release("2");
    await shop.until("weight 20 in effect", ({ rollout }) => rollout?.effectiveSince !== undefined);
    console.log(`deletion in the middle of a rollout: ${await deleteCanary(bench(), shop)} ms`);
    await shop.gone();
    expectHandedBack(bench(), shop);
  });

  test("a namespace that is deleted takes its Canary along", async () => {
    const { namespace } = await adopted(bench());
    await bench().kubectl(["delete", "namespace", namespace, "--timeout=60s"]);
  });

  test("kubectl shows what a person wants to know", async () => {
    const shop = await adopted(bench(), { spec: stepsOf({ weight: 20, hold: "30s" }) });
    await shop.release("2");
    await shop.until("weight 20 in effect", ({ rollout }) => rollout?.effectiveSince !== undefined);
    const show = (...args: string[]): Promise<string> => bench().kubectl([...args, "-n", shop.namespace]);
    const short = await show("get", "canary");
    const wide = await show("get", "cn", "-o", "wide");
    // Events are sent behind the writes that they tell of.
    const described = await waitFor("the events", () => show("describe", "canary", "web"), {
      until: (text) => text.includes("StartRollout") && text.includes("ShiftTraffic"),
    });
    console.log([short, wide, described].join("\n"));
    expect(short).toMatch(/NAME +.*PHASE.*\n.*web .*Progressing/);
    expect(wide).toMatch(/web .*Progressing.* registry\.test\/web:1 /);
    expect(described).toMatch(/Events:[^]*StartRollout .*new revision[^]*ShiftTraffic/);
  });
}
