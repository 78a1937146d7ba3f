import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { Pod, Service } from "../../src/kube/objects.ts";
import type { Life, LifeOptions } from "./life.ts";
import { NAMESPACE } from "./life.ts";
import { adopted, bad, conditionOf, good, outcomes, rulesOf, watchLives } from "./lives.ts";
import { aDeployment, apexService } from "./manifests.ts";
import { all, find, readyOf } from "./watchman.ts";

watchLives();

const spec = { keepPreviousFor: "10m", progressDeadlineSeconds: 60 };
const web = { namespace: NAMESPACE, name: "web" };

/** A life whose release 2 is promoted, and whose release 1 is kept. */
async function promoted(options: LifeOptions = {}): Promise<Life> {
  const life = await adopted({ ...options, spec: { ...spec, ...options.spec } });
  await life.release("2");
  await life.until("promotion", ({ phase }) => phase === "Succeeded");
  return life;
}

function imageOf(life: Life, name: string): string | undefined {
  return life.deployment(name)?.spec.template.spec.containers[0]?.image;
}

function selected(life: Life, name: string): string | undefined {
  return (find(life.server, kinds.service, name) as Service | undefined)?.spec.selector?.["app"];
}

describe("the version before", () => {
  it("is kept at the primary's size, under a label of its own, and nobody is sent there", async () => {
    const life = await promoted();
    expect(readyOf(life.server, "web-previous")).toBe(3);
    expect(imageOf(life, "web-previous")).toBe("example/web:1");
    expect(imageOf(life, "web-primary")).toBe("example/web:2");
    expect(life.deployment("web-previous")?.spec.selector.matchLabels).toEqual({ app: "web-previous" });
    expect(life.status().previous?.images).toEqual(["example/web:1"]);
    expect([selected(life, "web"), selected(life, "web-primary")]).toEqual(["web-primary", "web-primary"]);
    expect(rulesOf(life).indexOf("keepPrevious")).toBeLessThan(rulesOf(life).indexOf("updatePrimary"));
  });

  it("goes when its time ends, without anybody asking the API server meanwhile", async () => {
    const life = await promoted();
    await life.pass(5_000);
    const before = life.traffic.requests;
    await life.pass(560_000);
    expect(life.deployment("web-previous")).toBeDefined();
    expect(life.traffic.requests - before).toBe(0);
    await life.pass(60_000);
    expect(life.deployment("web-previous")).toBeUndefined();
    expect(find(life.server, kinds.service, "web-previous")).toBeUndefined();
    expect(life.status().previous).toBeUndefined();
    expect(life.status().phase).toBe("Succeeded");
  });

  it("goes at once when it is not to be kept any more", async () => {
    const life = await promoted();
    await life.kube.mergePatch(kinds.canary, web, { spec: { keepPreviousFor: null } });
    await life.pass(1_000);
    expect(life.deployment("web-previous")).toBeUndefined();
  });

  it("is that of the last promotion", async () => {
    const life = await promoted();
    await life.release("3");
    await life.until("promotion of 3", ({ promoted: version }) => version?.images?.[0] === "example/web:3");
    expect(imageOf(life, "web-previous")).toBe("example/web:2");
    expect(life.status().previous?.images).toEqual(["example/web:2"]);
  });

  it("is not kept of a promotion that was taken back", async () => {
    const life = await adopted({ spec });
    await life.release("2", { UNREADY_IN: "web-primary" });
    await life.until(
      "the primary's change",
      ({ why }) => why?.rule === "updatePrimary" || why?.rule === "waitForPrimary",
    );
    expect(await life.act("Abort")).toMatch(/^Applied/);
    await life.until("roll back", ({ phase }) => phase === "Failed");
    await life.pass(5_000);
    expect(life.deployment("web-previous")).toBeUndefined();
    expect(imageOf(life, "web-primary")).toBe("example/web:1");
  });

  it("does not keep a release from its promotion when its pods find no place", async () => {
    const life = await adopted({ spec });
    const env = [
      { name: "VERSION", value: "1" },
      { name: "UNREADY_IN", value: "web-previous" },
    ];
    const path = "/spec/template/spec/containers/0/env";
    const primary = { ...web, name: "web-primary" };
    await life.kube.jsonPatch(kinds.deployment, primary, [{ op: "add", path, value: env }]);
    await life.pass(5_000);
    await life.release("2");
    await life.until("the wait", ({ why }) => why?.rule === "waitForPrevious");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(life.events()).toContain("Warning PreviousNotReady");
    expect(await life.act("Rollback")).toMatch(/^Refused: the kept pods are not ready \(/);
  });
});

/** A drain that is long enough for something to happen in it. */
const traffic = { settle: "2s", drain: "1m", gatewayAPI: { routeRefs: [{ name: "web" }] } };

describe("Rollback", () => {
  it("moves everyone to the kept pods at once, rolls the primary back beneath, and returns", async () => {
    const life = await promoted();
    const asked = life.clock.now();
    expect(await life.act("Rollback", { requestedBy: "ann", reason: "carts are empty" })).toMatch(
      /^Applied: revision \w+ is taken back to \w+ by ann: carts are empty$/,
    );
    await life.until("the switch", () => selected(life, "web-primary") === "web-previous");
    expect(selected(life, "web")).toBe("web-previous");
    expect(imageOf(life, "web-primary")).toBe("example/web:2");
    expect(life.clock.now() - asked).toBeLessThanOrEqual(6_000);
    expect(life.status().targets?.[0]?.result).toBeUndefined();
    await life.until("the end", ({ phase }) => phase === "Failed");
    expect(imageOf(life, "web-primary")).toBe("example/web:1");
    expect([selected(life, "web"), selected(life, "web-primary")]).toEqual(["web-primary", "web-primary"]);
    expect(life.deployment("web-previous")).toBeUndefined();
    expect(life.status().promoted?.images).toEqual(["example/web:1"]);
    expect(life.status().failed).toMatchObject({ images: ["example/web:2"] });
    expect(life.status().failed?.why.message).toMatch(/taken back to \w+ by ann: carts are empty$/);
    expect(life.status().targets?.[0]?.result).toBe("Failed");
    expect(conditionOf(life, "Stalled")?.reason).toBe("RolledBack");
    expect(outcomes(life)).toEqual(["example/web:2 Failed", "example/web:2 Succeeded"]);
    expect(life.errors).toEqual([]);
  });

  it("works where there is no router and the apex Service makes the weight", async () => {
    const life = await promoted({
      spec: { traffic: { settle: "2s", drain: "5s", service: {} } },
      async workload(kube) {
        await kube.create(kinds.deployment, aDeployment(3));
        await kube.create(kinds.service, apexService);
      },
    });
    expect(await life.act("Rollback")).toMatch(/^Applied/);
    await life.until("the switch", () => selected(life, "web-primary") === "web-previous");
    expect(selected(life, "web")).toBe("web-previous");
    await life.until("the end", ({ phase }) => phase === "Failed");
    expect([selected(life, "web"), selected(life, "web-primary")]).toEqual(["web-primary", "web-primary"]);
    expect(imageOf(life, "web-primary")).toBe("example/web:1");
  });

  it("is not undone by Git's copy, until somebody asks, and the next release is one like any other", async () => {
    const life = await promoted();
    await life.act("Rollback");
    await life.until("the end", ({ phase }) => phase === "Failed");
    await life.release("2");
    await life.pass(3_600_000);
    expect(life.status()).toMatchObject({ phase: "Failed", promoted: { images: ["example/web:1"] } });
    expect(await life.act("Retry")).toMatch(/^Applied/);
    await life.until("promotion of 2", ({ phase }) => phase === "Succeeded");
    await life.release("3");
    await life.until("promotion of 3", ({ promoted: version }) => version?.images?.[0] === "example/web:3");
  });

  it("is refused after its time, and says what to do", async () => {
    const life = await promoted();
    await life.pass(700_000);
    expect(await life.act("Rollback")).toBe(
      "Refused: the pods of the version before are kept no longer, or there was none; release the version before again, for instance by a git revert",
    );
    expect(life.status().phase).toBe("Succeeded");
  });

  it("is refused where nothing is kept, and in a rollout", async () => {
    const life = await adopted();
    expect(await life.act("Rollback")).toMatch(/^Refused: the pods of the version before are not kept \(spec.keep/);
    await life.patchCanary({ keepPreviousFor: "10m" });
    expect(await life.act("Rollback")).toMatch(/^Refused: the pods of the version before are kept no longer, or there/);
    await life.release("2");
    await life.until("a weight", ({ weight }) => weight === 10);
    expect(await life.act("Rollback")).toMatch(/^Refused: revision \w+ is under way; Abort takes it back$/);
  });

  it("is not disturbed by a release, which follows it", async () => {
    const life = await promoted();
    await life.act("Rollback");
    await life.release("3");
    life.ask = good;
    await life.until("promotion of 3", ({ promoted: version }) => version?.images?.[0] === "example/web:3");
    expect(outcomes(life)).toEqual(["example/web:3 Succeeded", "example/web:2 Failed", "example/web:2 Succeeded"]);
  });

  it("is followed by the roll back of a bad release to the version that it brought back", async () => {
    const life = await promoted();
    await life.act("Rollback");
    await life.until("the end", ({ phase }) => phase === "Failed");
    life.ask = bad;
    await life.release("3");
    await life.until("roll back of 3", ({ failed }) => failed?.images?.[0] === "example/web:3");
    expect(imageOf(life, "web-primary")).toBe("example/web:1");
  });

  it("holds on the kept pods when the primary does not get ready with the version before", async () => {
    const life = await promoted();
    await life.act("Rollback");
    await life.until("the switch", ({ why }) => why?.rule === "drainForRollback");
    // The kept pods keep a template that the primary cannot run.
    const previous = { ...web, name: "web-previous" };
    const paused = [{ op: "add", path: "/spec/paused", value: true }] as const;
    await life.kube.jsonPatch(kinds.deployment, previous, paused);
    const env = [
      { name: "VERSION", value: "1" },
      { name: "UNREADY_IN", value: "web-primary" },
    ];
    const path = "/spec/template/spec/containers/0/env";
    await life.kube.jsonPatch(kinds.deployment, previous, [{ op: "add", path, value: env }]);
    const annotations = { "aviary.dev/before": null };
    await life.kube.mergePatch(kinds.deployment, { ...web, name: "web-primary" }, { metadata: { annotations } });
    await life.until("the stall", () => conditionOf(life, "Stalled")?.reason === "PrimaryNotReady");
    await life.pass(600_000);
    expect(life.status().phase).toBe("RollingBack");
    expect([selected(life, "web"), selected(life, "web-primary")]).toEqual(["web-previous", "web-previous"]);
  });

  it("gives everyone back to the primary when the kept pods are lost meanwhile, and is given up in the end", async () => {
    const life = await promoted({ spec: { ...spec, traffic, progressDeadlineSeconds: 60 } });
    await life.act("Rollback");
    await life.until("the switch", () => selected(life, "web-primary") === "web-previous");
    await life.pass(2_000);
    await life.kube.mergePatch(kinds.deployment, { ...web, name: "web-previous" }, { spec: { replicas: 0 } });
    const known = life.outages.length;
    await life.until("the way back", () => selected(life, "web") === "web-primary", 20_000);
    await life.pass(1_000);
    life.outages.length = known;
    expect(selected(life, "web-primary")).toBe("web-primary");
    await life.until("the end", ({ phase }) => phase === "Idle" || phase === "Succeeded");
    expect(imageOf(life, "web-primary")).toBe("example/web:2");
    expect(life.status().promoted?.images).toEqual(["example/web:2"]);
  });

  it("is given up when the kept pods are lost before anybody was sent there", async () => {
    const life = await promoted();
    expect(await life.act("Rollback")).toMatch(/^Applied/);
    for (const { metadata } of all<Pod>(life.server, kinds.pod)) {
      if (metadata.labels?.["app"] === "web-previous")
        await life.kube.delete(kinds.pod, { namespace: NAMESPACE, name: metadata.name });
    }
    await life.kube.delete(kinds.deployment, { ...web, name: "web-previous" });
    await life.until("rest", ({ phase }) => phase === "Idle" || phase === "Succeeded");
    await life.pass(30_000);
    expect(imageOf(life, "web-primary")).toBe("example/web:2");
    expect(life.status().promoted?.images).toEqual(["example/web:2"]);
  });

  it("in the middle of which the Canary is deleted hands back the version that serves", async () => {
    const life = await promoted();
    await life.act("Rollback");
    await life.until("the drain", ({ why }) => why?.rule === "drainForRollback");
    await life.kube.delete(kinds.canary, web);
    for (let waited = 0; life.exists() && waited < 120; waited++) await life.pass(1_000);
    expect(life.exists()).toBe(false);
    expect(imageOf(life, "web")).toBe("example/web:1");
    expect(readyOf(life.server, "web")).toBe(3);
    expect(life.deployment("web-previous")).toBeUndefined();
    expect(life.deployment("web-primary")).toBeUndefined();
  });
});

describe("a Canary that is deleted while the version before is kept", () => {
  it.each(["Restore", "Keep"])("leaves no kept pods behind (%s)", async (onDelete) => {
    const life = await promoted({ spec: { onDelete } });
    await life.kube.delete(kinds.canary, web);
    for (let waited = 0; life.exists() && waited < 120; waited++) await life.pass(1_000);
    expect(life.exists()).toBe(false);
    expect(life.deployment("web-previous")).toBeUndefined();
    expect(find(life.server, kinds.service, "web-previous")).toBeUndefined();
  });
});

describe("somebody else's object with the name of the kept pods", () => {
  it("is named, and left alone", async () => {
    const life = await adopted();
    const labels = { app: "other" };
    const service = { apiVersion: "v1", kind: "Service", metadata: { ...web, name: "web-previous", labels } };
    await life.kube.create(kinds.service, { ...service, spec: { selector: labels, ports: [{ port: 80 }] } } as never);
    await life.pass(60_000);
    expect(life.status().phase).toBe("Idle");
    await life.patchCanary({ keepPreviousFor: "10m" });
    await life.pass(1_000);
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: "NameTaken" });
    expect(find(life.server, kinds.service, "web-previous")).toBeDefined();
  });
});
