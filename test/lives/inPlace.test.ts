import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { EndpointSlice } from "../../src/kube/objects.ts";
import { SERVICE_NAME_LABEL } from "../../src/kube/objects.ts";
import type { Kube } from "../../src/kube/port.ts";
import { isReady } from "../../src/kube/reachability.ts";
import { livesWithCrashes } from "./crashes.ts";
import { NAMESPACE } from "./life.ts";
import type { Life, LifeOptions } from "./life.ts";
import { adopted, conditionOf, outcomes, underWay, watchLives } from "./lives.ts";
import { apexService, aRoute, aStatefulSet } from "./manifests.ts";
import { all, find, findWorkload, readyOf } from "./watchman.ts";

watchLives();

const unready = { UNREADY_IN: "web-primary" };
const isChanging = ({ why }: ReturnType<Life["status"]>): boolean => why?.rule === "waitForPrimary";

function ofPods(replicas: number): LifeOptions {
  const workload = async (kube: Kube): Promise<void> => {
    await kube.create(kinds.statefulSet, aStatefulSet(replicas));
    await kube.create(kinds.service, apexService);
    await kube.create(kinds.httpRoute, aRoute());
  };
  const targetRef = { apiVersion: "apps/v1", kind: "StatefulSet", name: "web" };
  return { kind: kinds.statefulSet, workload, spec: { targetRef, progressDeadlineSeconds: 60 } };
}

/** Addresses that clients of a Service are sent to. */
function behind({ server }: Life, service: string): number {
  const slices = all<EndpointSlice>(server, kinds.endpointSlice).filter(
    ({ metadata }) => metadata.labels?.[SERVICE_NAME_LABEL] === service,
  );
  const ready = slices.flatMap(({ endpoints }) => endpoints ?? []).filter(isReady);
  return new Set(ready.flatMap(({ addresses }) => addresses)).size;
}

function listsOf({ server }: Life): string[] {
  const ours = all<EndpointSlice>(server, kinds.endpointSlice).filter(({ metadata }) =>
    metadata.name.endsWith("-aviary"),
  );
  return ours.map(({ metadata, endpoints }) => `${metadata.name} ${(endpoints ?? []).filter(isReady).length}`).sort();
}

describe("a StatefulSet, whose primary changes pod by pod", () => {
  it.each([1, 3])("of %i keeps as many behind both Services all the while", async (replicas) => {
    const life = await underWay(ofPods(replicas));
    const seen: number[] = [];
    await life.until("promotion", ({ phase }) => {
      seen.push(behind(life, "web"), behind(life, "web-primary"));
      return phase === "Succeeded";
    });
    expect(Math.min(...seen)).toBe(replicas);
    expect(Math.max(...seen)).toBe(2 * replicas);
    await life.pass(10_000);
    // The primary's pods stand by behind the apex as before; the canary's are listed nowhere.
    expect(listsOf(life)).toEqual(["web-aviary 0"]);
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    expect(life.errors).toEqual([]);
  });

  it("loses nobody when it does not get ready and is put back", async () => {
    const life = await adopted(ofPods(1));
    await life.release("2", unready);
    await life.until("the stall", () => conditionOf(life, "Stalled")?.reason === "PrimaryNotReady");
    expect(listsOf(life)).toEqual(["web-aviary 1", "web-primary-aviary 1"]);
    expect(await life.act("Abort")).toMatch(/^Applied/);
    await life.until("roll back", ({ phase }) => phase === "Failed");
    await life.pass(10_000);
    expect(readyOf(life.server, "web-primary")).toBe(1);
    expect(listsOf(life)).toEqual(["web-aviary 0"]);
    expect(life.errors).toEqual([]);
  });

  it("loses nobody when the Canary is deleted while it changes", async () => {
    const life = await underWay(ofPods(3));
    await life.until("the change", isChanging);
    await life.kube.delete(kinds.canary, { namespace: NAMESPACE, name: "web" });
    await life.until("the end", () => !life.exists());
    await life.pass(10_000);
    expect(findWorkload(life.server, "web-primary")).toBeUndefined();
    expect(readyOf(life.server, "web")).toBe(3);
    expect(listsOf(life)).toEqual([]);
    expect(life.errors).toEqual([]);
  });

  it("changes all the same when the controller crashes at any of its writes", { timeout: 120_000 }, async () => {
    const story = {
      options: ofPods(1),
      before: async (life: Life) => {
        await life.until("adoption", ({ phase }) => phase === "Idle");
        await life.release("2");
        await life.until("the last step", ({ rollout }) => rollout?.weight === 100);
      },
      happens: () => Promise.resolve(),
      ends: (life: Life) => life.status().phase === "Succeeded" && find(life.server, kinds.canary, "web") !== undefined,
    };
    expect(await livesWithCrashes(story, ["before", "after"])).toEqual([]);
  });
});
