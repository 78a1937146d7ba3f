import { describe, expect, it } from "vitest";
import { KubeError } from "../../src/kube/errors.ts";
import type { KubeErrorReason } from "../../src/kube/errors.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { Kube } from "../../src/kube/port.ts";
import type { KubeCall } from "../../src/sandbox/memoryKube.ts";
import { NAMESPACE } from "./life.ts";
import { adopted, born, conditionOf, underWay, watchLives } from "./lives.ts";
import { aCanary, aDeployment, apexService, applyWorkload, aRoute, backend, manifest } from "./manifests.ts";
import { install } from "./cluster.ts";

watchLives();

const web = { namespace: NAMESPACE, name: "web" };

async function stalled(options: Parameters<typeof born>[0]) {
  const life = await born(options);
  await life.until("the sentence", () => conditionOf(life, "Stalled") !== undefined);
  expect(life.status().phase).toBe("Initializing");
  return { life, reason: conditionOf(life, "Stalled")?.reason, message: conditionOf(life, "Stalled")?.message ?? "" };
}

describe("a mistake that only the cluster can tell", () => {
  it("is a target that is not there; it is adopted when it comes", async () => {
    const { life, reason, message } = await stalled({
      workload: async (kube) => {
        await kube.create(kinds.service, apexService);
        await kube.create(kinds.httpRoute, aRoute());
      },
    });
    expect(reason).toBe("TargetNotFound");
    expect(message).toContain("Deployment shop/web does not exist");
    await life.kube.create(kinds.deployment, aDeployment(3));
    await life.until("adoption", ({ phase }) => phase === "Idle");
  });

  it("is a second Canary on the target; it takes over when the first is gone", async () => {
    const life = await adopted();
    await life.kube.create(kinds.canary, aCanary({}, "again"));
    await life.pass(2_000);
    const condition = life.status("again").conditions?.find(({ type }) => type === "Stalled");
    expect(condition).toMatchObject({ reason: "TargetShared" });
    expect(condition?.message).toContain("belongs to Canary web already");
    expect(life.status().phase).toBe("Idle");
    await life.kube.delete(kinds.canary, web);
    await life.pass(120_000);
    expect(life.status("again").phase).toBe("Idle");
  });

  it("is a Service that selects the target's pods", async () => {
    const other = manifest("v1", "Service", "metrics", { spec: { selector: { app: "web" }, ports: [{ port: 9090 }] } });
    const { life, reason, message } = await stalled({
      workload: async (kube) => {
        await applyWorkload(kube, 3);
        await kube.create(kinds.service, other);
      },
    });
    expect(reason).toBe("ServiceSelectsTarget");
    expect(message).toContain("Service metrics");
    await life.kube.delete(kinds.service, { namespace: NAMESPACE, name: "metrics" });
    await life.until("adoption", ({ phase }) => phase === "Idle", 60_000);
  });

  it.each(["web-primary", "web-canary"])("is a Service %s of somebody else's", async (name) => {
    const { life, reason, message } = await stalled({
      workload: async (kube) => {
        await applyWorkload(kube, 3);
        await kube.create(
          kinds.service,
          manifest("v1", "Service", name, { spec: { selector: { app: "x" }, ports: [{ port: 80 }] } }),
        );
      },
    });
    expect(reason).toBe("NameTaken");
    expect(message).toContain(`Service ${name}`);
    expect(life.errors).toEqual([]);
    life.outages.length = 0;
  });

  it.each([
    { what: "Recreate", spec: { strategy: { type: "Recreate" } }, sentence: /its strategy is Recreate/ },
    { what: "a host port", pod: { hostPort: 8080 }, sentence: /it uses the host's port 8080/ },
  ])("is a target with $what, unless allowUnsafe", async ({ spec, pod, sentence }) => {
    const workload = async (kube: Kube): Promise<void> => {
      await kube.create(kinds.deployment, unsafeDeployment(spec, pod));
      await kube.create(kinds.service, apexService);
      await kube.create(kinds.httpRoute, aRoute());
    };
    const { life, reason, message } = await stalled({ workload });
    expect(reason).toBe("TargetUnsafe");
    expect(message).toMatch(sentence);
    await life.patchCanary({ allowUnsafe: true });
    await life.until("adoption", ({ phase }) => phase === "Idle");
  });

  it("is a route that is not there, or has not the pair", async () => {
    const { life, reason } = await stalled({
      workload: async (kube) => {
        await kube.create(kinds.deployment, aDeployment(3));
        await kube.create(kinds.service, apexService);
      },
    });
    expect(reason).toBe("RouteNotFound");
    await life.kube.create(kinds.httpRoute, aRoute([backend("web", 1)]));
    await life.pass(1_000);
    expect(conditionOf(life, "Stalled")).toMatchObject({ reason: "BackendsMissing" });
    expect(conditionOf(life, "Stalled")?.message).toContain("name: web-canary, port: 80, weight: 0");
    await life.kube.mergePatch(kinds.httpRoute, web, { spec: aRoute()["spec" as never] });
    await life.until("adoption", ({ phase }) => phase === "Idle");
  });

  it("is a kind of route that the cluster does not know, until it is installed", async () => {
    const { life, reason, message } = await stalled({
      without: "httproutes",
      workload: async (kube) => {
        await kube.create(kinds.deployment, aDeployment(3));
        await kube.create(kinds.service, apexService);
      },
    });
    expect(reason).toBe("RouteKindMissing");
    expect(message).toContain("HTTPRoute");
    install(life.server, (name) => name.startsWith("httproutes"));
    await life.pass(60_000);
    expect(conditionOf(life, "Stalled")?.reason).toBe("RouteNotFound");
    await life.kube.create(kinds.httpRoute, aRoute());
    await life.until("adoption", ({ phase }) => phase === "Idle");
  });
});

describe("a kind of route that exists and cannot be listed", () => {
  const refuse = (reason: KubeErrorReason, status: number) => (call: KubeCall) => {
    if (call.kind.kind !== "HTTPRoute" || call.verb !== "list") return;
    throw new KubeError({ reason, status, message: `httproutes answer ${status}` });
  };

  it.each([
    {
      what: "for want of a permission",
      fault: refuse("Forbidden", 403),
      hint: "httproutes.gateway.networking.k8s.io cannot be listed: httproutes answer 403. Until then nothing is done; allow the controller's ServiceAccount to list and watch httproutes.gateway.networking.k8s.io",
    },
    {
      what: "since its conversion webhook is broken",
      fault: refuse("Unavailable", 500),
      hint: "httproutes.gateway.networking.k8s.io cannot be listed: httproutes answer 500. Until then nothing is done; look at the API server and at CustomResourceDefinition httproutes.gateway.networking.k8s.io, such as its conversion webhook",
    },
  ])("is told, $what, and costs little until it can", async ({ fault, hint }) => {
    const { life, reason, message } = await stalled({ fault });
    expect({ reason, message }).toEqual({ reason: "KindUnreadable", message: hint });
    const before = life.traffic.requests;
    await life.pass(600_000);
    expect(life.traffic.requests - before).toBeLessThan(40);
    life.fault = undefined;
    await life.until("adoption", ({ phase }) => phase === "Idle");
    life.errors.length = 0;
  });
});

describe("a mistake in the middle of a rollout", () => {
  it("holds it: the route is deleted, and comes back", async () => {
    const life = await underWay();
    const known = life.outages.length;
    await life.kube.delete(kinds.httpRoute, web);
    await life.pass(60_000);
    expect(conditionOf(life, "Stalled")?.reason).toBe("RouteNotFound");
    expect(await life.act("Abort")).toMatch(/^Applied/);
    await life.pass(60_000);
    expect(conditionOf(life, "Stalled")?.reason).toBe("RouteNotFound");
    expect(life.deployment("web")?.spec.replicas).toBe(1);
    await life.kube.create(kinds.httpRoute, aRoute([backend("web-primary", 90), backend("web-canary", 10)]));
    await life.until("roll back", ({ phase }) => phase === "Failed");
    life.outages.length = known;
  });

  it("takes users off a target that is deleted, and goes on when it is back", async () => {
    const life = await underWay();
    const known = life.outages.length;
    await life.kube.delete(kinds.deployment, web, { propagation: "Background" });
    await life.pass(5_000);
    expect(life.weights()["web-canary"]).toBe(0);
    expect(conditionOf(life, "Stalled")?.reason).toBe("TargetNotFound");
    life.outages.length = known;
    await life.kube.create(kinds.deployment, aDeployment(3));
    await life.until("rest", ({ phase }) => phase === "Idle");
    expect(life.deployment("web")?.spec.replicas).toBe(0);
  });
});

function unsafeDeployment(spec: object = {}, port: object = {}) {
  const deployment = aDeployment(3, spec);
  const [container] = deployment.spec.template.spec.containers;
  const ports = [{ name: "http", containerPort: 8080, ...port }];
  const containers = [{ ...container, name: "web", ports }];
  const template = { ...deployment.spec.template, spec: { ...deployment.spec.template.spec, containers } };
  return { ...deployment, spec: { ...deployment.spec, template } };
}
