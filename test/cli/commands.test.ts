import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { commands } from "../../src/cli/commands.ts";
import { rules } from "../../src/decide/decide.ts";
import { kinds } from "../../src/kube/kinds.ts";
import type { KubeObject } from "../../src/kube/port.ts";
import { createApiServer } from "../../src/sandbox/apiserver/apiServer.ts";
import type { Life } from "../lives/life.ts";
import { NAMESPACE } from "../lives/life.ts";
import { adopted, rolledBack, underWay, watchLives } from "../lives/lives.ts";
import { cli, serve, start } from "./cli.ts";
import type { Finished, Served, StartOptions } from "./cli.ts";

watchLives();

let served: Served | undefined;

afterEach(async () => {
  await served?.remove();
  served = undefined;
});

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);

/** A command on the API of a life. */
async function on(life: Pick<Life, "server">, line: string, options: StartOptions = {}): Promise<Finished> {
  served ??= await serve(life.server);
  return cli([...line.split(" "), "-n", NAMESPACE, "--kubeconfig", served.kubeconfig], options);
}

const PAUSED = {
  strategy: { canary: { steps: [{ weight: 10, hold: "10s" }, { pause: {} }, { weight: 50, hold: "10s" }] } },
};

/** While the command waits for its answer, time passes for the controller. */
async function asking(life: Life, line: string): Promise<Finished> {
  let ended = false;
  const answer = on(life, line).finally(() => {
    ended = true;
  });
  while (!ended) await life.pass(50);
  return answer;
}

describe("aviary get", () => {
  it("lists the Canaries of a namespace, of all of them, and those that are named", async () => {
    const life = await underWay();
    const { out } = await on(life, "get");
    expect(out).toMatch(/^NAME +PHASE +WEIGHT +STEP +AGE +WHY\nweb +Progressing +10 +1\/2 +\d+\w+ +.*weight 10.*\n$/);
    expect((await on(life, "get -A -o wide")).out).toMatch(/shop +web .*deployment\/web +web:1 +web:2 +\w{10} +False/);
    expect((await on(life, "get deploy/web")).out).toContain("web ");
    expect((await on(life, "get web -o json")).out).toContain('"kind": "Canary"');
    expect(parse((await on(life, "get -o yaml")).out)).toMatchObject({ kind: "List", items: [{ kind: "Canary" }] });
  });

  it("says so where there is none, and where the cluster does not know Aviary", async () => {
    const life = await adopted();
    served = await serve(life.server);
    const empty = await cli(["get", "-n", "default", "--kubeconfig", served.kubeconfig]);
    expect(empty).toMatchObject({ code: 0, out: "", err: "no Canary in namespace default\n" });
    await served.remove();
    served = undefined;
    const bare = await on({ server: createApiServer({ now: Date.now, namespaces: [NAMESPACE] }) }, "get");
    expect(bare).toMatchObject({
      code: 7,
      err: expect.stringContaining("does not know canaries.aviary.dev") as string,
    });
  });

  it("names what is missing: the kubeconfig, its context, the API server", async () => {
    const life = await adopted();
    const context = await on(life, "get --context nix");
    expect(context).toMatchObject({ code: 1, err: expect.stringContaining('no context named "nix"') as string });
    await served?.stop();
    const away = await on(life, "get");
    expect(away).toMatchObject({ code: 1, err: expect.stringContaining("the API server does not answer") as string });
    await served?.start();
    const none = await cli(["get"], { env: { HOME: "/nonexistent" } });
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining("pass --kubeconfig") as string });
  });
});

