import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { Deployment, EndpointSlice, HTTPRoute } from "../../src/kube/objects.ts";
import type { KubeObject, ResourceKind } from "../../src/kube/port.ts";
import { FINALIZER } from "../../src/lib/names.ts";
import { aScaledObject, workloadWith } from "./autoscalers.ts";
import { NAMESPACE } from "./life.ts";
import type { Life } from "./life.ts";
import { adopted, born, conditionOf, rulesOf, underWay, watchLives } from "./lives.ts";
import { aCanary, aDeployment, apexService, applyWorkload, aRoute, backend, manifest } from "./manifests.ts";
import { all } from "./watchman.ts";

watchLives();

const web = { namespace: NAMESPACE, name: "web" };
const ARGO = "argocd-controller";

/** Server-side apply by force, as GitOps tools do it. */
function applyAs(life: Life, manager: string, kind: ResourceKind, object: KubeObject): void {
  const resource = life.server.resource(kind.group, kind.version, kind.plural);
  const body = JSON.parse(JSON.stringify(object)) as never;
  life.server.patch(resource, object.metadata, { type: "apply", body, force: true }, { fieldManager: manager });
}

/** A tool that applies something every so many seconds, for so long; `each` looks just before it does so again. */
async function applyInALoop(
  life: Life,
  apply: () => void,
  { every = 3_000, times, each }: { every?: number; times: number; each?: () => void },
): Promise<void> {
  for (let count = 0; count < times; count++) {
    apply();
    await life.pass(every);
    each?.();
  }
}

const contentionOf = (life: Life, field: string) => life.status().contention?.find((entry) => entry.field === field);
const weightOf = (life: Life) => life.weights()["web-canary"];

describe("a route in Git that is applied again and again in a rollout", () => {
  it("is put back within a second while that is seldom, and the rollout goes on", async () => {
    const life = await underWay();
    applyAs(life, ARGO, kinds.httpRoute, aRoute());
    expect(weightOf(life)).toBe(0);
    await life.pass(1_000);
    expect(weightOf(life)).toBe(10);
    expect(contentionOf(life, "Weight")).toMatchObject({ manager: ARGO, count: 1 });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });

  it("pauses it, names the manager and is not fought; it goes on by itself when that stops", async () => {
    const life = await underWay();
    const applyRoute = (): void => applyAs(life, ARGO, kinds.httpRoute, aRoute());
    await applyInALoop(life, applyRoute, { times: 5 });
    expect(life.status()).toMatchObject({ phase: "Paused", weight: 10 });
    expect(conditionOf(life, "Reconciling")).toMatchObject({ reason: "Contended" });
    expect(conditionOf(life, "Reconciling")?.message).toContain(
      `${ARGO} keeps changing the weights of HTTPRoute web (put back 3 times`,
    );
    expect(life.events()).toContain("Warning Contended");
    const generation = (await life.kube.get<HTTPRoute>(kinds.httpRoute, web))?.metadata.generation ?? 0;
    await applyInALoop(life, applyRoute, { times: 100 });
    const later = (await life.kube.get<HTTPRoute>(kinds.httpRoute, web))?.metadata.generation ?? 0;
    // 300 s: tried again after one minute and two more, each time put back by the other.
    expect(later - generation).toBeLessThanOrEqual(6);
    expect(life.status()).toMatchObject({ phase: "Paused", rollout: { step: 0 } });
    await life.until("promotion", ({ phase }) => phase === "Succeeded", 1_800_000);
    expect(life.status().history?.[0]).toMatchObject({ outcome: "Succeeded" });
    await life.pass(600_000);
    expect(life.status().contention).toBeUndefined();
  });

  it("goes on at once when somebody resumes it", async () => {
    const life = await underWay();
    await applyInALoop(life, () => applyAs(life, ARGO, kinds.httpRoute, aRoute()), { times: 5 });
    expect(life.status().phase).toBe("Paused");
    expect(await life.act("Resume")).toMatch(/^Applied/);
    await life.pass(3_000);
    expect(life.status()).toMatchObject({ phase: "Progressing" });
    expect(weightOf(life)).toBe(10);
    await life.until("promotion", ({ phase }) => phase === "Succeeded", 120_000);
  });

  it("is judged anew when it goes on: time without weight does not count", async () => {
    const life = await underWay();
    await applyInALoop(life, () => applyAs(life, ARGO, kinds.httpRoute, aRoute()), { times: 5 });
    expect(life.status().rollout?.effectiveSince).toBeUndefined();
    const asked = life.status().checks?.[0]?.readings ?? 0;
    await life.act("Resume");
    await life.until("the second step", ({ rollout }) => rollout?.weight === 50);
    expect(life.status().checks?.[0]?.readings).toBeGreaterThan(asked);
  });

  it("never keeps more users on the canary than it should have, however often it says so", async () => {
    const life = await underWay();
    const half = aRoute([backend("web-primary", 1), backend("web-canary", 1)]);
    await applyInALoop(life, () => applyAs(life, ARGO, kinds.httpRoute, half), {
      times: 10,
      each: () => expect(weightOf(life)).toBe(10),
    });
    expect(conditionOf(life, "Reconciling")).toMatchObject({ reason: "Contended" });
  });

  it("does not keep a bad canary: an abort takes it back whatever the other says", async () => {
    const life = await underWay();
    const half = aRoute([backend("web-primary", 1), backend("web-canary", 1)]);
    await applyInALoop(life, () => applyAs(life, ARGO, kinds.httpRoute, half), { times: 5 });
    expect(await life.act("Abort")).toMatch(/^Applied/);
    await applyInALoop(life, () => applyAs(life, ARGO, kinds.httpRoute, half), {
      times: 5,
      each: () => expect(weightOf(life)).toBe(0),
    });
    await life.until("roll back", ({ phase }) => phase === "Failed");
    // Whoever gives weight to a canary that has no pods left loses requests until Aviary has put it back.
    life.outages.length = 0;
  });

  it("gets its annotation back when somebody replaces the whole object", async () => {
    const life = await underWay();
    const route = await life.kube.get<HTTPRoute>(kinds.httpRoute, web);
    expect(route?.metadata.annotations?.["aviary.dev/weights"]).toBe("web-primary=90,web-canary=10");
    const annotations = { "aviary.dev/weights": null };
    await life.kube.mergePatch(kinds.httpRoute, web, { metadata: { annotations } });
    await life.pass(1_000);
    const after = await life.kube.get<HTTPRoute>(kinds.httpRoute, web);
    expect(after?.metadata.annotations?.["aviary.dev/weights"]).toBe("web-primary=90,web-canary=10");
  });
});

