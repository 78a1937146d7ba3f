import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { cli } from "./cli.ts";

let folder: string | undefined;

afterEach(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true });
  folder = undefined;
});

/** `aviary lint` on a file with these objects. */
async function lint(objects: readonly unknown[] | string, flags: readonly string[] = []) {
  folder ??= await mkdtemp(join(tmpdir(), "aviary-lint-"));
  const file = join(folder, "all.yaml");
  await writeFile(
    file,
    typeof objects === "string" ? objects : objects.map((object) => stringify(object)).join("---\n"),
  );
  const { code, out, err } = await cli(["lint", file, ...flags]);
  return { code, err, lines: out.replaceAll(`${file}: `, "").split("\n").filter(Boolean) };
}

const metadata = { name: "web", namespace: "shop" };
const QUERY = `sum(rate(requests{service="{{ canary }}"}[1m]))`;

function canary(check: object = {}, spec: object = {}): object {
  const analysis = { interval: "30s", checks: [{ name: "success", threshold: { query: QUERY, min: 1, ...check } }] };
  const targetRef = { kind: "Deployment", name: "web" };
  return { apiVersion: "aviary.dev/v1beta1", kind: "Canary", metadata, spec: { targetRef, analysis, ...spec } };
}

function workload(spec: object = {}, container: object = { readinessProbe: { httpGet: { port: 80 } } }): object {
  const labels = { app: "web" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "web", image: "web:1", ...container }] } };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: { selector: { matchLabels: labels }, template, ...spec },
  };
}

const WINDOW = { name: "window", type: "Duration" };

function template(check: object | undefined = undefined, args?: readonly object[]): object {
  const checks = [{ name: "success", threshold: { query: QUERY, min: 1, ...check } }];
  const spec = { ...(args === undefined ? {} : { args }), ...(check === undefined ? {} : { checks }) };
  return { apiVersion: "aviary.dev/v1beta1", kind: "ClusterAnalysisTemplate", metadata: { name: "web" }, spec };
}

/** A Canary that has no checks but those of the template. */
function using(args: Readonly<Record<string, string>>): object {
  const list = Object.entries(args).map(([name, value]) => ({ name, value }));
  const given = list.length === 0 ? {} : { args: list };
  const templates = [{ kind: "ClusterAnalysisTemplate", name: "web", ...given }];
  return canary({}, { analysis: { interval: "30s", templates } });
}

const steps = (...list: readonly object[]) => ({ strategy: { canary: { steps: list } } });

