import { describe, expect, it } from "vitest";
import { KubeError } from "../../src/kube/errors.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { KubeObject } from "../../src/kube/port.ts";
import type { KubeCall } from "../../src/sandbox/memoryKube.ts";
import {
  aConfigMap,
  applyConfigured,
  base64,
  configuredPod,
  configured,
  configuredBy,
  copies,
  greet,
  greetingOf,
  oldestPod,
  rotate,
  templateOf,
  tokenOf,
} from "./configured.ts";
import { NAMESPACE } from "./life.ts";
import { adopted, bad, born, conditionOf, outcomes, rulesOf, watchLives } from "./lives.ts";
import type { Life } from "./life.ts";
import { all, find } from "./watchman.ts";

watchLives();

const configMap = { namespace: NAMESPACE, name: "web-config" };
const succeeded = (life: Life, times = 1) =>
  life.until("promotion", ({ phase, history = [] }) => phase === "Succeeded" && history.length === times);
const atWeight = (life: Life, weight: number) =>
  life.until(`weight ${weight}`, ({ rollout }) => rollout?.weight === weight && rollout.effectiveSince !== undefined);

/** An API server that allows the controller nothing about Secrets. */
function withoutSecrets({ verb, kind }: KubeCall): void {
  if (kind !== kinds.secret) return;
  throw new KubeError({ reason: "Forbidden", status: 403, message: `may not ${verb} secrets` });
}

describe("an adopted target with configuration", () => {
  it("has a primary that stands on copies of its own, with all values, and was started once", async () => {
    const life = await adopted(configured);
    const [config = "", extra, token = ""] = configuredBy(life, "web-primary");
    expect(config).toMatch(/^web-config-primary-[0-9a-f]{10}$/);
    expect(token).toMatch(/^web-token-primary-[0-9a-f]{10}$/);
    expect(extra).toBe("web-extra-primary-absent");
    expect(copies(life)).toEqual([`ConfigMap/${config}`, `Secret/${token}`]);
    expect(find(life.server, kinds.configMap, config)).toMatchObject({
      immutable: true,
      data: { GREETING: "hello" },
      binaryData: { logo: Buffer.from("bird").toString("base64") },
    });
    const { metadata } = find(life.server, kinds.secret, token) ?? {};
    expect(metadata?.ownerReferences).toBeUndefined();
    expect(metadata?.labels).toEqual({ "app.kubernetes.io/managed-by": "aviary", "aviary.dev/copy-for": "web" });
    expect(life.deployment("web-primary")?.metadata.generation).toBe(1);
    expect(configuredBy(life, "web")).toEqual(["web-config", "web-extra", "web-token"]);
    expect(JSON.stringify(templateOf(life, "web-primary"))).toContain('"imagePullSecrets":[{"name":"registry"}]');
  });

  it("costs nothing while nothing changes, and one read when an object changes in what no pod sees", async () => {
    const life = await adopted(configured);
    // Events come last.
    await life.pass(5_000);
    const before = life.traffic.requests;
    await life.pass(600_000);
    expect(life.traffic.requests - before).toBe(0);
    await life.kube.mergePatch(kinds.configMap, configMap, { metadata: { labels: { a: "b" } } });
    await life.pass(60_000);
    expect(life.traffic.requests - before).toBe(1);
    expect(life.status().phase).toBe("Idle");
  });
});