describe("a Deployment in Git with spec.replicas", () => {
  it("is no release at rest: put back once, then its idle pods are tolerated and the manager is named", async () => {
    const life = await adopted();
    const applyTarget = (): void => applyAs(life, ARGO, kinds.deployment, aDeployment(3));
    applyTarget();
    await life.pass(3_000);
    expect(life.deployment("web")?.spec.replicas).toBe(0);
    await applyInALoop(life, applyTarget, { times: 20 });
    expect(life.deployment("web")?.spec.replicas).toBe(3);
    expect(life.status()).toMatchObject({ phase: "Idle" });
    expect(life.status().history).toBeUndefined();
    expect(life.status().why?.message).toContain(`${ARGO} keeps changing spec.replicas of Deployment web`);
    expect(life.events()).toContain("Warning IdlePods");
    expect(conditionOf(life, "Ready")?.status).toBe("True");
    expect(weightOf(life)).toBe(0);
  });

  it("is released like any other, and its idle pods are left alone afterwards", async () => {
    const life = await adopted();
    await applyInALoop(life, () => applyAs(life, ARGO, kinds.deployment, aDeployment(3)), { times: 3 });
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    const git = aDeployment(3);
    const template = life.deployment("web")?.spec.template ?? git.spec.template;
    const applyTarget = (): void =>
      applyAs(life, ARGO, kinds.deployment, { ...git, spec: { ...git.spec, template } } as Deployment);
    await applyInALoop(life, applyTarget, { times: 10 });
    expect(life.status()).toMatchObject({ phase: "Succeeded" });
    expect(life.status().history).toHaveLength(1);
    expect(life.deployment("web")?.spec.replicas).toBe(3);
  });

  it("is given its pods again in a rollout, and pauses it when it takes them away each time", async () => {
    const life = await underWay({}, 50);
    const git = aDeployment(1);
    const template = life.deployment("web")?.spec.template ?? git.spec.template;
    const applyTarget = (): void =>
      applyAs(life, ARGO, kinds.deployment, { ...git, spec: { ...git.spec, template } } as Deployment);
    await applyInALoop(life, applyTarget, {
      times: 6,
      each: () => expect(life.deployment("web")?.spec.replicas).toBe(2),
    });
    expect(conditionOf(life, "Reconciling")).toMatchObject({ reason: "Contended" });
    expect(conditionOf(life, "Reconciling")?.message).toContain("spec.replicas of Deployment web");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });
});

