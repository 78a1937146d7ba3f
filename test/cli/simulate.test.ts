import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import type { Simulated, SimulatedChange } from "../../src/cli/programs.ts";
import { worldSchema } from "../../src/cli/world/world.ts";
import type { WorldModel } from "../../src/cli/world/world.ts";
import { cli } from "./cli.ts";

let folder: string | undefined;

afterEach(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true });
  folder = undefined;
});

/** `aviary simulate` on a file with these objects. */
async function simulate(objects: readonly object[], ...flags: string[]) {
  folder ??= await mkdtemp(join(tmpdir(), "aviary-simulate-"));
  const file = join(folder, "all.yaml");
  await writeFile(file, objects.map((object) => stringify(object)).join("---\n"));
  const { code, out, err } = await cli(["simulate", file, ...flags]);
  return { code, out, err: err.replaceAll(`${folder}/`, ""), last: out.trimEnd().split("\n").at(-1) ?? "" };
}

/** The path of a world file with this in it. */
async function worldFile(content: object | string): Promise<string> {
  folder ??= await mkdtemp(join(tmpdir(), "aviary-simulate-"));
  const file = join(folder, "world.yaml");
  await writeFile(file, typeof content === "string" ? content : stringify(content));
  return file;
}

interface Answer extends Simulated {
  readonly simulation: boolean;
  readonly notes: readonly string[];
  readonly world: WorldModel;
  readonly timeline: readonly SimulatedChange[];
}

async function answerOf(objects: readonly object[], ...flags: string[]): Promise<Answer & { readonly code: number }> {
  const { code, out } = await simulate(objects, ...flags, "-o", "json");
  return { code, ...(JSON.parse(out) as Answer) };
}

const metadata = { name: "web", namespace: "shop" };
const steps = [10, 30, 50].map((weight) => ({ weight, hold: "1m" }));

function canary(analysis: object = {}, spec: object = {}): object {
  return {
    apiVersion: "aviary.dev/v1beta1",
    kind: "Canary",
    metadata,
    spec: {
      targetRef: { kind: "Deployment", name: "web" },
      traffic: { gatewayAPI: { routeRefs: [{ name: "web" }] } },
      strategy: { canary: { steps } },
      analysis,
      ...spec,
    },
  };
}

const success = { name: "success", threshold: { query: `ok{service="{{ canary }}"}`, min: 99, failureLimit: 1 } };

