import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { KubeObject, ResourceKind } from "../../src/kube/port.ts";
import { workloadWith } from "./autoscalers.ts";
import { NAMESPACE } from "./life.ts";
import type { Life } from "./life.ts";
import { adopted, born, rulesOf, watchLives } from "./lives.ts";
import { manifest } from "./manifests.ts";
import { all, find } from "./watchman.ts";

watchLives();

const budget = (selector: object, name = "web"): KubeObject =>
  manifest("policy/v1", "PodDisruptionBudget", name, { spec: { minAvailable: 2, selector } });
const policy = (name: string, spec: object): KubeObject =>
  manifest("networking.k8s.io/v1", "NetworkPolicy", name, { spec });
const pods = (app: string) => ({ podSelector: { matchLabels: { app } } });

function specOf(life: Life, kind: ResourceKind, name: string): unknown {
  return (find(life.server, kind, name) as { spec?: unknown } | undefined)?.spec;
}

function namesOf(life: Life, kind: ResourceKind): string[] {
  return all<KubeObject>(life.server, kind).map(({ metadata }) => metadata.name);
}

const { podDisruptionBudget, networkPolicy } = kinds;

describe("what guards the target's pods", () => {
  it("holds for the primary before it has pods", async () => {
    const life = await born({
      workload: workloadWith(
        3,
        budget({ matchLabels: { app: "web" } }),
        policy("allow", { ...pods("web"), ingress: [{ from: [pods("gateway")] }] }),
      ),
    });
    await life.until("adoption", ({ phase }) => phase === "Idle");
    const rules = rulesOf(life);
    expect(rules.indexOf("copyGuards")).toBeGreaterThan(-1);
    expect(rules.indexOf("copyGuards")).toBeLessThan(rules.indexOf("createPrimary"));
    expect(specOf(life, podDisruptionBudget, "web-primary")).toEqual({
      minAvailable: 2,
      selector: { matchLabels: { app: "web-primary" } },
    });
    expect(specOf(life, networkPolicy, "allow-web-primary")).toMatchObject({
      ...pods("web-primary"),
      ingress: [{ from: [pods("gateway")] }],
    });
    expect(life.errors).toEqual([]);
  });

  it("is copied only where it does not hold for the primary anyway", async () => {
    const life = await adopted({
      workload: workloadWith(
        3,
        budget({}, "everybody"),
        budget({ matchLabels: { app: "api" } }, "others"),
        budget({ matchExpressions: [{ key: "app", operator: "Exists" }] }, "any"),
        budget({ matchExpressions: [{ key: "app", operator: "In", values: ["web", "api"] }] }, "both"),
        policy("deny", { podSelector: {}, policyTypes: ["Ingress"] }),
      ),
    });
    expect(namesOf(life, podDisruptionBudget)).toEqual(["any", "both", "both-web-primary", "everybody", "others"]);
    expect(specOf(life, podDisruptionBudget, "both-web-primary")).toMatchObject({
      selector: { matchExpressions: [{ key: "app", operator: "In", values: ["web-primary", "api"] }] },
    });
    expect(namesOf(life, networkPolicy)).toEqual(["deny"]);
  });

  it("lets the primary in where others let the target in", async () => {
    const life = await adopted({
      workload: workloadWith(
        3,
        policy("database", { ...pods("db"), ingress: [{ from: [pods("web"), pods("api")], ports: [{ port: 5432 }] }] }),
        policy("peers", { ...pods("web"), ingress: [{ from: [pods("web")] }], egress: [{ to: [pods("web")] }] }),
      ),
    });
    expect(specOf(life, networkPolicy, "database-web-primary")).toMatchObject({
      ...pods("db"),
      ingress: [{ from: [pods("web"), pods("web-primary"), pods("api")], ports: [{ port: 5432 }] }],
    });
    expect(specOf(life, networkPolicy, "peers-web-primary")).toMatchObject({
      ...pods("web-primary"),
      ingress: [{ from: [pods("web"), pods("web-primary")] }],
      egress: [{ to: [pods("web"), pods("web-primary")] }],
    });
  });

  it("lets the primary in where another canary's primary is guarded, and comes to an end", async () => {
    const life = await adopted({
      workload: workloadWith(3, policy("api", { ...pods("api"), ingress: [{ from: [pods("web")] }] })),
    });
    // What the canary of `api` makes.
    const made = policy("api-primary", { ...pods("api-primary"), ingress: [{ from: [pods("web")] }] });
    const labels = { "app.kubernetes.io/managed-by": "aviary", "aviary.dev/copy-for": "api" };
    const metadata = { ...made.metadata, labels, annotations: { "aviary.dev/copy-of": "api" } };
    await life.kube.create(networkPolicy, { ...made, metadata });
    await life.pass(5_000);
    expect(specOf(life, networkPolicy, "api-primary-web-primary")).toMatchObject({
      ...pods("api-primary"),
      ingress: [{ from: [pods("web"), pods("web-primary")] }],
    });
    expect(namesOf(life, networkPolicy)).toEqual(["api", "api-primary", "api-primary-web-primary", "api-web-primary"]);
  });

  it("is followed when it changes, comes or goes", async () => {
    const life = await adopted({ workload: workloadWith(3, budget({ matchLabels: { app: "web" } })) });
    const ref = { namespace: NAMESPACE, name: "web" };
    await life.kube.mergePatch(podDisruptionBudget, ref, { spec: { minAvailable: null, maxUnavailable: 1 } });
    await life.kube.create(networkPolicy, policy("late", { ...pods("web"), egress: [{}] }));
    await life.pass(1_000);
    expect(specOf(life, podDisruptionBudget, "web-primary")).toEqual({
      maxUnavailable: 1,
      selector: { matchLabels: { app: "web-primary" } },
    });
    expect(specOf(life, networkPolicy, "late-web-primary")).toMatchObject(pods("web-primary"));
    await life.kube.delete(podDisruptionBudget, ref);
    await life.pass(1_000);
    expect(namesOf(life, podDisruptionBudget)).toEqual([]);
    expect(life.errors).toEqual([]);
  });

  it("is the user's alone when the target is handed back", async () => {
    const life = await adopted({
      workload: workloadWith(3, budget({ matchLabels: { app: "web" } }), policy("allow", { ...pods("web") })),
    });
    await life.kube.delete(kinds.canary, { namespace: NAMESPACE, name: "web" });
    await life.until("the end", () => !life.exists(), 300_000);
    expect(namesOf(life, podDisruptionBudget)).toEqual(["web"]);
    expect(namesOf(life, networkPolicy)).toEqual(["allow"]);
  });
});