describe("aviary status", () => {
  it("shows steps, weight, checks, pods of both versions, and what comes next", async () => {
    const life = await underWay();
    await life.until("a reading", ({ checks }) => checks?.[0]?.value !== undefined);
    const { code, out } = await on(life, "status web");
    expect(code).toBe(0);
    expect(out).toMatch(/^web {2}Progressing 1\/2 {2}shop\n/);
    expect(out).toMatch(/why +step 1\/2: .* {2}\(\w+\)\n/);
    expect(out).toContain("10% ● ─ 50% ─ promotion");
    expect(out).toMatch(/next +50%/);
    expect(out).toMatch(/weight +10 % to the new version, in effect for/);
    expect(out).toMatch(/primary +\w{10} {2}web:1 {2}3\/3 pods ready/);
    expect(out).toMatch(/deployment +\w{10} {2}web:2 {2}\d\/\d pods ready/);
    expect(out).toMatch(/check +success {2}1 {2}Pass {2}1 is within min 0.99/);
    expect(out).not.toContain("\u001b");
  });

  it("says what a pause and a stall wait for", async () => {
    const life = await underWay({ spec: PAUSED });
    await life.until("the pause", ({ phase }) => phase === "Paused");
    expect((await on(life, "status web")).out).toMatch(
      /waits for +AwaitingApproval\n.*pause ●.*\n +next +50%, once approved/s,
    );
    await life.kube.delete(kinds.httpRoute, { namespace: NAMESPACE, name: "web" });
    await life.until("the stall", ({ conditions }) => conditions?.some(({ type }) => type === "Stalled") === true);
    expect((await on(life, "status web")).out).toMatch(/stalled +RouteNotFound: /);
  });

  it("gives machines the whole object", async () => {
    const life = await underWay();
    expect(JSON.parse((await on(life, "status web -o json")).out)).toMatchObject({ status: { phase: "Progressing" } });
  });

  it("draws again and again on a terminal, with colours and the values that came meanwhile", async () => {
    const life = await underWay();
    served = await serve(life.server);
    const argv = ["status", "web", "--watch", "-n", NAMESPACE, "--kubeconfig", served.kubeconfig];
    const terminal = start(argv, { isTTY: true });
    const plain = start(argv);
    await terminal.said("\u001b[33m10% ●");
    await plain.said("Progressing  1/2  10 %");
    let value = 0.991;
    life.ask = () => ({ kind: "value", value: (value += 0.001) });
    for (let look = 0; look < 400 && !/[▁▂▃▄▅▆▇█]{2}/.test(terminal.out()); look++) {
      await life.pass(250);
    }
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    await plain.said("Promoting");
    terminal.interrupt();
    plain.interrupt();
    expect((await terminal.ended).out).toMatch(/[▁▂▃▄▅▆▇█]{2}/);
    expect((await plain.ended).code).toBe(130);
  });
});

describe("aviary explain", () => {
  it("names the rule that decided, what it saw, and what was said before", async () => {
    const life = await underWay();
    await life.until("a reading", ({ checks }) => checks?.[0]?.value !== undefined);
    const { code, out } = await on(life, "explain web");
    const { rule = "", message = "" } = life.status().why ?? {};
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`decided by +${rule}: [A-Z].*\\.\n +it said +${escaped(message)}\n`));
    expect(out).toMatch(/asked before +\d+ of \d+ rules had nothing to say/);
    expect(out).toMatch(/target +Deployment web, generation \d+, revision \w{10}, \d of \d pods ready/);
    expect(out).toMatch(/rollout +revision \w{10} since .*, weight 10 in effect since/);
    expect(out).toMatch(/check +success: Pass, .*; \d+ readings, 0 outside the bounds/);
    expect(out).toMatch(/\nbefore\n[^]* ShiftTraffic +step 1/);
  });

  it("lists the rules in order, with the one that answered marked", async () => {
    const life = await underWay();
    const { out } = await on(life, "explain web --rules");
    const marked = [...out.matchAll(/^ {4}([·▶ ]) (\w+) /gm)].map(([, mark, name]) => ({ mark, name }));
    expect(marked.map(({ name }) => name)).toEqual(rules.map(({ name }) => name));
    expect(marked.filter(({ mark }) => mark === "▶")).toEqual([{ mark: "▶", name: life.status().why?.rule }]);
  });
});

