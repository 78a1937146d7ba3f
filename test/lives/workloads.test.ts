import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import { isTerminating } from "../../src/kube/objects.ts";
import type { DaemonSet, Pod, WorkloadObject } from "../../src/kube/objects.ts";
import type { Kube, KubeObject, ResourceKind } from "../../src/kube/port.ts";
import { sandboxKinds } from "../../src/sandbox/kinds.ts";
import { NAMESPACE } from "./life.ts";
import type { Life, LifeOptions } from "./life.ts";
import { adopted, bad, born, conditionOf, good, outcomes, rulesOf, underWay, watchLives } from "./lives.ts";
import { aDaemonSet, apexService, aRoute, aStatefulSet, manifest } from "./manifests.ts";
import { all, find, readyOf } from "./watchman.ts";

watchLives();

const web = { namespace: NAMESPACE, name: "web" };

/** Three nodes, of which one is not for everybody. */
const nodes: readonly KubeObject[] = ["a", "b", "c", "gpu"].map((name) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, labels: { pool: name === "gpu" ? "gpu" : "web" } },
}));

interface Case {
  readonly kind: ResourceKind;
  /** The target as its team wrote it. */
  readonly target: KubeObject;
  /** What its spec says when it is idle and when it is frozen. */
  readonly idle: object;
  readonly frozen: object;
  /** Pods of the canary at the first step, 10 %. */
  readonly pods: number;
}

const daemonSet: Case = {
  kind: kinds.daemonSet,
  target: inPool(aDaemonSet(), { pool: "web" }),
  idle: { template: { spec: { nodeSelector: { pool: "web", "aviary.dev/idle": "true" } } } },
  frozen: { updateStrategy: { type: "OnDelete", rollingUpdate: { maxUnavailable: 1 } } },
  pods: 3,
};

const statefulSet: Case = {
  kind: kinds.statefulSet,
  target: aStatefulSet(3),
  idle: { replicas: 0 },
  frozen: { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 1_000_000 } } },
  pods: 1,
};

const cases: readonly (readonly [string, Case])[] = [
  ["DaemonSet", daemonSet],
  ["StatefulSet", statefulSet],
];

function inPool(set: DaemonSet, nodeSelector: object | undefined): DaemonSet {
  const { spec } = set.spec.template;
  const template = { ...set.spec.template, spec: nodeSelector === undefined ? spec : { ...spec, nodeSelector } };
  return { ...set, spec: { ...set.spec, template } };
}

function lifeOf({ kind, target }: Pick<Case, "kind" | "target">, spec: object = {}): LifeOptions {
  const objects = async (kube: Kube): Promise<void> => {
    for (const node of nodes) await kube.create(sandboxKinds.node, node);
    await kube.create(kind, target);
    await kube.create(kinds.service, apexService);
    await kube.create(kinds.httpRoute, aRoute());
  };
  const targetRef = { apiVersion: "apps/v1", kind: kind.kind, name: "web" };
  return { kind, workload: objects, spec: { targetRef, ...spec } };
}

function specOf(life: Life, kind: ResourceKind, name = "web"): WorkloadObject["spec"] | undefined {
  return (find(life.server, kind, name) as WorkloadObject | undefined)?.spec;
}

/** Images of the pods that are there to stay. */
function versions(life: Life, app: string): string[] {
  return all<Pod>(life.server, kinds.pod)
    .filter((pod) => pod.metadata.labels?.["app"] === app && !isTerminating(pod))
    .map(({ spec }) => spec.containers[0]?.image ?? "")
    .toSorted();
}

const repeated = (image: string, times: number): string[] => Array.from({ length: times }, () => image);

