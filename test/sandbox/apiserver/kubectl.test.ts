import { execFile, spawn, spawnSync } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kubeconfig } from "../../../src/sandbox/apiserver/http.ts";
import type { JsonObject } from "../../../src/sandbox/apiserver/json.ts";
import { createEventRecorder } from "../../../src/kube/events.ts";
import type { KubeObject } from "../../../src/kube/port.ts";
import { systemClock } from "../../../src/lib/time.ts";
import { createMemoryKube } from "../../../src/sandbox/memoryKube.ts";
import { bird, deployment, inShop, read } from "./birds.ts";
import { runningApi } from "./httpFixture.ts";
import type { RunningTestApi } from "./httpFixture.ts";

const hasKubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

let api: RunningTestApi;
let home: string;

const flags = () => ["--kubeconfig", join(home, "config"), "--cache-dir", join(home, "cache"), "-n", "shop"];
const environment = (extra: Record<string, string> = {}) => ({ PATH: process.env["PATH"] ?? "", HOME: home, ...extra });

function kubectl(
  args: readonly string[],
  input?: JsonObject | readonly JsonObject[],
  env: Record<string, string> = {},
): Promise<Result> {
  const { promise, resolve } = Promise.withResolvers<Result>();
  const child = execFile("kubectl", [...flags(), ...args], { env: environment(env) }, (error, out, err) => {
    resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err });
  });
  const documents = input === undefined ? [] : Array.isArray(input) ? input : [input];
  child.stdin?.end(documents.map((document) => stringify(document)).join("---\n"));
  return promise;
}

/** Output with runs of spaces squeezed, as a table is compared best. */
const rows = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s{2,}/));

