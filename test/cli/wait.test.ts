import { afterEach, describe, expect, it } from "vitest";
import { kinds } from "../../src/kube/kinds.ts";
import { annotations } from "../../src/lib/names.ts";
import type { Life } from "../lives/life.ts";
import { NAMESPACE } from "../lives/life.ts";
import { adopted, bad, good, rolledBack, underWay, watchLives } from "../lives/lives.ts";
import { cli, serve, start } from "./cli.ts";
import type { Running, Served, StartOptions } from "./cli.ts";

/*
 * The production controller on virtual time, its API over HTTP, and `aviary wait` on the machine's time.
 */

watchLives();

let served: Served | undefined;

afterEach(async () => {
  await served?.remove();
  served = undefined;
});

const target = { namespace: NAMESPACE, name: "web" };

/** `aviary wait` on a life. */
async function waiting(life: Life, args: readonly string[] = [], options: StartOptions = {}): Promise<Running> {
  served ??= await serve(life.server);
  return start(["wait", "deploy/web", "-n", NAMESPACE, "--kubeconfig", served.kubeconfig, ...args], options);
}

describe("aviary wait", () => {
  it("ends with 0 when the revision is promoted, and has told the steps", async () => {
    const life = await adopted();
    await life.release("2");
    const command = await waiting(life);
    await command.said("has not seen generation");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    const { code, out } = await command.ended;
    expect(code).toBe(0);
    expect(out).toMatch(/Progressing +10 % {2}step 1\/2: weight 10/);
    expect(out.trim().split("\n").at(-1)).toMatch(/^web: promoted: revision [0-9a-f]{10} is promoted$/);
  });

  it("ends with 3 when it is rolled back, and says why", async () => {
    const life = await underWay({ ask: good });
    const command = await waiting(life);
    await command.said("weight 10");
    life.ask = bad;
    await life.until("roll back", ({ phase }) => phase === "Failed");
    expect(await command.ended).toMatchObject({
      code: 3,
      out: expect.stringMatching(/web: rolled back: revision \w+ was rolled back: check success failed/) as string,
    });
  });

  it("ends with 3 at once for a revision that was rolled back before", async () => {
    const life = await rolledBack();
    await life.pass(5_000);
    const { code } = await (await waiting(life)).ended;
    expect(code).toBe(3);
  });

  it("ends with 4 when the rollout waits for an approval, unless it is to wait through that", async () => {
    const life = await underWay({
      spec: {
        strategy: { canary: { steps: [{ weight: 10, hold: "10s" }, { pause: {} }, { weight: 50, hold: "10s" }] } },
      },
    });
    const held = await waiting(life);
    const patient = await waiting(life, ["--through-holds"]);
    await Promise.all([held.said("weight 10"), patient.said("weight 10")]);
    await life.until("the pause", ({ phase }) => phase === "Paused");
    expect(await held.ended).toMatchObject({
      code: 4,
      out: expect.stringContaining("held: AwaitingApproval") as string,
    });
    await patient.said("Paused");
    expect(await life.act("Approve")).toContain("Applied");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect((await patient.ended).code).toBe(0);
  });

  it("ends with 4 when a person has paused it", async () => {
    const life = await underWay();
    const command = await waiting(life);
    await command.said("weight 10");
    await life.act("Pause");
    const { code, out } = await command.ended;
    expect([code, out]).toEqual([4, expect.stringContaining("PausedByRequest")]);
  });

  it("ends with 5 when another revision takes its place", async () => {
    const life = await underWay();
    const command = await waiting(life);
    await command.said("weight 10");
    await life.release("3");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect(await command.ended).toMatchObject({ code: 5, out: expect.stringContaining("superseded") as string });
  });

  it("ends with 5 when the change is taken back", async () => {
    const life = await underWay();
    const command = await waiting(life);
    await command.said("weight 10");
    await life.release("1");
    await life.until("rest", ({ phase }) => phase === "Idle" || phase === "Succeeded");
    expect((await command.ended).code).toBe(5);
  });

  it("ends with 6 when somebody has to mend something, and not at once", async () => {
    const life = await adopted();
    await life.kube.delete(kinds.httpRoute, target);
    await life.release("2");
    await life.until("the stall", ({ conditions }) => conditions?.some(({ type }) => type === "Stalled") === true);
    const { code, out } = await (await waiting(life, ["--stall-grace", "200ms"])).ended;
    expect([code, out]).toEqual([6, expect.stringContaining("stalled: RouteNotFound")]);
    const patient = await (await waiting(life, ["--timeout", "200ms"])).ended;
    expect(patient.code).toBe(8);
  });

  it("ends with 7 when there is no such Canary, workload or namespace", async () => {
    const life = await adopted();
    served = await serve(life.server);
    const common = ["-n", NAMESPACE, "--kubeconfig", served.kubeconfig];
    const canary = await cli(["wait", "nix", ...common]);
    expect(canary).toMatchObject({ code: 7, err: expect.stringContaining("there is no Canary nix") as string });
    const workload = await cli(["wait", "deploy/nix", ...common]);
    expect(workload).toMatchObject({ code: 7, err: expect.stringContaining("is for Deployment nix") as string });
  });

  it("ends with 7 when the Canary is deleted", async () => {
    const life = await underWay();
    const command = await waiting(life);
    await command.said("weight 10");
    await life.kube.delete(kinds.canary, target);
    expect((await command.ended).code).toBe(7);
  });

  it("ends with 8 when the time is up, and says where it stood", async () => {
    const life = await underWay();
    const { code, out } = await (await waiting(life, ["--timeout", "300ms"])).ended;
    expect([code, out]).toEqual([8, expect.stringMatching(/web: not decided after 300ms: .*weight 10/)]);
  });

  it("never takes the last promotion for that of a change which the controller has not seen", async () => {
    const life = await adopted();
    await life.stopController();
    await life.release("2");
    const command = await waiting(life, ["--timeout", "500ms"]);
    const { code, out } = await command.ended;
    expect([code, out]).toEqual([8, expect.stringContaining("has not seen generation")]);
  });

  it("waits for an image that is still to come, and follows its revision", async () => {
    const life = await adopted();
    const command = await waiting(life, ["--image", "web:2"]);
    await command.said("does not have image web:2 yet, but example/web:1");
    await life.release("2");
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect((await command.ended).code).toBe(0);
  });

  it("waits for a release that is still to come, also when it brings no new revision", async () => {
    const life = await adopted();
    const command = await waiting(life, ["--release", "abc"]);
    await command.said("does not have aviary.dev/release: abc yet");
    await life.kube.mergePatch(kinds.deployment, target, {
      metadata: { annotations: { [annotations.release]: "abc" } },
    });
    await life.pass(10_000);
    expect((await command.ended).code).toBe(0);
  });

  it("follows a revision by its name", async () => {
    const life = await underWay();
    const revision = life.status().rollout?.revision ?? "";
    const command = await waiting(life, ["--revision", revision]);
    const other = await (await waiting(life, ["--revision", "0123456789", "--timeout", "200ms"])).ended;
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect([(await command.ended).code, other.code]).toEqual([0, 8]);
  });

  it("goes on when the API server was away, and misses nothing", { timeout: 30_000 }, async () => {
    const life = await underWay();
    const command = await waiting(life);
    await command.said("weight 10");
    await served?.stop();
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    await command.said("the API server does not answer");
    await served?.start();
    const { code, out } = await command.ended;
    expect([code, out]).toEqual([0, expect.stringContaining("promoted")]);
  });

  it("folds its lines as GitHub and GitLab show them", async () => {
    const life = await underWay();
    const github = await waiting(life, [], { env: { GITHUB_ACTIONS: "true" } });
    const gitlab = await waiting(life, [], { env: { GITLAB_CI: "true" } });
    await Promise.all([github.said("step 1/2"), gitlab.said("step 1/2")]);
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    const { out } = await github.ended;
    expect(out).toMatch(/^::group::step 1\/2 of revision \w+\n/);
    expect(out).toMatch(/::endgroup::\n::notice::web: promoted: .*\n$/);
    expect((await gitlab.ended).out).toMatch(
      /section_start:\d+:aviary_1\r.*step 1\/2[\s\S]*section_end:\d+:aviary_1\r/,
    );
  });

  it.each([
    [["--timeout", "soon"], "--timeout must be a duration"],
    [["--revision", "a", "--image", "b"], "--revision names one revision"],
    [["--groups", "jenkins"], "Allowed choices are auto, none, github, gitlab"],
    [["--nix"], "unknown option '--nix'"],
  ])("refuses %j with 2", async (args, sentence) => {
    const { code, err } = await cli(["wait", "web", ...args]);
    expect([code, err]).toEqual([2, expect.stringContaining(sentence)]);
  });

  it.each(["route/web", "deploy/", "a/b/c"])("refuses the name %s with 2", async (name) => {
    const { code, err } = await cli(["wait", name]);
    expect([code, err]).toEqual([2, expect.stringContaining("Give the name of a Canary")]);
  });
});