describe.each(cases)("a %s", (_name, of) => {
  const { kind, idle, frozen, pods } = of;

  it("is adopted: the primary serves, and the target rests", async () => {
    const life = await adopted(lifeOf(of));
    await life.pass(10_000);
    expect(readyOf(life.server, "web-primary")).toBe(3);
    expect(versions(life, "web")).toEqual([]);
    expect(specOf(life, kind)).toMatchObject(idle);
    expect(specOf(life, kind, "web-primary")).not.toMatchObject(idle);
    expect(life.status().promoted?.images).toEqual(["example/web:1"]);
    expect(life.status().targets?.[0]).toMatchObject({ kind: kind.kind, result: "Succeeded" });
    expect(life.errors).toEqual([]);
  });

  it("is promoted, with pods for its share that stand still", async () => {
    const life = await underWay(lifeOf(of));
    expect(versions(life, "web")).toEqual(repeated("example/web:2", pods));
    expect(specOf(life, kind)).toMatchObject(frozen);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    await life.pass(10_000);
    expect(versions(life, "web-primary")).toEqual(repeated("example/web:2", 3));
    expect(versions(life, "web")).toEqual([]);
    expect(specOf(life, kind)).toMatchObject(idle);
    expect(specOf(life, kind)).not.toMatchObject(frozen);
    expect(outcomes(life)).toEqual(["example/web:2 Succeeded"]);
    expect(life.errors).toEqual([]);
    const before = life.traffic.requests;
    await life.pass(600_000);
    expect(life.traffic.requests).toBe(before);
  });

  it("is rolled back, and tries the next version", async () => {
    const life = await underWay({ ...lifeOf(of), ask: bad });
    await life.until("roll back", ({ phase }) => phase === "Failed");
    await life.pass(10_000);
    expect(versions(life, "web")).toEqual([]);
    expect(versions(life, "web-primary")).toEqual(repeated("example/web:1", 3));
    life.ask = good;
    await life.release("3");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:3 Succeeded", "example/web:2 Failed"]);
  });

  it("keeps a version that comes in the middle of a rollout from users, also while the controller is down", async () => {
    const life = await underWay(lifeOf(of), 50);
    await life.stopController();
    await life.release("3");
    await life.clock.advance(120_000);
    expect(new Set(versions(life, "web"))).toEqual(new Set(["example/web:2"]));
    expect(life.weights()["web-canary"]).toBe(50);
    await life.restart();
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:3 Succeeded", "example/web:2 Superseded"]);
  });

  it("makes way for a version whose pods get ready", async () => {
    const life = await adopted(lifeOf(of, { progressDeadlineSeconds: 60 }));
    await life.release("2", { CRASH: "true" });
    await life.until("the reason", ({ why }) => /pod web-\w+: container web CrashLoopBackOff/.test(why?.message ?? ""));
    await life.release("3");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(outcomes(life)).toEqual(["example/web:3 Succeeded"]);
  });

  it("is given up when its pods do not get ready, with their reason", async () => {
    const life = await adopted(lifeOf(of, { progressDeadlineSeconds: 30 }));
    await life.release("2", { IMAGE: "example/missing:2" });
    await life.until("roll back", ({ phase }) => phase === "Failed");
    await life.pass(10_000);
    expect(life.status().failed?.why.message).toMatch(
      /not ready within 30 s: pod web-\w+: container web ImagePullBackOff/,
    );
    expect(versions(life, "web")).toEqual([]);
  });

  it("is restarted with its primary, which is no release", async () => {
    const life = await adopted(lifeOf(of));
    const annotations = { "kubectl.kubernetes.io/restartedAt": "2026-02-01T00:00:00Z" };
    await life.kube.mergePatch(kind, web, { spec: { template: { metadata: { annotations } } } });
    await life.pass(60_000);
    expect(specOf(life, kind, "web-primary")?.template.metadata?.annotations).toMatchObject(annotations);
    expect(life.status().history).toBeUndefined();
    expect(readyOf(life.server, "web-primary")).toBe(3);
  });

  it.each([
    ["at rest", (options: LifeOptions) => adopted(options), "1"],
    ["in the middle of a rollout", (options: LifeOptions) => underWay(options, 50), "1"],
    ["while it is adopted", (options: LifeOptions) => untilRule(options, "switchApex"), "1"],
  ] as const)("is handed back when the Canary is deleted %s", async (_when, live, version) => {
    const life = await live(lifeOf(of));
    await life.kube.delete(kinds.canary, web);
    await life.until("the end", () => !life.exists(), 300_000);
    await life.pass(10_000);
    expect(find(life.server, kind, "web-primary")).toBeUndefined();
    expect(versions(life, "web")).toEqual(repeated(`example/web:${version}`, 3));
    expect(readyOf(life.server, "web")).toBe(3);
    const asWritten = (of.target as WorkloadObject).spec;
    expect(specOf(life, kind)).toMatchObject(asWritten);
    expect(specOf(life, kind)?.template.spec["nodeSelector"]).toEqual(asWritten.template.spec["nodeSelector"]);
    expect(specOf(life, kind)).not.toMatchObject(frozen);
    expect(life.errors).toEqual([]);
  });
});

async function untilRule(options: LifeOptions, rule: string): Promise<Life> {
  const life = await born(options);
  await life.until(rule, () => rulesOf(life).at(-1) === rule);
  return life;
}

