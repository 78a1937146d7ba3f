import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { kinds } from "../src/kube/kinds.ts";
import type { Kube, KubeObject } from "../src/kube/port.ts";
import { NAMESPACE, startLife } from "./lives/life.ts";
import type { Life } from "./lives/life.ts";
import { aDeployment, anIngress, apexService, aRoute } from "./lives/manifests.ts";
import { watchLives } from "./lives/lives.ts";

/*
 * Every Canary of examples/ is applied as it stands, beside a workload that fits it, and lives through a good release
 * and a bad one. Only the name of the target becomes that of the workload at hand. `npm run demo` runs podinfo on real
 * HTTP as well.
 */

watchLives();

interface ExampleCanary extends KubeObject {
  readonly spec: {
    readonly targetRef: { readonly kind: string; readonly name: string };
    readonly traffic?: {
      readonly gatewayAPI?: { readonly route?: object };
      readonly evidence?: { readonly share?: { readonly query: string } };
    };
    readonly analysis?: {
      readonly templates?: readonly object[];
      readonly checks?: readonly { readonly threshold?: { readonly min?: number; readonly max?: number } }[];
    };
  };
}

/** The documents of a file, with `name` as the name of the target, of its route and of the Canary. */
function documents(file: string, name?: string): readonly KubeObject[] {
  const text = readFileSync(`examples/${file}`, "utf8");
  const renamed = name === undefined ? text : text.replaceAll(new RegExp(`\\b${name}\\b`, "g"), "web");
  return parseAllDocuments(renamed).map((document) => document.toJS() as KubeObject);
}

const files = readdirSync("examples", { recursive: true, encoding: "utf8" }).filter(
  // Pipelines are run by test/cli/ci.test.ts; what GitOps tools leave alone is held to the closed list in test/act.
  (name) => name.endsWith(".yaml") && !name.startsWith("ci/") && !name.startsWith("gitops/"),
);
const canaries = files.flatMap((file) =>
  documents(file)
    .filter(({ kind }) => kind === "Canary")
    .map((canary) => ({ file, name: (canary as ExampleCanary).spec.targetRef.name })),
);

/** A reading that every check takes for good, or for bad. */
function readingFor({ spec }: ExampleCanary, good: boolean): number {
  if (spec.analysis?.templates !== undefined) return good ? 100 : 0;
  const { min, max } = spec.analysis?.checks?.find(({ threshold }) => threshold !== undefined)?.threshold ?? {};
  return max === undefined ? (good ? (min ?? 0) : (min ?? 0) - 1) : good ? max : max + 1;
}

const targetKinds = [kinds.deployment, kinds.daemonSet, kinds.statefulSet];

/** The kind of the target, and the target as its example has it, if it has one of its own. */
function targetOf(file: string, { spec }: ExampleCanary, name: string) {
  const kind = targetKinds.find((known) => known.kind === spec.targetRef.kind) ?? kinds.deployment;
  const folder = file.split("/").slice(0, -1).join("/");
  const beside = kind === kinds.deployment ? [] : documents(`${folder}/workload.yaml`, name);
  const found = beside.find((object) => object.kind === kind.kind);
  return { kind, target: found ?? aDeployment(3) };
}

async function workload(kube: Kube): Promise<void> {
  await kube.create(kinds.service, apexService);
  await kube.create(kinds.ingress, anIngress);
  await providers(kube);
}

async function providers(kube: Kube): Promise<void> {
  for (const provider of documents("prometheus.yaml")) {
    const kind = provider.kind === "MetricProvider" ? kinds.metricProvider : kinds.clusterMetricProvider;
    await kube.create(kind, provider);
  }
}

/** What an example brings along for its workload. */
const companions = [kinds.clusterAnalysisTemplate, kinds.horizontalPodAutoscaler, kinds.podDisruptionBudget];

/** Somebody approves whenever the rollout waits for it, with the manifest of the example. */
async function untilDone(life: Life, phase: string): Promise<void> {
  for (;;) {
    await life.until(`${phase} or a pause`, (status) => status.phase === phase || status.phase === "Paused", 7_200_000);
    if (life.status().phase === phase) return;
    const [approve] = documents("actions.yaml", "storefront");
    if (approve === undefined) throw new Error("examples/actions.yaml has no action");
    const { generateName, ...metadata } = approve.metadata;
    const name = `${generateName ?? ""}${life.clock.now()}`;
    await life.kube.create(kinds.canaryAction, { ...approve, metadata: { ...metadata, name } });
    await life.pass(1_000);
  }
}