describe("the commands that act", () => {
  const actionsOf = async (life: Life) =>
    (await life.kube.list<KubeObject & { spec: object }>(kinds.canaryAction)).items.map(({ spec }) => spec);

  it("say what the controller answered, and name who asks, the revision and the step", async () => {
    const life = await underWay({ spec: PAUSED });
    await life.until("the pause", ({ phase }) => phase === "Paused");
    const { revision } = life.status().rollout ?? {};
    expect(await asking(life, "approve web --reason looked")).toEqual({
      code: 0,
      out: "web: step 2/3 approved by sandbox: looked\n",
      err: "",
    });
    expect(await actionsOf(life)).toEqual([
      { canaryRef: { name: "web" }, action: "Approve", revision, step: 2, reason: "looked", requestedBy: "sandbox" },
    ]);
    expect((await asking(life, "pause deploy/web")).out).toBe("web: paused by sandbox\n");
    expect((await asking(life, "resume web")).out).toBe("web: resumed by sandbox\n");
    expect((await asking(life, "promote web")).out).toMatch(/^web: step 3\/3 finished by sandbox/);
    expect((await asking(life, "abort web")).out).toBe("web: aborted by sandbox\n");
    await life.until("the end", ({ phase }) => phase === "Failed");
    expect((await asking(life, "retry web")).out).toBe(`web: revision ${revision ?? ""} is tried again by sandbox\n`);
  });

  it.each([
    ["promote web --full", /^web: promoted unjudged by sandbox\n$/, "Succeeded"],
    ["skip web", /^web: revision \w+ ships without analysis by sandbox\n$/, "Skipped"],
  ])("%s ships what is under way", async (line, answer, outcome) => {
    const life = await underWay();
    expect((await asking(life, line)).out).toMatch(answer);
    await life.until("the end", ({ phase }) => phase === "Succeeded");
    expect(life.status().history?.[0]?.outcome).toBe(outcome);
  });

  it("rollback takes the promoted revision back while the one before is kept", async () => {
    const life = await underWay({ spec: { keepPreviousFor: "1h" } });
    await life.until("promotion", ({ phase }) => phase === "Succeeded");
    expect((await asking(life, "rollback web")).out).toMatch(/^web: revision \w+ is taken back to \w+ by sandbox\n$/);
    await life.until("the version before", ({ promoted }) => promoted?.images?.[0] === "example/web:1");
  });

  it("end with 9 and the reason when the controller refuses", async () => {
    const life = await rolledBack();
    const { code, err } = await asking(life, "approve web");
    expect([code, err]).toEqual([9, "web: refused: there is no rollout to approve\n"]);
    const older = await asking(life, "retry web --revision 0123456789");
    expect([older.code, older.err]).toEqual([9, expect.stringContaining("asked for revision 0123456789")]);
  });

  it("end with 8 when nobody answers, and say that the action stands", async () => {
    const life = await underWay();
    await life.stopController();
    const { code, err } = await on(life, "abort web --timeout 200ms");
    expect([code, err]).toEqual([8, expect.stringContaining("has not answered CanaryAction web-abort-")]);
  });

  it("refuse a step that cannot be", async () => {
    const life = await adopted();
    expect((await on(life, "approve web --step first")).err).toContain("--step must be a number from 1 to 50");
  });
});

describe("aviary history", () => {
  it("lists how rollouts ended, the newest first", async () => {
    const life = await rolledBack();
    const { out } = await on(life, "history web");
    expect(out).toMatch(/^REVISION +OUTCOME .*\n\w{10} +Failed +\d+\w+ ago +\S+ +10 +web:2 +check success failed/);
    expect(JSON.parse((await on(life, "history web -o json")).out)).toMatchObject([{ outcome: "Failed" }]);
  });

  it("says when there is none", async () => {
    const life = await adopted();
    expect(await on(life, "history web")).toMatchObject({ code: 0, err: "web: no rollout has ended yet\n" });
  });
});

describe("the command line", () => {
  it("hands the arguments of programs on as they are", async () => {
    const handed: string[][] = [];
    const program = (args: readonly string[]) => {
      handed.push([...args]);
      return Promise.resolve(5);
    };
    const { code } = await cli(["controller", "--leader-elect", "--help"], { programs: { controller: program } });
    await cli(["sandbox", "--port", "0"], { programs: { sandbox: program } });
    expect([code, handed]).toEqual([
      5,
      [
        ["--leader-elect", "--help"],
        ["--port", "0"],
      ],
    ]);
  });

  it("has help with examples for every command, and a suggestion for a slip", async () => {
    for (const { name, passThrough } of commands) {
      if (passThrough === true) continue;
      const { code, out } = await cli([name, "--help"]);
      expect([code, out]).toEqual([0, expect.stringMatching(/Examples:\n {2}# .+\n {2}(source <\()?aviary /)]);
    }
    expect(await cli(["statsu"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("Did you mean status?") as string,
    });
    expect(await cli([])).toMatchObject({ code: 0, out: expect.stringContaining("Usage: aviary") as string });
  });

  it("completes in bash, zsh and fish", async () => {
    const run = promisify(execFile);
    const { out } = await cli(["completion", "bash"]);
    const ask = `${out}\nCOMP_WORDS=(aviary wait --im) COMP_CWORD=2; _aviary; echo "\${COMPREPLY[*]}"`;
    expect((await run("bash", ["-c", ask])).stdout).toBe("--image\n");
    expect((await cli(["completion", "zsh"])).out).toContain("bashcompinit");
    expect((await cli(["completion", "fish"])).out).toContain("__fish_seen_subcommand_from wait' -l image");
    expect((await cli(["completion", "tcsh"])).code).toBe(2);
  });

  it("runs as a process, with the Node and the version that it says", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ["src/aviary.ts", "version"]);
    expect(stdout).toMatch(/^aviary \d+\.\d+\.\d+ \(Node 24\.\d+\.\d+\)\n$/);
  });
});
