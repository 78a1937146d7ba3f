import { expect, test } from "vitest";
import type { HorizontalPodAutoscaler } from "../../../src/kube/objects.ts";
import type { KubeObject } from "../harness/cluster.ts";
import { waitFor } from "../harness/polling.ts";
import type { Bench } from "../scenario.ts";
import { deleteCanary } from "./endings.ts";
import { adopted, expectUnharmed } from "./rollouts.ts";
import { stepsOf } from "./shop.ts";

const HPA = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler" };
const BUDGET = { apiVersion: "policy/v1", kind: "PodDisruptionBudget" };
const POLICY = { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" };

/** Nothing measures in this cluster, so the autoscaler only keeps its bounds. */
function autoscaler(namespace: string): KubeObject {
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
  const spec = { scaleTargetRef, minReplicas: 2, maxReplicas: 5 };
  return { ...HPA, metadata: { name: "web", namespace }, spec };
}

function guards(namespace: string): readonly KubeObject[] {
  const selector = { matchLabels: { app: "web" } };
  return [
    { ...BUDGET, metadata: { name: "web", namespace }, spec: { minAvailable: 1, selector } },
    { ...POLICY, metadata: { name: "allow", namespace }, spec: { podSelector: selector, ingress: [{}] } },
  ];
}

export function capacity(bench: () => Bench): void {
  test("a target with an autoscaler, a budget and a policy is rolled out and handed back", async () => {
    const beside = (namespace: string) => [autoscaler(namespace), ...guards(namespace)];
    const steps = stepsOf({ weight: 10, hold: "1s" }, { weight: 60, hold: "1s" });
    const shop = await adopted(bench(), { beside, spec: steps });
    const { namespace } = shop;
    const { cluster } = bench();
    const primarys = () =>
      cluster.get<HorizontalPodAutoscaler & KubeObject>({ ...HPA, namespace, name: "web-primary" });
    expect((await primarys())?.spec).toMatchObject({ minReplicas: 3, scaleTargetRef: { name: "web-primary" } });
    const budget = await cluster.get<KubeObject>({ ...BUDGET, namespace, name: "web-primary" });
    expect(budget?.["spec"]).toMatchObject({ selector: { matchLabels: { app: "web-primary" } } });
    const policy = await cluster.get<KubeObject>({ ...POLICY, namespace, name: "allow-web-primary" });
    expect(policy?.["spec"]).toMatchObject({ podSelector: { matchLabels: { app: "web-primary" } } });
    // Its own controller counts the primary's pods now.
    await waitFor("the copy to protect three pods", async () => {
      const found = await cluster.get<KubeObject>({ ...BUDGET, namespace, name: "web-primary" });
      return (found?.["status"] as { currentHealthy?: number } | undefined)?.currentHealthy === 3;
    });

    const patch = { spec: { maxReplicas: 7 } };
    await cluster.patch({ ...HPA, namespace, name: "web" }, patch);
    await waitFor("the copy to follow", async () => (await primarys())?.spec.maxReplicas === 7);

    await shop.release("2");
    await shop.outcome("Succeeded");
    expect(shop.deployment("web-primary")?.spec.replicas).toBe(3);
    expect(shop.deployment("web")?.spec.replicas).toBe(0);
    const sizes = bench()
      .journal.of(namespace)
      .flatMap(({ object }) => (object.kind === "Deployment" && object.metadata.name === "web-primary" ? [object] : []))
      .map((object) => (object["spec"] as { replicas?: number }).replicas);
    expect([...new Set(sizes)]).toEqual([3]);

    await deleteCanary(bench(), shop);
    await shop.gone();
    expect(shop.deployment("web")?.spec.replicas).toBe(3);
    for (const [kind, name] of [
      [HPA, "web-primary"],
      [BUDGET, "web-primary"],
      [POLICY, "allow-web-primary"],
    ] as const) {
      await waitFor(`${name} to be gone`, async () => (await cluster.get({ ...kind, namespace, name })) === undefined);
    }
    expectUnharmed(bench(), shop);
  });
}
