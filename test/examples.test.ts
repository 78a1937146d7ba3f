import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { kinds } from "../src/kube/kinds.ts";
import type { Kube, KubeObject } from "../src/kube/port.ts";
import { parseWorld } from "../src/cli/world/world.ts";
import { refusalsOf } from "../src/sandbox/refusals.ts";
import { simulate } from "../src/sandbox/simulation/simulate.ts";
import { NAMESPACE, startLife } from "./lives/life.ts";
import type { Life } from "./lives/life.ts";
import { apexService, aRoute } from "./lives/manifests.ts";
import { watchLives } from "./lives/lives.ts";

/*
 * Every Canary of examples/ lives through a good release and a bad one as it stands, in the simulator: by the production
 * controller, with what lies beside it, and with the simplest objects for the rest. `npm run demo` runs podinfo on real
 * HTTP as well.
 */

watchLives();

interface Threshold {
  readonly name: string;
  readonly threshold?: { readonly min?: number; readonly max?: number };
}

interface ExampleCanary extends KubeObject {
  readonly spec: { readonly analysis?: { readonly checks?: readonly Threshold[] } };
}

/** The documents of a file, with `name` as the name of the target, of its route and of the Canary. */
function documents(file: string, name?: string): readonly KubeObject[] {
  const text = readFileSync(`examples/${file}`, "utf8");
  const renamed = name === undefined ? text : text.replaceAll(new RegExp(`\\b${name}\\b`, "g"), "web");
  return parseAllDocuments(renamed).map((document) => document.toJS() as KubeObject);
}

const files = readdirSync("examples", { recursive: true, encoding: "utf8" }).filter(
  // Pipelines are run by test/cli/ci.test.ts; what GitOps tools leave alone is held to the closed list in test/act.
  (name) => name.endsWith(".yaml") && !["ci/", "gitops/", "simulate/"].some((folder) => name.startsWith(folder)),
);
const canaries = files.filter((file) => documents(file).some(({ kind }) => kind === "Canary"));

/** What lies beside the Canary of a folder, and the providers that examples name. */
function around(file: string): readonly KubeObject[] {
  const folder = file.split("/").slice(0, -1).join("/");
  const beside = folder === "" ? [file] : files.filter((other) => other.startsWith(`${folder}/`));
  return [...beside, "prometheus.yaml"].flatMap((each) => documents(each));
}

/** A reading of each check with a query of its own that is beyond its bounds. */
function badValues(objects: readonly KubeObject[]): Readonly<Record<string, number>> {
  const checks = objects.flatMap((object) => {
    const { spec } = object as { readonly spec?: { readonly checks?: readonly Threshold[] } & ExampleCanary["spec"] };
    return [...(spec?.checks ?? []), ...(spec?.analysis?.checks ?? [])];
  });
  const bad = checks.flatMap(({ name, threshold }) => {
    if (threshold === undefined) return [];
    const { min = 0, max } = threshold;
    return [[name, max === undefined ? min - 1 : max + 1]];
  });
  return Object.fromEntries(bad) as Readonly<Record<string, number>>;
}

/** A release of an example's workload, by the production controller. */
async function release(file: string, given: object) {
  const objects = around(file);
  const canary = objects.find(({ kind }) => kind === "Canary");
  const parsed = parseWorld(given, {});
  if (!parsed.ok || canary === undefined) throw new Error(`${file} has no Canary, or the world is wrong`);
  const said: string[] = [];
  const simulated = await simulate({
    objects,
    canary,
    world: parsed.model,
    onBegin: () => undefined,
    onNote: () => undefined,
    onChange: ({ message }) => said.push(message),
    signal: new AbortController().signal,
  });
  if ("refusals" in simulated) throw new Error(simulated.refusals.join("\n"));
  return { ...simulated, said: said.join("\n") };
}

async function providers(kube: Kube): Promise<void> {
  for (const provider of documents("prometheus.yaml")) {
    const kind = provider.kind === "MetricProvider" ? kinds.metricProvider : kinds.clusterMetricProvider;
    await kube.create(kind, provider);
  }
}

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
    expect([...canaries].sort()).toEqual([
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

  it("are taken by the API, all of them", () => {
    const objects = files.flatMap((file) => documents(file));
    // A name is made for what has none.
    const named = objects.map((object) => ({
      ...object,
      metadata: { ...object.metadata, name: object.metadata.name || "made" },
    }));
    expect(refusalsOf(named)).toEqual(objects.map(() => undefined));
  });

  it.each(canaries)("%s promotes a good release and takes a bad one back", async (file) => {
    const healthy = { rps: 50, primary: { errorRate: 0.0005 } };
    const good = await release(file, healthy);
    expect(good, good.said).toMatchObject({ outcome: "promoted" });
    const bad = await release(file, { ...healthy, canary: { errorRate: 0.3 }, values: badValues(around(file)) });
    expect(bad, bad.said).toMatchObject({
      outcome: "rolledBack",
      message: expect.stringMatching(/^check .* fail/) as string,
    });
  });

  it("evidence.yaml finds evidence of each weight, and waits for no time-out", async () => {
    const { tookMs } = await release("evidence.yaml", { rps: 50 });
    // Six weights are held for a minute each, and the time-out would be two more.
    expect(tookMs).toBeLessThan(6 * 120_000);
  });

  it.each([
    ["outage.yaml", "promoted"],
    ["regression.yaml", "rolledBack"],
    ["crashes.yaml", "rolledBack"],
  ])("the world of simulate/%s ends as it says", async (world, outcome) => {
    expect(readdirSync("examples/simulate")).toContain(world);
    const [given] = documents(`simulate/${world}`);
    expect(await release("zeroConfiguration.yaml", given ?? {})).toMatchObject({ outcome });
  });

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
      ask: () => ({ kind: "value", value: canary.spec.analysis?.checks?.[0]?.threshold?.min ?? 0 }),
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