describe("a freeze that somebody lifts again and again", () => {
  it("is put back each time, and pauses the rollout", async () => {
    const life = await underWay();
    const thaw = (): void => {
      const resource = life.server.resource("apps", "v1", "deployments");
      const body = { spec: { paused: false } };
      life.server.patch(resource, web, { type: "merge", body }, { fieldManager: "kubectl-edit" });
    };
    await applyInALoop(life, thaw, {
      times: 6,
      each: () => expect(life.deployment("web")?.spec.paused).toBe(true),
    });
    expect(conditionOf(life, "Reconciling")).toMatchObject({ reason: "Contended" });
    expect(conditionOf(life, "Reconciling")?.message).toContain("kubectl-edit keeps changing the freeze");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });
});

describe("the apex Service in Git", () => {
  const standby = (life: Life) =>
    all<EndpointSlice>(life.server, kinds.endpointSlice).find(({ metadata }) => metadata.name === "web-aviary");

  it("always has the primary's pods behind it, so that its own selector loses nobody", async () => {
    const life = await adopted();
    await life.pass(1_000);
    expect(standby(life)?.endpoints).toHaveLength(3);
    expect(standby(life)?.endpoints?.[0]?.conditions).toEqual({ ready: false, serving: true, terminating: true });
    // The watchman looks after every write whether anybody is behind the Service.
    await applyInALoop(life, () => applyAs(life, ARGO, kinds.service, apexService), {
      times: 10,
      each: () =>
        expect(
          (life.server.get(life.server.resource("", "v1", "services"), web) as { spec?: unknown }).spec,
        ).toMatchObject({ selector: { app: "web-primary" } }),
    });
    expect(life.outages).toEqual([]);
    expect(contentionOf(life, "ApexSelector")).toMatchObject({ manager: ARGO });
    expect(life.events()).toContain("Warning Contended");
    expect(life.status().phase).toBe("Idle");
  });

  it("has them there before the target's pods go", async () => {
    const life = await born();
    let applied = false;
    // Looks before each request of the controller's.
    life.fault = () => {
      if (applied || life.deployment("web")?.spec.replicas !== 0) return;
      applied = true;
      applyAs(life, ARGO, kinds.service, apexService);
    };
    await life.until("adoption", ({ phase }) => phase === "Idle");
    await life.pass(5_000);
    expect({ applied, outages: life.outages }).toEqual({ applied: true, outages: [] });
  });

  it("follows the primary's pods", async () => {
    const life = await adopted();
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    await life.pass(1_000);
    const pods = all<EndpointSlice>(life.server, kinds.endpointSlice)
      .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === "web-primary")
      .flatMap(({ endpoints }) => endpoints ?? [])
      .flatMap(({ addresses }) => addresses);
    expect(
      standby(life)
        ?.endpoints?.flatMap(({ addresses }) => addresses)
        .sort(),
    ).toEqual(pods.sort());
  });

  it("pauses a rollout when it is pointed at the canary again and again", async () => {
    const life = await underWay();
    await applyInALoop(life, () => applyAs(life, ARGO, kinds.service, apexService), { times: 5 });
    expect(conditionOf(life, "Reconciling")).toMatchObject({ reason: "Contended" });
    expect(conditionOf(life, "Reconciling")?.message).toContain("spec.selector of Service web");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
  });
});

