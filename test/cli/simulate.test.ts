import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import type { Simulated, SimulatedChange } from "../../src/cli/programs.ts";
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
  return { code, out, err: err.replaceAll(file, "all.yaml"), last: out.trimEnd().split("\n").at(-1) ?? "" };
}

interface Answer extends Simulated {
  readonly simulation: boolean;
  readonly notes: readonly string[];
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
    const { code, out, last } = await simulate([canary()]);
    expect([code, last]).toEqual([0, expect.stringMatching(/^promoted after \d+m.* answered \d+ requests, of which /)]);
    expect(out).toMatch(/^A simulation on virtual time/);
    expect(out).toContain("made up, since they are not in these files: Deployment web, Service web, HTTPRoute web");
    expect(out).toMatch(/ +\d+s Progressing +1\/3 +10 % +step 1\/3: holding weight 10 for 1m\n/);
  });

  it("rolls back one that fails more often, before many were harmed", async () => {
    const bad = await answerOf([canary()], "--canary-errors", "10%");
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
      err: expect.stringContaining("--value sucess: no check sucess has asked for a value; success has") as string,
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