describe.skipIf(!hasKubectl)("kubectl (skipped when it is not on the PATH)", () => {
  beforeAll(async () => {
    api = await runningApi();
    home = await mkdtemp(join(tmpdir(), "aviary-kubectl-"));
    await writeFile(join(home, "config"), kubeconfig(api.url));
  });
  afterAll(async () => {
    await api.stop();
    await rm(home, { recursive: true, force: true });
  });

  it("applies client-side: created, unchanged, configured", async () => {
    const app = deployment();
    const tit = bird({ color: "red" });
    expect((await kubectl(["apply", "-f", "-"], [app, tit])).out).toBe(
      "deployment.apps/app created\nbird.example.dev/tit created\n",
    );
    const before = read(api.server.get(api.deployments, inShop("app")), "metadata.resourceVersion");
    expect((await kubectl(["apply", "-f", "-"], [app, tit])).out).toBe(
      "deployment.apps/app unchanged\nbird.example.dev/tit unchanged\n",
    );
    expect(read(api.server.get(api.deployments, inShop("app")), "metadata.resourceVersion")).toBe(before);
    const changed = [deployment({ replicas: 2 }), bird({ color: "green" })];
    expect((await kubectl(["apply", "-f", "-"], changed)).out).toBe(
      "deployment.apps/app configured\nbird.example.dev/tit configured\n",
    );
    expect(read(api.server.get(api.deployments, inShop("app")), "spec.replicas")).toBe(2);
  });

  it("applies server-side, also what was applied client-side before, and names conflicts", async () => {
    const first = await kubectl(["apply", "--server-side", "-f", "-"], deployment({ replicas: 3 }));
    expect(first).toMatchObject({ code: 0, out: "deployment.apps/app serverside-applied\n" });
    const other = ["apply", "--server-side", "--field-manager", "other", "-f", "-"];
    const conflict = await kubectl(other, deployment({ replicas: 5 }));
    expect(conflict.err).toContain('Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas');
    expect((await kubectl([...other, "--force-conflicts"], deployment({ replicas: 5 }))).code).toBe(0);
    expect(read(api.server.get(api.deployments, inShop("app")), "spec.replicas")).toBe(5);
  });

  it("gets, wide, all and as YAML", async () => {
    expect(rows((await kubectl(["get", "deploy"])).out)[0]).toEqual([
      "NAME",
      "READY",
      "UP-TO-DATE",
      "AVAILABLE",
      "AGE",
    ]);
    expect(rows((await kubectl(["get", "bd", "-o", "wide"])).out)[0]).toEqual([
      "NAME",
      "COLOR",
      "READY",
      "NOTE",
      "AGE",
    ]);
    const all = (await kubectl(["get", "all"])).out;
    expect([all.includes("deployment.apps/app"), all.includes("bird.example.dev/tit")]).toEqual([true, true]);
    expect((await kubectl(["get", "bird", "tit", "-o", "yaml"])).out).toContain("color: green");
  });

  it("shows no difference for what is there, and the difference for what is not", async () => {
    expect(await kubectl(["diff", "--server-side=false", "-f", "-"], bird({ color: "green" }))).toMatchObject({
      code: 0,
      out: "",
    });
    const { code, out } = await kubectl(["diff", "-f", "-"], bird({ color: "red" }));
    expect([code, /-\s+color: green\n\+\s+color: red/.test(out)]).toEqual([1, true]);
    expect(read(api.server.get(api.birds, inShop("tit")), "spec.color")).toBe("green");
  });

  it("refuses bad manifests with the server's sentences", async () => {
    const bad = (spec: JsonObject) => kubectl(["apply", "-f", "-"], bird(spec, { name: "bad" }));
    expect((await bad({ color: "red", strategy: { canary: {}, abTest: {} } })).err).toBe(
      'The Bird "bad" is invalid: spec.strategy: Invalid value: choose exactly one of canary, abTest, blueGreen; found canary abTest\n',
    );
    expect((await bad({ color: "red", strateggy: {} })).err).toContain(
      'strict decoding error: unknown field "spec.strateggy"',
    );
    const applied = await kubectl(
      ["apply", "--server-side", "-f", "-"],
      bird({ color: "red", strateggy: {} }, { name: "bad" }),
    );
    expect(applied.err).toContain(".spec.strateggy: field not declared in schema");
  });

  it("patches in three ways, and edits", async () => {
    const containers = [{ name: "side", image: "side:1" }];
    const strategic = JSON.stringify({ spec: { template: { spec: { containers } } } });
    expect((await kubectl(["patch", "deploy", "app", "-p", strategic])).out).toBe("deployment.apps/app patched\n");
    expect(read(api.server.get(api.deployments, inShop("app")), "spec.template.spec.containers")).toHaveLength(2);
    expect((await kubectl(["patch", "bd", "tit", "--type=merge", "-p", '{"spec":{"note":"hi"}}'])).code).toBe(0);
    const test = '[{"op":"test","path":"/spec/note","value":"no"}]';
    expect((await kubectl(["patch", "bd", "tit", "--type=json", "-p", test])).err).toContain("The request is invalid");
    const editor = join(home, "editor.sh");
    await writeFile(editor, '#!/bin/sh\nsed -i s/hi/ho/ "$1"\n');
    await chmod(editor, 0o755);
    expect((await kubectl(["edit", "bd", "tit"], undefined, { EDITOR: editor })).out).toBe(
      "bird.example.dev/tit edited\n",
    );
    expect(read(api.server.get(api.birds, inShop("tit")), "spec.note")).toBe("ho");
  });

  it("scales, and follows a rollout", async () => {
    expect((await kubectl(["scale", "deploy/app", "--replicas=2"])).out).toBe("deployment.apps/app scaled\n");
    expect((await kubectl(["scale", "bd/tit", "--replicas=2"])).out).toBe("bird.example.dev/tit scaled\n");
    const waiting = kubectl(["rollout", "status", "deploy/app", "--timeout=10s"]);
    const counts = { replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 };
    const observedGeneration = Number(read(api.server.get(api.deployments, inShop("app")), "metadata.generation"));
    const body = { status: { ...counts, observedGeneration } };
    api.server.patch(api.deployments, inShop("app"), { type: "merge", body }, { subresource: "status" });
    expect((await waiting).out).toContain('deployment "app" successfully rolled out');
    expect(rows((await kubectl(["get", "deploy", "app"])).out)[1]?.slice(0, 4)).toEqual(["app", "2/2", "2", "2"]);
  });

  it("describes, with events, and lists events", async () => {
    const { uid } = api.server.get(api.birds, inShop("tit"))["metadata"] as JsonObject;
    const regarding = { apiVersion: "example.dev/v1", kind: "Bird", name: "tit", namespace: "shop", uid };
    const reporter = { reportingController: "aviary.dev/aviary", reportingInstance: "a", action: "Fly" };
    const event = {
      regarding,
      ...reporter,
      reason: "Flown",
      note: "it flew",
      type: "Normal",
      eventTime: "2026-01-01T00:00:00.000000Z",
    };
    const events = api.server.resource("events.k8s.io", "v1", "events");
    api.server.create(events, "shop", { ...event, metadata: { name: "tit.1" } });
    expect((await kubectl(["describe", "bd", "tit"])).out).toMatch(/Color:\s+green[\s\S]*Flown[\s\S]*it flew/);
    expect((await kubectl(["describe", "deploy", "app"])).out).toMatch(/StrategyType:\s+RollingUpdate/);
    expect((await kubectl(["events", "--for", "bird/tit"])).out).toMatch(/Normal\s+Flown\s+Bird\/tit\s+it flew/);
  });

  it("describes events of Aviary's in the order in which they were told", async () => {
    let nowMs = Date.now() - 100_000;
    const clock = { ...systemClock, now: () => (nowMs += 1_000) };
    const kube = createMemoryKube({ server: api.server });
    const recorder = createEventRecorder({ kube, clock, instance: "test" });
    api.server.create(api.birds, "shop", bird({ color: "red" }, { name: "wren" }), {});
    const regarding = api.server.get(api.birds, inShop("wren")) as unknown as KubeObject;
    const told = Array.from({ length: 20 }, (_, index) => `told ${index + 10}`);
    for (const note of told) {
      recorder.record({ regarding, type: "Normal", reason: "Told", note });
      await recorder.flush();
    }
    const { out } = await kubectl(["describe", "bd", "wren"]);
    expect(out.match(/told \d+/g)).toEqual(told);
    await kubectl(["delete", "bd", "wren"]);
  });

  it("explains", async () => {
    expect((await kubectl(["explain", "bird.spec.color"])).out).toMatch(/FIELD: color <string>[\s\S]*Its colour\./);
    expect((await kubectl(["explain", "deploy.spec.replicas"])).out).toMatch(/FIELD: replicas <integer>/);
  });

  it("waits for conditions and JSON paths, at once when they hold", async () => {
    const ready = (status: string) => ({
      status: { conditions: [{ type: "Ready", status }], targets: [{ generation: 3, result: "Succeeded" }] },
    });
    const waiting = kubectl(["wait", "bd/tit", "--for=condition=Ready", "--timeout=10s"]);
    api.server.patch(api.birds, inShop("tit"), { type: "merge", body: ready("True") }, { subresource: "status" });
    expect((await waiting).out).toBe("bird.example.dev/tit condition met\n");
    const path = "--for=jsonpath={.status.targets[?(@.generation>2)].result}";
    expect((await kubectl(["wait", "bd/tit", path, "--timeout=5s"])).out).toBe("bird.example.dev/tit condition met\n");
    expect((await kubectl(["wait", "bd/tit", "--for=condition=Missing", "--timeout=1s"])).err).toContain("timed out");
  });

  it("watches, with tables", async () => {
    const child = spawn("kubectl", [...flags(), "get", "bd", "-w", "--no-headers"], { env: environment() });
    let out = "";
    const lines = () => out.split("\n").slice(0, -1);
    const enough = Promise.withResolvers<void>();
    child.stdout.on("data", (chunk: Buffer) => {
      const before = lines().length;
      out += chunk.toString();
      // The first line says that the list is in; a change before it would not be a watch event.
      if (before === 0 && lines().length > 0) {
        api.server.patch(api.birds, inShop("tit"), { type: "merge", body: { spec: { color: "red" } } });
      }
      if (lines().length >= 2) enough.resolve();
    });
    await enough.promise;
    const closed = new Promise((resolve) => child.once("close", resolve));
    child.kill();
    await closed;
    expect(lines().map((line) => line.split(/\s+/).slice(0, 3))).toEqual([
      ["tit", "green", "True"],
      ["tit", "red", "True"],
    ]);
  });

  it("deletes, and waits for finalizers", async () => {
    const body = { metadata: { finalizers: ["aviary.dev/restore"] } };
    api.server.patch(api.birds, inShop("tit"), { type: "merge", body });
    const marked = await kubectl(["delete", "bd", "tit", "--wait=false"]);
    // Newer ones say where.
    expect(marked.out).toMatch(/^bird\.example\.dev "tit" deleted( from shop namespace)?\n$/);
    const waiting = kubectl(["wait", "bd/tit", "--for=delete", "--timeout=10s"]);
    api.server.patch(api.birds, inShop("tit"), { type: "merge", body: { metadata: { finalizers: null } } });
    expect((await waiting).code).toBe(0);
    expect((await kubectl(["delete", "deploy", "app"])).code).toBe(0);
    expect((await kubectl(["get", "deploy", "app"])).err).toBe(
      'Error from server (NotFound): deployments.apps "app" not found\n',
    );
  });
});