describe("the primary in Git", () => {
  it("gets its images back, not in a fight of rolling updates, and the manager is named", async () => {
    const life = await adopted();
    const before = life.deployment("web-primary")?.metadata.generation ?? 0;
    const { selector, template } = life.deployment("web-primary")?.spec ?? aDeployment(3).spec;
    const containers = template.spec.containers.map(({ name }) => ({ name, image: "example/web:9" }));
    const spec = { selector, template: { metadata: template.metadata, spec: { containers } } };
    const object = manifest("apps/v1", "Deployment", "web-primary", { spec });
    const apply = (): void => applyAs(life, ARGO, kinds.deployment, object);
    await applyInALoop(life, apply, { times: 100 });
    expect((life.deployment("web-primary")?.metadata.generation ?? 0) - before).toBeLessThanOrEqual(12);
    expect(life.status().why?.message).toMatch(
      /^revision \w+ serves; nothing to roll out\. argocd-controller keeps changing the images of Deployment web-primary .* it serves example\/web:9, which nobody judged/,
    );
    expect(life.events()).toContain("Warning Contended");
    await life.pass(600_000);
    expect(life.deployment("web-primary")?.spec.template.spec.containers[0]?.image).toBe("example/web:1");
    expect(life.status().contention).toBeUndefined();
    expect(life.status().why?.message).toMatch(/nothing to roll out$/);
  });
});

describe("spec.traffic that is changed", () => {
  const secondRoute = manifest("gateway.networking.k8s.io/v1", "HTTPRoute", "other", {
    spec: (aRoute() as HTTPRoute).spec,
  });
  const other = { settle: "2s", drain: "5s", gatewayAPI: { routeRefs: [{ name: "other" }] } };
  const withTwo = async (kube: Life["kube"]): Promise<void> => {
    await applyWorkload(kube, 3);
    await kube.create(kinds.httpRoute, secondRoute);
  };
  const weightsIn = async (life: Life, name: string): Promise<number[]> => {
    const route = await life.kube.get<HTTPRoute>(kinds.httpRoute, { namespace: NAMESPACE, name });
    return (route?.spec.rules?.[0]?.backendRefs ?? []).map(({ weight }) => weight ?? 1);
  };
  const annotationOf = async (life: Life, name: string): Promise<string | undefined> => {
    const route = await life.kube.get<HTTPRoute>(kinds.httpRoute, { namespace: NAMESPACE, name });
    return route?.metadata.annotations?.["aviary.dev/weights"];
  };

  it("in a rollout waits for its end: the traffic stays on the route that it is on", async () => {
    const life = await underWay({ workload: withTwo });
    await life.patchCanary({ traffic: other });
    await life.pass(5_000);
    expect(await weightsIn(life, "web")).toEqual([90, 10]);
    expect(await weightsIn(life, "other")).toEqual([100, 0]);
    expect(life.events()).toContain("Warning TrafficChanged");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    await life.pass(1_000);
    expect(await weightsIn(life, "web")).toEqual([100, 0]);
    expect(await annotationOf(life, "web")).toBeUndefined();
    expect(rulesOf(life)).toContain("changeRoute");
    await life.release("3");
    await life.until("weight on the other", ({ rollout }) => rollout?.weight === 10);
    expect(await weightsIn(life, "other")).toEqual([90, 10]);
    expect(await weightsIn(life, "web")).toEqual([100, 0]);
  });

  it("in a rollout that is aborted leaves no weight behind", async () => {
    const life = await underWay({ workload: withTwo });
    await life.patchCanary({ traffic: other });
    await life.act("Abort");
    await life.until("roll back", ({ phase }) => phase === "Failed");
    await life.pass(1_000);
    expect(await weightsIn(life, "web")).toEqual([100, 0]);
    expect(await annotationOf(life, "web")).toBeUndefined();
  });

  it("in a rollout whose route is gone takes the rollout along", async () => {
    const life = await underWay({ workload: withTwo });
    await life.patchCanary({ traffic: other });
    const known = life.outages.length;
    await life.kube.delete(kinds.httpRoute, web);
    await life.pass(2_000);
    life.outages.length = known;
    expect(await weightsIn(life, "other")).toEqual([90, 10]);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    // The watchman looks at the first route alone, which is gone.
    life.breaches.length = 0;
  });

  it("at rest hands the old route back", async () => {
    const life = await adopted({ workload: withTwo });
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(await annotationOf(life, "web")).toBe("web-primary=100,web-canary=0");
    await life.patchCanary({ traffic: other });
    await life.pass(2_000);
    expect(await annotationOf(life, "web")).toBeUndefined();
    expect(life.status()).toMatchObject({ phase: "Succeeded", traffic: { router: "gatewayAPI" } });
  });

  it("before the adoption is done is simply followed", async () => {
    const life = await born({
      workload: async (kube) => {
        await kube.create(kinds.deployment, aDeployment(3));
        await kube.create(kinds.service, apexService);
        await kube.create(kinds.httpRoute, secondRoute);
      },
    });
    await life.pass(5_000);
    expect(conditionOf(life, "Stalled")?.reason).toBe("RouteNotFound");
    await life.patchCanary({ traffic: other });
    await life.until("adoption", ({ phase }) => phase === "Idle");
  });

  it("to the route of another Canary is refused, and the first is named", async () => {
    const life = await adopted();
    const shop = manifest("apps/v1", "Deployment", "shop", {
      spec: { ...aDeployment(1).spec, selector: { matchLabels: { app: "shop" } } },
    }) as Deployment;
    const template = { ...shop.spec.template, metadata: { labels: { app: "shop" } } };
    await life.kube.create(kinds.deployment, { ...shop, spec: { ...shop.spec, template } });
    const targetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "shop" };
    await life.kube.create(kinds.canary, aCanary({ targetRef }, "shop"));
    await life.pass(2_000);
    const condition = life.status("shop").conditions?.find(({ type }) => type === "Stalled");
    expect(condition).toMatchObject({ reason: "RouteShared" });
    expect(condition?.message).toContain("HTTPRoute web belongs to Canary web already");
    expect(life.status().phase).toBe("Idle");
  });
});