describe("aviary simulate", () => {
  it("promotes a version that is as good as the one before, and tells the way there", async () => {
    const { code, out, last } = await simulate([canary()], "--primary-errors", "0.5%");
    expect([code, last]).toEqual([0, expect.stringMatching(/^promoted after \d+m.* answered \d+ requests, of which /)]);
    expect(out).toMatch(/^A simulation on virtual time/);
    expect(out).toContain("made up, since they are not in these files: Deployment web, Service web, HTTPRoute web");
    expect(out).toMatch(/ +\d+s Progressing +1\/3 +10 % +step 1\/3: holding weight 10 for 1m\n/);
  });

  it("rolls back one that fails more often, before many were harmed", async () => {
    const bad = await answerOf([canary()], "--canary-errors", "10%", "--primary-errors", "0.5%");
    expect(bad).toMatchObject({ code: 3, outcome: "rolledBack", simulation: true });
    expect(bad.message).toMatch(/^check regressions failed: worse: /);
    expect(bad.timeline.at(-1)).toMatchObject({ phase: "Failed", weight: 0 });
    // At once for everyone, a tenth of 100 requests a second fails.
    expect(bad.canaryFailures).toBeLessThan((0.2 * 10 * bad.tookMs) / 1_000);
    const worse = await answerOf([canary()], "--canary-errors", "90%", "--seed", "7");
    expect(await answerOf([canary()], "--canary-errors", "90%", "--seed", "7")).toEqual(worse);
    expect(worse.canaryRequests).toBeLessThan(bad.canaryRequests);
    expect(worse.canaryFailures / worse.canaryRequests).toBeCloseTo(0.9, 1);
  });

  it("rolls back one that is slower, though none of its requests fails", async () => {
    const { code, last } = await simulate([canary()], "--primary-errors", "0%", "--canary-latency", "400ms");
    expect([code, last]).toEqual([3, expect.stringMatching(/^rolled back .*slower.* of which 0 failed$/)]);
  });

  it("takes a query of the user's to pass, and says so, until it is told what it reads", async () => {
    const objects = [canary({ checks: [success] })];
    const passed = await answerOf(objects, "--canary-errors", "50%");
    expect([passed.code, passed.notes.join()]).toEqual([0, expect.stringContaining("--value success=NUMBER")]);
    const failed = await answerOf(objects, "--value", "success=98.9");
    expect(failed).toMatchObject({ code: 3, message: expect.stringContaining("success") as string });
    expect(failed.notes.join()).not.toContain("--value");
    expect(await simulate(objects, "--value", "sucess=1")).toMatchObject({
      code: 2,
      err: expect.stringContaining("a value for sucess: no check sucess has a query of its own; success has") as string,
    });
  });

  it("judges by counters of the user's, whatever they are called", async () => {
    const of = (more: string) => `answers_total{service="{{ service }}"${more}}`;
    const checks = [{ name: "own", comparison: { counters: { total: of(""), bad: of(',ok="no"') } } }];
    expect(await answerOf([canary({ checks })])).toMatchObject({ code: 0 });
    expect(await answerOf([canary({ checks })], "--canary-errors", "10%")).toMatchObject({ code: 3, asked: [] });
  });

  it("gives containers room, so that a gate on saturation opens", async () => {
    const checks = [{ name: "full", mode: "Gate", saturation: {} }];
    const { code, timeline } = await answerOf([canary({ checks })]);
    expect([code, timeline.at(-1)?.phase]).toEqual([0, "Succeeded"]);
  });

  it("approves pauses, and looks at the workload that it is given", async () => {
    const labels = { app: "web" };
    const template = { metadata: { labels }, spec: { containers: [{ name: "web", image: "example/web:1" }] } };
    const workload = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    };
    const paused = { strategy: { canary: { steps: [{ weight: 10, hold: "30s" }, { pause: {} }] } } };
    const answer = await answerOf([canary({}, paused), workload], "--replicas", "4");
    expect(answer.notes).toEqual([
      expect.stringContaining("Service web, HTTPRoute web"),
      "the pause at step 2/2 is approved at once",
    ]);
    const said = answer.timeline.map(({ message }) => message).join("\n");
    expect([answer.code, said]).toEqual([0, expect.stringContaining("example/web:new")]);
    expect(said).toContain("of 4 available");
  });

  it("ends undecided when nobody calls the service, and stalled when something is to be mended", async () => {
    const idle = await simulate([canary()], "--rps", "0", "--timeout", "20m");
    expect([idle.code, idle.last]).toEqual([8, expect.stringMatching(/^not decided after 20m/)]);
    const spec = { parentRefs: [{ name: "gateway" }], rules: [{ backendRefs: [{ name: "web", port: 80 }] }] };
    const route = { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", metadata, spec };
    const stalled = await simulate([canary(), route]);
    expect([stalled.code, stalled.last]).toEqual([6, expect.stringMatching(/^stalled .*web-primary/)]);
  });

  it("says which field of which file is refused, and simulates nothing", async () => {
    const { code, out, err } = await simulate([canary({}, { strategy: { canary: { steps: [{ weight: 101 }] } } })]);
    expect([code, out]).toEqual([9, ""]);
    expect(err).toMatch(/^all\.yaml: Canary web: .*spec\.strategy\.canary\.steps\[0\]\.weight/);
  });

  it.each([
    [["--canary-errors", "0.05"], "--canary-errors must be a percentage such as 5% or 0.1%"],
    [["--canary-errors", "101%"], "--canary-errors must be a percentage"],
    [["--rps", "many"], "--rps must be a number from 0 to"],
    [["--replicas", "1.5"], "--replicas must be a whole number"],
    [["--value", "success"], "--value must be a check and a number"],
    [["--timeout", "1d"], "--timeout must be a duration"],
    [["--canary", "other"], "there is no Canary other in these files: web"],
  ])("refuses %j", async (flags, sentence) => {
    const { code, err } = await simulate([canary()], ...flags);
    expect([code, err]).toEqual([2, expect.stringContaining(sentence)]);
  });
});