describe("the examples", () => {
  it("are not forgotten: every file has something that a test applies", () => {
    expect(canaries.map(({ file }) => file).sort()).toEqual([
      "abTest.yaml",
      "analysisTemplate.yaml",
      "autoscaled.yaml",
      "blueGreen.yaml",
      "comparison.yaml",
      "configuration.yaml",
      "daemonset/canary.yaml",
      "evidence.yaml",
      "gatewayAPI.yaml",
      "job.yaml",
      "mirror.yaml",
      "nginx.yaml",
      "podinfo/canary.yaml",
      "saturation.yaml",
      "sessionAffinity.yaml",
      "slo.yaml",
      "statefulset/canary.yaml",
      "withoutRouter.yaml",
      "zeroConfiguration.yaml",
    ]);
    // Those of providers/ are looked at in test/metrics/examples.test.ts.
    expect(files.filter((file) => !file.startsWith("providers/"))).toHaveLength(26);
  });

  it.each(canaries)(
    "$file promotes a good release and takes a bad one back",
    { timeout: 60_000 },
    async ({ file, name }) => {
      const canary = documents(file, name).find(({ kind }) => kind === "Canary") as ExampleCanary;
      const share = canary.spec.traffic?.evidence?.share?.query.split("{{")[0];
      const answer = (good: boolean) => (query: string) => {
        const isShare = share !== undefined && query.startsWith(share);
        const value = isShare ? (life.weights()["web-canary"] ?? 0) : readingFor(canary, good);
        return { kind: "value", value } as const;
      };
      const withoutRoute =
        canary.spec.traffic?.gatewayAPI?.route !== undefined || ["blueGreen.yaml", "withoutRouter.yaml"].includes(file);
      const { kind, target } = targetOf(file, canary, name);
      const life: Life = await startLife({
        kind,
        // As it stands, without the defaults of other lives.
        spec: { traffic: undefined, strategy: undefined, analysis: undefined, ...canary.spec },
        workload: async (kube) => {
          await kube.create(kind, target);
          await workload(kube);
          if (!withoutRoute) await kube.create(kinds.httpRoute, aRoute());
          for (const object of documents(file, name)) {
            const kind = companions.find((candidate) => candidate.kind === object.kind);
            if (kind !== undefined) await kube.create(kind, object);
          }
        },
        ask: answer(true),
        // For checks that compare, or hold to an objective.
        gatewayController: "projectcontour.io/gateway-controller",
        metrics: { rps: 50, primary: { errors: 0.0005 }, canary: { errors: 0.0005 } },
      });
      await untilDone(life, "Idle");
      await life.release("2");
      await untilDone(life, "Succeeded");
      life.ask = answer(false);
      life.metrics.now = { ...life.metrics.now, canary: { errors: 0.3 } };
      await life.release("3");
      await untilDone(life, "Failed");
      expect(life.status().promoted?.images).toEqual(["example/web:2"]);
      expect(life.events()).not.toContain("Warning EvidenceMissing");
    },
  );

  it("configuration.yaml releases a change of its ConfigMap, and follows its Secret live", async () => {
    const objects = documents("configuration.yaml", "bookshop");
    const canary = objects.find(({ kind }) => kind === "Canary") as ExampleCanary;
    const life = await startLife({
      spec: canary.spec,
      workload: async (kube) => {
        await kube.create(kinds.service, apexService);
        await kube.create(kinds.httpRoute, aRoute());
        await providers(kube);
        for (const object of objects) {
          const kind = [kinds.configMap, kinds.secret, kinds.deployment].find((known) => known.kind === object.kind);
          if (kind !== undefined) await kube.create(kind, object);
        }
      },
      ask: () => ({ kind: "value", value: readingFor(canary, true) }),
    });
    await untilDone(life, "Idle");
    const ref = (name: string) => ({ namespace: NAMESPACE, name });
    await life.kube.mergePatch(kinds.secret, ref("web-token"), { data: { token: "bmV3" } });
    await life.pass(60_000);
    expect(life.status().phase).toBe("Idle");
    await life.kube.mergePatch(kinds.configMap, ref("web-config"), { data: { GREETING: "goodbye" } });
    await untilDone(life, "Succeeded");
    const primary = JSON.stringify(life.deployment("web-primary")?.spec.template);
    expect(primary).toContain('"secretName":"web-token"');
    expect(primary).toMatch(/"configMapRef":\{"name":"web-config-primary-[0-9a-f]{10}"\}/);
  });
});
