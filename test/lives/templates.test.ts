import { describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import type { Kube } from "../../src/kube/port.ts";
import { adopted, conditionOf, outcomes, underWay, watchLives } from "./lives.ts";
import type { LifeOptions } from "./life.ts";
import { applyWorkload, manifest, NAMESPACE } from "./manifests.ts";

watchLives();

const template = manifest("aviary.dev/v1beta1", "AnalysisTemplate", "success", {
  spec: {
    args: [
      { name: "job" },
      { name: "min", type: "Number", default: "0.99", sets: [{ check: "success", field: "threshold.min" }] },
    ],
    checks: [
      {
        name: "success",
        threshold: { query: 'success{job="{{ args.job }}",service="{{ canary }}"}', min: 0, failureLimit: 1 },
      },
    ],
  },
});

const ref = { namespace: NAMESPACE, name: "success" };

function withTemplate(args: Readonly<Record<string, string>>, more: LifeOptions = {}): LifeOptions {
  const list = Object.entries(args).map(([name, value]) => ({ name, value }));
  return {
    spec: { analysis: { interval: "10s", templates: [{ name: "success", prefix: "shop", args: list }] } },
    workload: async (kube: Kube) => {
      await applyWorkload(kube, 3);
      await kube.create(kinds.analysisTemplate, template);
    },
    ...more,
  };
}

describe("a Canary with a template", () => {
  it("is judged by its checks, with what it says of them", async () => {
    const asked = new Set<string>();
    let reading = 0.95;
    const ask = (query: string) => {
      asked.add(query);
      return { kind: "value", value: reading } as const;
    };
    const life = await adopted(withTemplate({ job: "web", min: "0.9" }, { ask }));
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect([...asked]).toEqual(['success{job="web",service="web-canary"}']);
    reading = 0.89;
    await life.release("3");
    await life.until("a rollback", ({ phase }) => phase === "Failed");
    expect(life.status().why?.message).toContain("check shop-success failed: 0.89 is below min 0.9");
    expect(outcomes(life)).toEqual(["example/web:3 Failed", "example/web:2 Succeeded"]);
  });

  it("says which argument is missing or wrong, and goes on when it is there", async () => {
    const life = await adopted(withTemplate({ job: "web" }));
    const say = async (args: readonly object[]) => {
      const spec = { analysis: { templates: [{ name: "success", prefix: "shop", args }] } };
      await life.kube.mergePatch(kinds.canary, { namespace: NAMESPACE, name: "web" }, { spec });
      await life.pass(1_000);
      return conditionOf(life, "Stalled")?.message;
    };
    expect(await say([{ name: "min", value: "0.9" }])).toBe(
      "AnalysisTemplate success: argument job has no default and needs a value. correct it, or spec.analysis.templates",
    );
    expect(
      await say([
        { name: "job", value: "web" },
        { name: "min", value: "90 %" },
      ]),
    ).toContain('argument min has to be a number, such as 0.01, not "90 %"');
    await say([{ name: "job", value: "web" }]);
    await life.until("rest", ({ phase, conditions }) => {
      return phase === "Idle" && !conditions?.some(({ type }) => type === "Stalled");
    });
  });

  it("goes nowhere while the template is gone, and forgets nothing that was read by it", async () => {
    const bad = () => ({ kind: "value", value: 0.5 }) as const;
    const life = await underWay(withTemplate({ job: "web" }, { ask: bad }));
    await life.until("a failed reading", ({ checks }) => checks?.[0]?.failures === 1);
    await life.kube.delete(kinds.analysisTemplate, ref);
    await life.pass(60_000);
    expect(conditionOf(life, "Stalled")).toMatchObject({
      reason: "TemplateNotFound",
      message: expect.stringContaining("there is no AnalysisTemplate success") as string,
    });
    expect(life.status().checks).toMatchObject([{ name: "shop-success", failures: 1 }, { name: "pods" }]);
    expect(life.weights()).toEqual({ "web-primary": 90, "web-canary": 10 });
    await life.kube.create(kinds.analysisTemplate, template);
    await life.until("a rollback", ({ phase }) => phase === "Failed");
    expect(life.status().why?.message).toContain("2 failed readings, 1 tolerated");
  });
});