interface Refused {
  readonly what: string;
  readonly kind: ResourceKind;
  readonly target: KubeObject;
  readonly reason: "TargetUnsafe" | "TargetUnsupported";
  readonly sentence: RegExp;
  /** What mends it; with TargetUnsafe, `allowUnsafe` when left out. */
  readonly mend?: object;
  readonly services?: readonly KubeObject[];
}

function withPod(of: DaemonSet, pod: object): DaemonSet {
  const { template } = of.spec;
  const spec = { ...template.spec, ...pod };
  return { ...of, spec: { ...of.spec, template: { ...template, spec } } };
}

function withContainer(of: DaemonSet, more: object): object {
  const [container] = of.spec.template.spec.containers;
  return { containers: [{ ...container, ...more }] };
}

const plain = aDaemonSet();
const claim = { metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"] } };
const headless = manifest("v1", "Service", "peers", { spec: { clusterIP: "None", selector: { app: "web" } } });
const shared = {
  containers: [{ ...plain.spec.template.spec.containers[0], volumeMounts: [{ name: "logs", mountPath: "/logs" }] }],
};

const refused: readonly Refused[] = [
  {
    what: "a host port",
    kind: kinds.daemonSet,
    target: withPod(plain, withContainer(plain, { ports: [{ name: "http", containerPort: 8080, hostPort: 80 }] })),
    reason: "TargetUnsafe",
    sentence:
      /DaemonSet web .*the host's port 80, and a node has room for one of the two copies only.*through a Service/,
  },
  {
    what: "the host's network",
    kind: kinds.daemonSet,
    target: withPod(plain, { hostNetwork: true }),
    reason: "TargetUnsafe",
    sentence: /uses the host's network, and a node has room/,
  },
  {
    what: "a folder of the node that it writes to",
    kind: kinds.daemonSet,
    target: withPod(plain, { ...shared, volumes: [{ name: "logs", hostPath: { path: "/var/log/web" } }] }),
    reason: "TargetUnsafe",
    sentence: /volume logs writes to the node's \/var\/log\/web, which both copies on a node would.*mount it readOnly/,
  },
  {
    what: "OnDelete",
    kind: kinds.daemonSet,
    target: aDaemonSet({ updateStrategy: { type: "OnDelete" } }),
    reason: "TargetUnsupported",
    sentence: /its updateStrategy is OnDelete.*set spec.updateStrategy.type to RollingUpdate/,
    mend: { updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } },
  },
  {
    what: "volume claims of its own",
    kind: kinds.statefulSet,
    target: aStatefulSet(3, { volumeClaimTemplates: [claim] }),
    reason: "TargetUnsafe",
    sentence: /StatefulSet web .*volumeClaimTemplates data would be a new, empty one for every pod of the primary/,
  },
  {
    what: "names in DNS",
    kind: kinds.statefulSet,
    target: aStatefulSet(3, { serviceName: "peers" }),
    services: [headless],
    reason: "TargetUnsafe",
    sentence: /headless Service peers gives its pods names in DNS/,
  },
  {
    what: "claims that are deleted with its pods",
    kind: kinds.statefulSet,
    target: aStatefulSet(3, {
      volumeClaimTemplates: [claim],
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Delete" },
    }),
    reason: "TargetUnsupported",
    sentence: /its volume claims are deleted when it is scaled down.*whenScaled to Retain/,
  },
  {
    what: "a partition of its own",
    kind: kinds.statefulSet,
    target: aStatefulSet(3, { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } } }),
    reason: "TargetUnsupported",
    sentence: /holds pods back by partition 2/,
    mend: { updateStrategy: { rollingUpdate: { partition: 0 } } },
  },
];

describe("a target that cannot be rolled out safely", () => {
  it.each(refused)("is refused: $kind.kind with $what", async ({ kind, target, services = [], ...expected }) => {
    const options = lifeOf({ kind, target });
    const workload = async (kube: Kube): Promise<void> => {
      await options.workload?.(kube);
      for (const service of services) await kube.create(kinds.service, service);
    };
    const life = await born({ ...options, workload });
    await life.until("the sentence", () => conditionOf(life, "Stalled") !== undefined);
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: expected.reason });
    expect(conditionOf(life, "Stalled")?.message).toMatch(expected.sentence);
    expect(find(life.server, kind, "web-primary")).toBeUndefined();
    if (expected.mend !== undefined) await life.kube.mergePatch(kind, web, { spec: expected.mend });
    await life.patchCanary({ allowUnsafe: true });
    await life.pass(120_000);
    const taken = expected.reason === "TargetUnsafe" || expected.mend !== undefined;
    expect(life.status().phase).toBe(taken ? "Idle" : "Initializing");
  });
});