describe("a change of the configuration alone", () => {
  it("is a release: judged in steps, started afresh, and promoted with its values", async () => {
    const life = await adopted(configured);
    const before = templateOf(life);
    const [old = ""] = copies(life);
    await life.pass(5_000);
    const changedAt = life.clock.now();
    await greet(life, "goodbye");
    await atWeight(life, 10);
    expect(greetingOf(life)).toBe("hello");
    expect(oldestPod(life)).toBeGreaterThanOrEqual(Math.floor(changedAt / 1_000) * 1_000);
    await succeeded(life);
    await life.pass(10_000);
    expect(greetingOf(life)).toBe("goodbye");
    expect(copies(life)).toHaveLength(2);
    expect(copies(life)).not.toContain(old);
    expect(templateOf(life)).toEqual(before);
    expect(outcomes(life)).toEqual(["example/web:1 Succeeded"]);
    expect(life.errors).toEqual([]);
  });

  it("says what changed", async () => {
    const life = await adopted(configured);
    await rotate(life, "s3cret-two");
    await succeeded(life);
    expect(tokenOf(life)).toBe("s3cret-two");
    const told = all<KubeObject & { message?: string }>(life.server, kinds.event).map(({ message }) => message);
    const sentence = /^new revision [0-9a-f]{10} \(example\/web:1, Secret web-token changed\)$/;
    expect(told).toContainEqual(expect.stringMatching(sentence));
  });

  it("that is bad is rolled back, and reaches neither the primary nor its copies", async () => {
    const life = await adopted({ ...configured, ask: bad });
    const primary = life.deployment("web-primary");
    const held = copies(life);
    await greet(life, "boom");
    await life.until("roll back", ({ phase }) => phase === "Failed");
    await life.pass(600_000);
    expect(greetingOf(life)).toBe("hello");
    expect(copies(life)).toEqual(held);
    expect(life.deployment("web-primary")?.metadata.generation).toBe(primary?.metadata.generation);
    expect(outcomes(life)).toEqual(["example/web:1 Failed"]);
    await greet(life, "hello");
    await life.until("rest", ({ phase }) => phase === "Idle");
    expect(outcomes(life)).toEqual(["example/web:1 Failed"]);
  });

  it("is noticed by a controller that was not there when it happened", async () => {
    const life = await adopted(configured);
    await life.patchCanary({ suspend: true });
    await greet(life, "goodbye");
    await life.restart();
    await life.pass(1_000);
    expect(life.status().phase).toBe("Paused");
    await life.patchCanary({ suspend: false });
    await succeeded(life);
    expect(greetingOf(life)).toBe("goodbye");
  });

  it("of an optional object that was not there is a release too", async () => {
    const life = await adopted(configured);
    await life.kube.create(kinds.configMap, {
      ...aConfigMap("x"),
      metadata: { namespace: NAMESPACE, name: "web-extra" },
    });
    await succeeded(life);
    expect(copies(life)).toHaveLength(3);
    expect(configuredBy(life, "web-primary")[1]).toMatch(/^web-extra-primary-[0-9a-f]{10}$/);
  });

  it("in the middle of a rollout starts over: weight 0, its pods go, and new ones start", async () => {
    const life = await adopted(configured);
    await greet(life, "two");
    await atWeight(life, 50);
    await life.pass(5_000);
    const changedAt = life.clock.now();
    await greet(life, "three");
    await life.until("weight 0", () => life.weights()["web-canary"] === 0);
    await atWeight(life, 10);
    expect(oldestPod(life)).toBeGreaterThanOrEqual(Math.floor(changedAt / 1_000) * 1_000);
    expect(rulesOf(life)).toContain("renewPods");
    await succeeded(life, 2);
    expect(outcomes(life)).toEqual(["example/web:1 Succeeded", "example/web:1 Superseded"]);
    expect(greetingOf(life)).toBe("three");
  });

  it("before the first weight is the same rollout, with pods that have the newest values", async () => {
    const life = await adopted(configured);
    await greet(life, "two");
    await life.until("pods", ({ why }) => why?.rule === "waitUntilReachable");
    await life.pass(1_500);
    const changedAt = life.clock.now();
    await greet(life, "three");
    await atWeight(life, 10);
    expect(oldestPod(life)).toBeGreaterThanOrEqual(Math.floor(changedAt / 1_000) * 1_000);
    await succeeded(life);
    expect(greetingOf(life)).toBe("three");
  });

  it("together with a new image is one release", async () => {
    const life = await adopted(configured);
    await greet(life, "two");
    await life.release("2");
    await succeeded(life);
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    expect(greetingOf(life)).toBe("two");
  });

  it("that comes just before the primary gets its copy is a revision of its own: only judged values are copied", async () => {
    let change: (() => void) | undefined;
    const life = await adopted({
      ...configured,
      fault({ verb, kind }) {
        if (verb === "get" && kind === kinds.configMap) change?.();
      },
    });
    const resource = life.server.resource("", "v1", "configmaps");
    change = () => {
      if (life.status().rollout?.promoting !== true) return;
      change = undefined;
      life.server.patch(resource, configMap, { type: "merge", body: { data: { GREETING: "three" } } }, {});
    };
    await greet(life, "two");
    await life.until("promotion of three", ({ phase, history = [] }) => phase === "Succeeded" && history.length === 2);
    expect(change).toBeUndefined();
    expect(greetingOf(life)).toBe("three");
    expect(outcomes(life)).toEqual(["example/web:1 Succeeded", "example/web:1 Superseded"]);
  });
});

