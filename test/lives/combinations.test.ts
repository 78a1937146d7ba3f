import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { Kube, KubeObject, ResourceKind } from "../../src/kube/port.ts";
import { configured, copies, greet, greetingOf } from "./configured.ts";
import type { Life, LifeOptions } from "./life.ts";
import { adopted, bad, outcomes, underWay, watchLives } from "./lives.ts";
import { aDaemonSet, apexService, aRoute, aStatefulSet } from "./manifests.ts";
import { find, readyOf } from "./watchman.ts";
import { sandboxKinds } from "../../src/sandbox/kinds.ts";

watchLives();

const succeeded = (life: Life, times = 1) =>
  life.until("promotion", ({ phase, history = [] }) => phase === "Succeeded" && history.length === times);

describe("another configuration alone", () => {
  it("that is aborted reaches nobody, and goes away again", async () => {
    const life = await adopted(configured);
    const before = copies(life);
    await greet(life, "boom");
    await life.until("weight 10", ({ rollout }) => rollout?.weight === 10);
    expect(await life.act("Abort")).toMatch(/^Applied/);
    await life.until("roll back", ({ phase }) => phase === "Failed");
    await life.pass(10_000);
    expect(greetingOf(life)).toBe("hello");
    expect(copies(life)).toEqual(before);
    await greet(life, "hello");
    await life.until("rest", ({ phase }) => phase === "Idle");
    expect(life.errors).toEqual([]);
  });

  it("that is promoted is taken back by a Rollback", async () => {
    const life = await adopted({ ...configured, spec: { keepPreviousFor: "30m" } });
    await greet(life, "goodbye");
    await succeeded(life);
    expect(greetingOf(life)).toBe("goodbye");
    expect(greetingOf(life, "web-previous")).toBe("hello");
    expect(await life.act("Rollback")).toMatch(/^Applied/);
    await life.until("the end", ({ phase }) => phase === "Failed");
    await life.pass(20_000);
    expect(greetingOf(life)).toBe("hello");
    expect(copies(life)).toHaveLength(2);
    expect(readyOf(life.server, "web-primary")).toBe(3);
    await greet(life, "hello");
    await life.until("rest", ({ phase }) => phase === "Idle");
    expect(life.errors).toEqual([]);
  });
});

const byEndpoints = { gatewayAPI: null, service: {}, settle: "2s", drain: "5s" };

/** A target of that kind with a route, or without a router. */
function of(kind: ResourceKind, spec: Readonly<Record<string, unknown>> = {}): LifeOptions {
  const target: KubeObject = kind === kinds.daemonSet ? aDaemonSet() : aStatefulSet(3);
  const workload = async (kube: Kube): Promise<void> => {
    for (const name of ["a", "b", "c"]) {
      await kube.create(sandboxKinds.node, { apiVersion: "v1", kind: "Node", metadata: { name, labels: {} } });
    }
    await kube.create(kind, target);
    await kube.create(kinds.service, apexService);
    if (spec["traffic"] === undefined) await kube.create(kinds.httpRoute, aRoute());
  };
  const targetRef = { apiVersion: "apps/v1", kind: kind.kind, name: "web" };
  return { kind, workload, spec: { targetRef, progressDeadlineSeconds: 60, ...spec } };
}

const blueGreen = { canary: null, blueGreen: { preview: { hold: "20s" }, hold: "20s" } };
const abTest = { canary: null, abTest: { match: [{ headers: [{ name: "x", value: "y" }] }], hold: "60s" } };

describe.each([kinds.daemonSet, kinds.statefulSet])("a $kind", (kind) => {
  it.each<readonly [string, object]>([
    ["by a route", {}],
    ["without a router", { traffic: byEndpoints }],
  ])("is switched by a blue/green %s, promoted and taken back", async (_what, spec) => {
    const life = await adopted(of(kind, { strategy: blueGreen, ...spec }));
    await life.release("2");
    await succeeded(life);
    life.ask = bad;
    await life.release("3");
    await life.until("roll back", ({ phase }) => phase === "Failed");
    await life.pass(10_000);
    expect(outcomes(life)).toEqual(["example/web:3 Failed", "example/web:2 Succeeded"]);
    expect(readyOf(life.server, "web-primary")).toBe(3);
    expect(life.errors).toEqual([]);
  });

  it("is put back by an Abort when its primary does not get ready, and takes the next", async () => {
    const life = await adopted(of(kind));
    await life.release("2", { UNREADY_IN: "web-primary" });
    await life.until("the change", ({ why }) => why?.rule === "waitForPrimary");
    await life.pass(5_000);
    expect(await life.act("Abort")).toMatch(/^Applied/);
    await life.until("roll back", ({ phase }) => phase === "Failed");
    await life.pass(10_000);
    expect(readyOf(life.server, "web-primary")).toBe(3);
    await life.release("3");
    await succeeded(life, 2);
    expect(life.errors).toEqual([]);
  });
});

describe("a DaemonSet", () => {
  it("is brought back by a Rollback", async () => {
    const life = await adopted(of(kinds.daemonSet, { keepPreviousFor: "30m" }));
    await life.release("2");
    await succeeded(life);
    expect(await life.act("Rollback")).toMatch(/^Applied/);
    await life.until("the end", ({ phase }) => phase === "Failed");
    expect(life.errors).toEqual([]);
  });
});

const steps = {
  canary: {
    steps: [
      { weight: 10, hold: "20s" },
      { weight: 50, hold: "20s" },
    ],
  },
};

/** The weights that the canary had, one after the other, from a moment on. */
async function weightsUntil(life: Life, what: string, holds: Parameters<Life["until"]>[1]): Promise<number[]> {
  const seen = [life.weights()["web-canary"] ?? 0];
  await life.until(what, (status) => {
    const weight = life.weights()["web-canary"] ?? 0;
    if (seen.at(-1) !== weight) seen.push(weight);
    return holds(status);
  });
  return seen;
}

describe("another strategy in the middle of a rollout", () => {
  it.each<readonly [string, object, number, object, readonly number[]]>([
    ["a canary becomes a blue/green, with its preview first", steps, 50, blueGreen, [50, 0, 100, 0]],
    ["a canary becomes an A/B test", steps, 50, abTest, [50, 0, 100, 0]],
    ["a blue/green becomes a canary", blueGreen, 100, { blueGreen: null, ...steps }, [100, 10, 50, 100, 0]],
  ])("begins with its first step: %s", async (_what, before, weight, after, weights) => {
    const life = await underWay({ spec: { strategy: before } }, weight);
    await life.patchCanary({ strategy: after });
    const seen = await weightsUntil(life, "promotion", ({ phase }) => phase === "Succeeded");
    expect([weight, ...seen.filter((one, index) => index > 0 || one !== weight)]).toEqual(weights);
    expect(life.timeline.some((line) => line.endsWith("followOtherStrategy"))).toBe(true);
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    expect(life.errors).toEqual([]);
  });

  it("begins with its first step: an A/B test becomes a canary, and nobody is matched any more", async () => {
    const life = await adopted({ spec: { strategy: abTest } });
    await life.release("2");
    await life.until("a match", ({ rollout }) => rollout?.matched === true && rollout.effectiveSince !== undefined);
    await life.patchCanary({ strategy: { abTest: null, ...steps } });
    const seen = await weightsUntil(life, "promotion", ({ phase }) => phase === "Succeeded");
    expect(seen.filter((weight) => weight > 0)).toEqual([10, 50, 100]);
    expect(find(life.server, kinds.httpRoute, "web-canary")).toBeUndefined();
    expect(life.errors).toEqual([]);
  });
});
