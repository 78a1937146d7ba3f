import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { annotations } from "../../src/lib/names.ts";
import { NAMESPACE } from "../lives/life.ts";
import type { Life } from "../lives/life.ts";
import { adopted, bad, watchLives } from "../lives/lives.ts";
import { aDeployment, podSpec } from "../lives/manifests.ts";
import { serve } from "./cli.ts";
import type { Served } from "./cli.ts";

/*
 * The shell parts of examples/ci and the lines of docs/ci.md, as processes with the real kubectl, on the production
 * controller on virtual time.
 */

watchLives();

const ROOT = join(import.meta.dirname, "../..");

const hasKubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;

let served: Served | undefined;
const folders: string[] = [];

afterEach(async () => {
  await served?.remove();
  served = undefined;
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** As in docs/ci.md. */
const COMMIT = "4f2a9c1";

interface Ran {
  readonly code: number;
  readonly output: string;
}

/** Runs a script as a pipeline does, with `aviary` in the PATH, while time passes for the cluster. */
async function pipeline(life: Life, script: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const folder = await mkdtemp(join(tmpdir(), "aviary-ci-"));
  folders.push(folder);
  const command = join(folder, "aviary");
  await writeFile(command, `#!/bin/sh\nexec "${process.execPath}" "${ROOT}/src/aviary.ts" "$@"\n`);
  await chmod(command, 0o755);
  served ??= await serve(life.server);
  const config = parse(await readFile(served.kubeconfig, "utf8")) as { contexts: { context: object }[] };
  const contexts = config.contexts.map((held) => ({ ...held, context: { ...held.context, namespace: NAMESPACE } }));
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, stringify({ ...config, contexts }));
  const { template } = aDeployment(3).spec;
  const changed = aDeployment(3, { template: { ...template, spec: podSpec("2") } });
  const metadata = { ...changed.metadata, annotations: { [annotations.release]: COMMIT } };
  await writeFile(join(folder, "deployment.yaml"), stringify({ ...changed, metadata }));
  const options = {
    cwd: folder,
    env: { PATH: `${folder}:${process.env["PATH"] ?? ""}`, HOME: folder, KUBECONFIG: kubeconfig, ...env },
  };
  let ran: Ran | undefined;
  execFile("bash", ["-e", "-c", script], options, (error, stdout, stderr) => {
    ran = { code: error === null ? 0 : Number(error.code), output: stdout + stderr };
  });
  while (ran === undefined) {
    await life.pass(2_000);
    // The processes need the machine as well.
    await sleep(10);
  }
  return ran;
}

const read = (name: string): string => readFileSync(join(ROOT, name), "utf8");
const yaml = <T>(name: string): T => parse(read(`examples/ci/${name}`)) as T;

interface Steps {
  readonly name?: string;
  readonly run?: string;
  readonly script?: string;
  readonly args?: readonly string[];
}

/** What each system would give to its shell. */
const scripts: Readonly<Record<string, () => string | undefined>> = {
  "github-actions.yaml": () => {
    const { jobs } = yaml<{ jobs: { release: { steps: Steps[] } } }>("github-actions.yaml");
    return jobs.release.steps.find(({ name }) => name === "release")?.run;
  },
  "gitlab-ci.yaml": () => yaml<{ release: { script: string[] } }>("gitlab-ci.yaml").release.script.join("\n"),
  Jenkinsfile: () => /steps \{\s+sh '''([^]*?)'''/.exec(read("examples/ci/Jenkinsfile"))?.[1],
  "circleci.yaml": () => {
    const { jobs } = yaml<{ jobs: { release: { steps: { run: { name: string; command: string } }[] } } }>(
      "circleci.yaml",
    );
    return jobs.release.steps.find(({ run }) => run.name === "release")?.run.command;
  },
  "tekton.yaml": () => {
    const { spec } = yaml<{ spec: { steps: Steps[] } }>("tekton.yaml");
    const [apply, wait] = spec.steps;
    const args = (apply?.args ?? []).map(
      (arg) => `"${arg.replace(/\$\(params\.(\w+)\)/g, (_, name: string) => `$${name.toUpperCase()}`)}"`,
    );
    return `kubectl ${args.join(" ")}\n${(wait?.script ?? "").replace("node /app/dist/aviary.js", "aviary")}`;
  },
};

const VARIABLES = { NAMESPACE, DEPLOYMENT: "web", IMAGE: "example/web:2" };

describe.skipIf(!hasKubectl)("examples/ci", () => {
  it.each(Object.keys(scripts))("%s is green for a good release", { timeout: 60_000 }, async (name) => {
    const life = await adopted();
    const { code, output } = await pipeline(life, scripts[name]?.() ?? "exit 99", VARIABLES);
    expect([code, output]).toEqual([0, expect.stringContaining("web: promoted")]);
    expect(life.status().promoted?.images).toEqual(["example/web:2"]);
  });

  it("is red for a bad one, with the reason in its last line", { timeout: 60_000 }, async () => {
    const life = await adopted({ ask: bad });
    const { code, output } = await pipeline(life, scripts["gitlab-ci.yaml"]?.() ?? "", VARIABLES);
    expect([code, output]).toEqual([3, expect.stringMatching(/web: rolled back: .* is below min/)]);
  });

  it("takes the release back when a Jenkins pipeline is stopped", { timeout: 60_000 }, async () => {
    const steps = [{ weight: 10, hold: "10s" }, { pause: {} }];
    const life = await adopted({ spec: { strategy: { canary: { steps } } } });
    await life.release("2");
    await life.until("the pause", ({ phase }) => phase === "Paused");
    const script = /aborted \{[^]*?sh '''([^]*?)'''/.exec(read("examples/ci/Jenkinsfile"))?.[1] ?? "exit 99";
    expect(await pipeline(life, script, VARIABLES)).toMatchObject({ code: 0 });
    await life.until("the end", ({ phase }) => phase === "Failed");
  });
});

/** The shell blocks of docs/ci.md whose lines begin with kubectl or with a variable of its answer. */
function plainKubectl(): readonly string[] {
  const blocks = [...read("docs/ci.md").matchAll(/```sh\n([^]*?)```/g)].map(([, block]) => block ?? "");
  return blocks.filter((block) => !block.includes("aviary wait")).map((block) => block.replaceAll("podinfo", "web"));
}

describe.skipIf(!hasKubectl)("the lines of docs/ci.md for plain kubectl", () => {
  const [byGeneration = "exit 99", byRelease = "exit 99"] = plainKubectl();

  it("by generation end well for a good release and badly for a bad one", { timeout: 60_000 }, async () => {
    const good = await adopted();
    expect(await pipeline(good, byGeneration)).toMatchObject({ code: 0 });
    expect(good.status().promoted?.images).toEqual(["example/web:2"]);
    await served?.remove();
    served = undefined;
    const life = await adopted({ ask: bad });
    expect(await pipeline(life, byGeneration)).toMatchObject({ code: 1 });
  });

  it("by release wait until that one is decided", { timeout: 60_000 }, async () => {
    const life = await adopted();
    expect(byRelease).toContain(COMMIT);
    expect(await pipeline(life, `kubectl apply -f deployment.yaml\n${byRelease}`)).toMatchObject({ code: 0 });
    expect(life.status().targets?.[0]).toMatchObject({ release: COMMIT, result: "Succeeded" });
    expect(life.status().promoted?.images).toEqual(["example/web:2"]);
  });

  it("that are said to race do race: the promotion before is taken for this one", { timeout: 60_000 }, async () => {
    const life = await adopted();
    // The controller notices nothing.
    life.stopApi();
    const script = `kubectl apply -f deployment.yaml\nkubectl wait canary/web --for=condition=Promoted --timeout=5s`;
    expect(await pipeline(life, script)).toMatchObject({ code: 0 });
    expect(life.status().promoted?.images).toEqual(["example/web:1"]);
  });
});