describe("aviary lint", () => {
  it("has nothing to say of good manifests, nor of the project's own example", async () => {
    expect(await lint([canary(), workload()])).toEqual({
      code: 0,
      lines: [],
      err: "2 objects, 0 errors, 0 warnings\n",
    });
    const example = await cli(["lint", "examples/podinfo/canary.yaml", "examples/podinfo/route.yaml"]);
    expect(example).toMatchObject({ code: 0, err: "3 objects, 0 errors, 0 warnings\n" });
  });

  it("finds no error in any of the project's examples", async () => {
    const { code, out } = await cli(["lint", "examples"]);
    expect([code, out.split("\n").filter((line) => line.includes(": error: "))]).toEqual([0, []]);
  });

  it.each([
    ["a field that does not exist", canary({}, { stategy: {} }), 'unknown field "spec.stategy"'],
    ["a check without a bound", canary({ min: undefined }), "needs a bound: set min, max or both"],
    ["a step with two meanings", canary({}, steps({ weight: 5, pause: {} })), "spec.strategy.canary.steps[0]"],
    ["a built-in object that is refused", { ...workload(), spec: {} }, "spec.selector"],
    ["PromQL that does not parse", canary({ query: `sum(rate(x{a="{{ canary }}"}[1m])` }), "threshold.query: line 1"],
    [
      "a template's argument that is not declared",
      template({ query: 'x{a="{{ args.job }}"}' }),
      "it uses the argument job",
    ],
    [
      "a template's PromQL",
      template({ query: `sum(rate(x{a="{{ canary }}"}[{{ args.window }}])` }, [WINDOW]),
      "line 1",
    ],
    ["a template's variable that nobody knows", template({ query: "{{ canry }}" }), "unknown variable {{ canry }}"],
    [
      "a template's argument that sets what there is not",
      template({}, [{ name: "max", type: "Number", sets: [{ check: "success", field: "threshold.most" }] }]),
      "threshold.most",
    ],
    ["a template without checks", template(undefined), "spec.checks"],
    ["a variable that nobody knows", canary({ query: "{{ canry }}" }), "unknown variable {{ canry }}"],
  ])("refuses %s", async (_what, object, sentence) => {
    const { code, lines } = await lint([object]);
    expect([code, lines]).toEqual([9, [expect.stringContaining(sentence)]]);
    expect(lines[0]).toMatch(/^\w+ web: error: /);
  });

  it.each([
    [
      "a query that measures both versions alike",
      [canary({ query: "sum(rate(requests[1m]))" })],
      "measures both alike",
    ],
    [
      "a counter that counts both versions alike",
      [
        canary(
          {},
          {
            analysis: {
              checks: [
                {
                  name: "a",
                  comparison: { counters: { bad: "bad_total", total: 'all_total{service="{{ service }}"}' } },
                },
              ],
            },
          },
        ),
      ],
      "counters.bad: nothing in the counter names a version",
    ],
    ["an unjudged Canary", [canary({}, { analysis: { unjudged: true } })], "nothing judges a new version"],
    ["a bold first step", [canary({}, steps({ weight: 50, hold: "1m" }))], "50 % of all users"],
    ["a hold shorter than an interval", [canary({}, steps({ weight: 5, hold: "5s" }))], "weight 5 is held for 5s"],
    ["no readiness probe", [canary(), workload({}, {})], "no container has a readinessProbe"],
    ["replicas in Git", [canary(), workload({ replicas: 3 })], "spec.replicas: 3 comes back with every apply"],
    [
      "maxUnavailable",
      [canary(), workload({ strategy: { rollingUpdate: { maxUnavailable: 1 } } })],
      "the primary changes with 0 instead",
    ],
  ])("warns of %s, and fails for it only when it is to be strict", async (_what, objects, sentence) => {
    const { code, lines } = await lint(objects);
    expect([code, lines]).toEqual([0, [expect.stringMatching(new RegExp(`: warning: .*${sentence}`))]]);
    expect((await lint(objects, ["--strict"])).code).toBe(9);
  });

  it.each([
    ["a value that is missing", {}, "argument window has no default and needs a value"],
    ["a value of another type", { window: "soon" }, "argument window has to be a duration"],
    ["an argument that there is not", { window: "1m", job: "x" }, "there is no argument job"],
  ])("refuses a Canary that does not fit its template: %s", async (_what, args, sentence) => {
    const shared = template({ query: `sum(rate(x{a="{{ canary }}"}[{{ args.window }}]))` }, [WINDOW]);
    const { code, lines } = await lint([shared, using(args)]);
    expect([code, lines]).toEqual([9, [expect.stringContaining(sentence)]]);
    expect(lines[0]).toContain("Canary web: error: spec.analysis.templates[0]: ClusterAnalysisTemplate web: ");
    expect((await lint([shared, using({ window: "1m" })])).lines).toEqual([]);
  });

  it("warns of a template's argument that nothing uses, and leaves a text that nobody knows yet to its Canaries", async () => {
    expect((await lint([template({}, [WINDOW])])).lines).toEqual([
      "ClusterAnalysisTemplate web: warning: spec.args: nothing uses the argument window",
    ]);
    const half = template({ query: `sum(rate(x{ {{ args.selector }} }[1m]))` }, [{ name: "selector" }]);
    expect((await lint([half])).lines).toEqual([]);
    expect((await lint([half, using({ selector: `a="{{ canary }}` })])).lines).toEqual([
      expect.stringMatching(/^Canary web: error: .*threshold\.query: line 1/) as string,
    ]);
  });

  it("says nothing of a workload without a Canary, of kinds that it does not know, and of other languages", async () => {
    const elsewhere = { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "x" }, spec: {} };
    const ofAnother = canary({ query: `avg:requests{service:{{ canary }}}`, providerRef: { name: "dog" } });
    const { code, lines } = await lint([workload({ replicas: 3 }), elsewhere, ofAnother].slice(0, 2));
    expect([code, lines]).toEqual([0, []]);
    expect((await lint([ofAnother])).lines).toEqual([]);
  });

  it("says where there is no YAML, no object and no file", async () => {
    expect(await lint("a: [")).toMatchObject({ code: 9, lines: [expect.stringMatching(/^YAML: error: /)] });
    expect(await lint("# nothing\n")).toMatchObject({ code: 2 });
    expect(await cli(["lint", "/nonexistent.yaml"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("ENOENT") as string,
    });
  });
});