describe("configuration that is not tracked", () => {
  const untracked = { metadata: { annotations: { "aviary.dev/track": "false" } } };

  it("by an annotation of the object: its change is no release, and the primary follows it live", async () => {
    const life = await adopted({
      workload: async (kube) => {
        await applyConfigured(kube);
        await kube.mergePatch(kinds.secret, { namespace: NAMESPACE, name: "web-token" }, untracked);
      },
    });
    expect(configuredBy(life, "web-primary")).toContain("web-token");
    await rotate(life, "s3cret-two");
    await life.pass(60_000);
    expect(life.status().phase).toBe("Idle");
    await greet(life, "goodbye");
    await succeeded(life);
    expect([greetingOf(life), tokenOf(life)]).toEqual(["goodbye", "s3cret-two"]);
  });

  it("because cert-manager renews it", async () => {
    const life = await adopted({
      workload: async (kube) => {
        await applyConfigured(kube);
        const metadata = { annotations: { "cert-manager.io/certificate-name": "web" } };
        await kube.mergePatch(kinds.secret, { namespace: NAMESPACE, name: "web-token" }, { metadata });
      },
    });
    await rotate(life, "s3cret-two");
    await life.pass(60_000);
    expect([life.status().phase, tokenOf(life)]).toEqual(["Idle", "s3cret-two"]);
  });

  it("by an annotation that comes later: no release begins by it, and the next one heeds it", async () => {
    const life = await adopted(configured);
    await life.kube.mergePatch(kinds.configMap, configMap, untracked);
    await greet(life, "two");
    await life.pass(60_000);
    expect([life.status().phase, greetingOf(life)]).toEqual(["Idle", "hello"]);
    await rotate(life, "s3cret-two");
    await succeeded(life);
    expect(configuredBy(life, "web-primary")).toContain("web-config");
  });

  it("by the Canary: none of it is part of the revision", async () => {
    const life = await adopted({ ...configured, spec: { trackConfiguration: false } });
    await greet(life, "two");
    await rotate(life, "s3cret-two");
    await life.pass(60_000);
    expect(life.status().phase).toBe("Idle");
    expect(copies(life)).toEqual([]);
    expect(configuredBy(life, "web-primary")).toEqual(["web-config", "web-extra", "web-token"]);
  });

  it("by a primary from before it was tracked: nothing is released, and tracking begins with the next release", async () => {
    const life = await adopted({ ...configured, spec: { trackConfiguration: false } });
    const { promoted } = life.status();
    await life.patchCanary({ trackConfiguration: true });
    await life.restart();
    await life.pass(60_000);
    expect(life.status()).toMatchObject({ phase: "Idle", promoted, target: { revision: promoted?.revision } });
    expect(life.deployment("web-primary")?.metadata.generation).toBe(1);
    await life.kube.mergePatch(
      kinds.deployment,
      { namespace: NAMESPACE, name: "web" },
      {
        spec: { template: { spec: configuredPod("2") } },
      },
    );
    await succeeded(life);
    expect(copies(life)).toHaveLength(2);
    await greet(life, "two");
    await succeeded(life, 2);
    expect(greetingOf(life)).toBe("two");
  });

  it("in a revision that was rolled back before it was tracked: it is not tried again by that", async () => {
    const life = await adopted({ ...configured, ask: bad, spec: { trackConfiguration: false } });
    const patch = { spec: { template: { spec: configuredPod("2") } } };
    await life.kube.mergePatch(kinds.deployment, { namespace: NAMESPACE, name: "web" }, patch);
    await life.until("roll back", ({ phase }) => phase === "Failed");
    await life.patchCanary({ trackConfiguration: true });
    await life.restart();
    await life.pass(60_000);
    expect(life.status().phase).toBe("Failed");
    expect(outcomes(life)).toEqual(["example/web:2 Failed"]);
  });

  it("with --track-secrets=false: Secrets are not asked for at all, and all else works", async () => {
    const asked: string[] = [];
    const life = await adopted({
      ...configured,
      trackSecrets: false,
      fault(call) {
        if (call.kind === kinds.secret) asked.push(call.verb);
        withoutSecrets(call);
      },
    });
    await rotate(life, "s3cret-two");
    await greet(life, "two");
    await succeeded(life);
    expect(configuredBy(life, "web-primary")).toContain("web-token");
    expect(greetingOf(life)).toBe("two");
    await life.kube.delete(kinds.canary, { namespace: NAMESPACE, name: "web" });
    await life.until("hand-back", () => !life.exists());
    expect(asked).toEqual([]);
    expect(life.errors).toEqual([]);
  });
});