describe("what Aviary makes", () => {
  it("is left alone by GitOps tools, and carries none of their marks", async () => {
    const tracked = {
      "app.kubernetes.io/instance": "shop",
      "argocd.argoproj.io/instance": "shop",
      "kustomize.toolkit.fluxcd.io/name": "shop",
      "helm.sh/chart": "web-1",
    };
    const life = await adopted({
      workload: async (kube) => {
        const target = aDeployment(3);
        await kube.create(kinds.deployment, { ...target, metadata: { ...target.metadata, labels: tracked } });
        await kube.create(kinds.service, {
          ...apexService,
          metadata: { ...apexService.metadata, labels: tracked },
        });
        await kube.create(kinds.httpRoute, aRoute());
      },
    });
    await life.pass(1_000);
    // A Service's labels are copied to the slices that the cluster makes for it; those are the cluster's.
    const ours = [kinds.deployment, kinds.service, kinds.endpointSlice]
      .flatMap((kind) => all<KubeObject>(life.server, kind))
      .filter(({ metadata }) => metadata.labels?.["app.kubernetes.io/managed-by"] === "aviary")
      .filter(({ metadata }) => !/-controller/.test(metadata.labels?.["endpointslice.kubernetes.io/managed-by"] ?? ""));
    expect(ours.map(({ metadata }) => metadata.name).sort()).toEqual([
      "web-aviary",
      "web-canary",
      "web-primary",
      "web-primary",
    ]);
    for (const { metadata } of ours) {
      expect(metadata.annotations).toMatchObject({
        "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
        "argocd.argoproj.io/sync-options": "Prune=false",
        "kustomize.toolkit.fluxcd.io/reconcile": "disabled",
      });
      expect(Object.keys(metadata.labels ?? {}).filter((key) => key in tracked)).toEqual([]);
    }
  });
});

describe("what somebody writes in the very moment of Aviary's own write", () => {
  it.each([
    { kind: kinds.canary, metadata: { finalizers: ["example.com/theirs"] } },
    { kind: kinds.scaledObject, metadata: { annotations: { team: "shop" } } },
  ])("to a $kind.kind is not lost, though Aviary begins a list or a map there", async ({ kind, metadata }) => {
    let wrote = false;
    const life = await born({
      workload: workloadWith(3, aScaledObject({})),
      spec: { autoscalerRef: { kind: "ScaledObject", name: "web" } },
    });
    life.fault = (call) => {
      if (wrote || call.verb !== "jsonPatch" || call.kind !== kind || isStatus(call.body)) return;
      wrote = true;
      const resource = life.server.resource(kind.group, kind.version, kind.plural);
      life.server.patch(resource, web, { type: "merge", body: { metadata } });
    };
    await life.until("adoption", ({ phase }) => phase === "Idle");
    const found = await life.kube.get<KubeObject>(kind, web);
    expect(wrote).toBe(true);
    expect(found?.metadata).toMatchObject(
      kind === kinds.canary ? { finalizers: ["example.com/theirs", FINALIZER] } : metadata,
    );
  });
});

function isStatus(patch: unknown): boolean {
  return JSON.stringify(patch).includes('"/status"');
}