describe("a world file", () => {
  const quick = { strategy: { canary: { steps: [{ weight: 50, hold: "5m" }] } } };
  const byValue = canary({ interval: "30s", checks: [success] }, quick);

  it("changes how both versions answer while the rollout goes on, and options come before it", async () => {
    const regression = await worldFile({
      rps: 200,
      primary: { errorRate: 0.002, latency: { medianMs: 40, sigma: 0.3 } },
      canary: { errorRate: [[0, 0.002], [3, 0.002], [3, 0.2]] }, // prettier-ignore
    });
    const bad = await answerOf([canary()], "--world", regression);
    expect(bad).toMatchObject({
      code: 3,
      message: expect.stringMatching(/^check regressions failed: worse: /) as string,
    });
    expect(bad.tookMs).toBeGreaterThan(180_000);
    expect(bad.tookMs).toBeLessThan(330_000);
    const good = await answerOf([canary()], "--world", regression, "--canary-errors", "0.2%", "--rps", "100");
    expect(good).toMatchObject({ code: 0, world: { rps: 100, canary: { latency: { medianMs: 40, sigma: 0.3 } } } });
  });

  it("says what checks with queries of their own read at which minute, and when nobody answers", async () => {
    const values = { success: [[0, 99.9], [2, 99.9], [2, 90]] }; // prettier-ignore
    const failed = await answerOf([byValue], "--world", await worldFile({ values }));
    expect(failed).toMatchObject({ code: 3, message: expect.stringContaining("success") as string });
    expect(failed.tookMs).toBeGreaterThan(120_000);
    const away = { values, prometheusDown: [{ fromMinute: 0, toMinute: 60 }], maxMinutes: 20 };
    const waits = await answerOf([byValue], "--world", await worldFile(away));
    expect([waits.code, JSON.stringify(waits.timeline)]).toEqual([8, expect.stringContaining("Prometheus is down")]);
    const silent = await worldFile({ values: { success: null }, maxMinutes: 20 });
    expect(await answerOf([byValue], "--world", silent)).toMatchObject({
      code: 8,
      message: expect.stringContaining("the query has no data") as string,
    });
  });

  it("lets a healthy version through an outage that both share", async () => {
    const outage = await worldFile({ outages: [{ fromMinute: 2, toMinute: 3, errorRate: 0.2 }] });
    const { code, canaryFailures } = await answerOf([canary()], "--world", outage);
    expect([code, canaryFailures > 100]).toEqual([0, true]);
  });

  it.each([
    ["CrashLooping", undefined, /CrashLoopBackOff|crash/],
    ["Unready", undefined, /ready/],
    ["CrashLooping", 1, /1 of 3|CrashLoopBackOff|crash/],
  ])("has pods that are %s (of them: %s) taken for a failure", async (are, count, sentence) => {
    const trouble = { are, fromMinute: 2, ...(count === undefined ? {} : { count }) };
    const world = await worldFile({ replicas: 3, pods: [trouble] });
    const { code, message, tookMs } = await answerOf([canary()], "--world", world);
    expect([code, message]).toEqual([3, expect.stringMatching(sentence)]);
    expect(tookMs).toBeGreaterThan(120_000);
  });

  it("does at its minute what somebody asks for, and tells what was refused", async () => {
    const steps = [{ weight: 10, hold: "30s" }, { pause: {} }];
    const actions = [
      { atMinute: 1, action: "Resume" },
      { atMinute: 7, action: "Approve" },
    ];
    const paused = canary({}, { strategy: { canary: { steps } } });
    const approved = await answerOf([paused], "--world", await worldFile({ actions }));
    expect([approved.code, approved.tookMs > 420_000]).toEqual([0, true]);
    expect(approved.notes).toContainEqual(expect.stringMatching(/^Resume was refused: /));
    const aborted = await worldFile({ actions: [{ atMinute: 2, action: "Abort" }] });
    const answer = await answerOf([paused], "--world", aborted, "--json");
    expect([answer.code, answer.tookMs < 240_000]).toEqual([3, true]);
  });

  it("tells the end of a failed release once", async () => {
    const { timeline } = await answerOf([canary()], "--canary-errors", "50%");
    expect(timeline.filter(({ phase }) => phase === "Failed")).toHaveLength(1);
  });

  it.each([
    [{ rsp: 5 }, 'world.yaml: Unrecognized key: "rsp"'],
    [{ canary: { errorRate: 5 } }, "world.yaml: canary.errorRate: Too big: expected number to be <=1"],
    [{ canary: { errorRate: "5%" } }, "world.yaml: canary.errorRate: Invalid input: expected number"],
    [{ traffic: [[3, 1], [2, 1]] }, "world.yaml: traffic: the minutes must not go back"], // prettier-ignore
    [{ traffic: [[3]] }, "world.yaml: traffic[0]: must be [minute, number]"],
    [
      { primary: { errorRate: 0, endpoints: [{ share: 1 }] } },
      "world.yaml: primary.errorRate: endpoints have it instead",
    ],
    [{ canary: { endpoints: [{ share: 0.5 }] } }, "world.yaml: canary.endpoints: the shares must sum to 1"],
    [{ outages: [{ fromMinute: 3, toMinute: 2, errorRate: 1 }] }, "outages[0].toMinute: must be later than fromMinute"],
    [
      { pods: [{ fromMinute: 0, are: "Gone" }] },
      'world.yaml: pods[0].are: Invalid option: expected one of "CrashLooping"',
    ],
    [{ actions: [{ atMinute: 1, action: "Explode" }] }, "world.yaml: actions[0].action: Invalid option"],
    [{ values: { success: "90" } }, "world.yaml: values.success"],
    [{ values: { nobody: 90 } }, "a value for nobody: no check nobody has a query of its own"],
    ["{", "world.yaml: "],
    ["just text", "world.yaml: Invalid input: expected object"],
  ])("with %j is refused by a sentence that names the field", async (world, sentence) => {
    const { code, err } = await simulate([canary()], "--world", await worldFile(world));
    expect([code, err]).toEqual([2, expect.stringContaining(sentence)]);
  });

  it("that is not there is named", async () => {
    const { code, err } = await simulate([canary()], "--world", "nowhere/world.yaml");
    expect([code, err]).toEqual([2, expect.stringContaining("nowhere/world.yaml: ENOENT")]);
  });

  it("has a row for each of its fields in docs/simulate.md, and no other", async () => {
    const text = await readFile("docs/simulate.md", "utf8");
    const table = text.split("## The world file")[1]?.split("\n## ")[0] ?? "";
    const rows = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
    expect(rows).toEqual(Object.keys(worldSchema.shape));
  });
});