describe("what stands in the way", () => {
  it("of Secrets without a permission is said with what to do about it", async () => {
    const life = await born({ ...configured, fault: withoutSecrets });
    await life.until("the sentence", () => conditionOf(life, "Stalled")?.reason === "ConfigurationUnreadable");
    expect(conditionOf(life, "Stalled")?.message).toContain("Secret web-token in namespace shop");
    await life.patchCanary({ trackConfiguration: false });
    await life.until("adoption", ({ phase }) => phase === "Idle");
  });

  it("is an object that the pods need and that is not there; the release waits for it", async () => {
    const life = await adopted(configured);
    const env = [{ name: "N", valueFrom: { configMapKeyRef: { name: "web-new", key: "N" } } }];
    const pod = { ...configuredPod("2"), initContainers: [{ name: "init", image: "example/init:2", env }] };
    const patch = { spec: { template: { spec: pod } } };
    await life.kube.mergePatch(kinds.deployment, { namespace: NAMESPACE, name: "web" }, patch);
    await life.until("the sentence", () => conditionOf(life, "Stalled")?.reason === "ConfigurationMissing");
    expect(conditionOf(life, "Stalled")?.message).toBe(
      "ConfigMap web-new in namespace shop does not exist, and the pods of Deployment web need it. create it, or mark the reference optional",
    );
    expect(life.status().targets?.[0]?.result).toBeUndefined();
    // Nobody knows yet what would be shipped.
    expect(await life.act("Skip")).toMatch(/^Refused: some configuration of the target is missing/);
    expect(life.deployment("web")?.spec.replicas).toBe(0);
    await life.kube.create(kinds.configMap, {
      ...aConfigMap("x"),
      metadata: { namespace: NAMESPACE, name: "web-new" },
    });
    await succeeded(life);
    expect(copies(life)).toHaveLength(3);
  });

  it("is no object that is replaced with the same values in the middle of a rollout", async () => {
    const life = await adopted(configured);
    await greet(life, "two");
    await atWeight(life, 10);
    await life.kube.delete(kinds.configMap, configMap);
    await life.pass(500);
    await life.kube.create(
      kinds.configMap,
      aConfigMap("two", { binaryData: { logo: base64("bird") }, immutable: true }),
    );
    await succeeded(life);
    expect(outcomes(life)).toEqual(["example/web:1 Succeeded"]);
  });

  it("is an annotation that says neither yes nor no", async () => {
    const life = await adopted(configured);
    const metadata = { annotations: { "aviary.dev/track": "nope" } };
    await life.kube.mergePatch(kinds.configMap, configMap, { metadata });
    await life.until("the sentence", () => conditionOf(life, "Stalled")?.reason === "AnnotationInvalid");
    expect(conditionOf(life, "Stalled")?.message).toContain("of ConfigMap web-config is neither");
  });

  it("is no copy that somebody deleted: it is made again", async () => {
    const life = await adopted(configured);
    const held = copies(life);
    const [name = ""] = configuredBy(life, "web-primary");
    await life.kube.delete(kinds.configMap, { namespace: NAMESPACE, name });
    await life.until("the copy", () => copies(life).length === held.length);
    expect(copies(life)).toEqual(held);
    await life.until("rest", ({ why }) => why?.rule === "rest");
  });

  it("is a copy that is gone with the values that it held", async () => {
    const life = await adopted({ ...configured, ask: bad });
    await greet(life, "boom");
    await life.until("roll back", ({ phase }) => phase === "Failed");
    const [name = ""] = configuredBy(life, "web-primary");
    await life.kube.delete(kinds.configMap, { namespace: NAMESPACE, name });
    await life.until("the sentence", () => conditionOf(life, "Stalled")?.reason === "ConfigurationLost");
    await greet(life, "hello");
    await life.until("rest", ({ phase, why }) => phase === "Idle" && why?.rule === "rest");
    expect(greetingOf(life)).toBe("hello");
  });
});

describe("the end", () => {
  it("leaves the target with the user's own references, and no copy", async () => {
    const life = await adopted(configured);
    const before = templateOf(life);
    await greet(life, "two");
    await succeeded(life);
    await life.kube.mergePatch(
      kinds.deployment,
      { namespace: NAMESPACE, name: "web" },
      {
        spec: { template: { spec: configuredPod("2") } },
      },
    );
    await atWeight(life, 10);
    await life.kube.delete(kinds.canary, { namespace: NAMESPACE, name: "web" });
    await life.until("hand-back", () => !life.exists());
    expect(templateOf(life)).toEqual(before);
    expect(life.deployment("web")?.spec.replicas).toBe(3);
    expect(copies(life)).toEqual([]);
  });

  it("hands a target back whose configuration was rolled back: the values are the user's", async () => {
    const life = await adopted({ ...configured, ask: bad });
    await greet(life, "boom");
    await life.until("roll back", ({ phase }) => phase === "Failed");
    await life.kube.delete(kinds.canary, { namespace: NAMESPACE, name: "web" });
    await life.until("hand-back", () => !life.exists());
    expect(configuredBy(life, "web")).toEqual(["web-config", "web-extra", "web-token"]);
    expect(life.deployment("web")?.spec.replicas).toBe(3);
    expect(life.timeline.join("\n")).toContain("restoreTarget");
  });
});

describe("values", () => {
  it("of Secrets are nowhere but in Secrets", async () => {
    const life = await adopted(configured);
    await rotate(life, "s3cret-two");
    await succeeded(life);
    const encoded = [base64("s3cret-one"), base64("s3cret-two"), "s3cret"];
    for (const kind of [kinds.canary, kinds.deployment, kinds.event, kinds.configMap]) {
      const text = JSON.stringify(all(life.server, kind));
      expect(encoded.filter((value) => text.includes(value))).toEqual([]);
    }
    expect(JSON.stringify(life.errors)).not.toContain("s3cret");
  });
});
