import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { underWay, watchLives } from "../lives/lives.ts";
import { serve, start } from "./cli.ts";
import type { Finished } from "./cli.ts";

watchLives();

const PAUSED = {
  strategy: { canary: { steps: [{ weight: 10, hold: "10s" }, { pause: {} }, { weight: 50, hold: "10s" }] } },
};

/** The lines of docs/cli.md and README.md that begin with aviary, on the canary of a life. */
function documentedLines(): string[] {
  const text = ["docs/cli.md", "README.md"].map((page) => readFileSync(page, "utf8")).join("\n");
  const blocks = [...text.matchAll(/^```sh\n([^]*?)^```/gm)].map(([, block]) => block ?? "");
  const lines = blocks.flatMap((block) => block.split("\n")).map((line) => line.replace(/ +# .*$/, ""));
  return [...new Set(lines.filter((line) => line.startsWith("aviary ")))];
}

/** An action may be refused at this moment; a wait is held by the pause; a watch ends when it is interrupted. */
function endingsOf(line: string): readonly number[] {
  if (line.startsWith("aviary wait")) return [4];
  // The checks of the example have queries of their own, which pass unless their value is given.
  if (line.startsWith("aviary simulate")) return [line.includes("--value") ? 3 : 0];
  return line.includes("--watch") ? [130] : [0, 9];
}

describe("the lines of the docs", () => {
  it("are found", () => {
    expect(documentedLines().length).toBeGreaterThan(20);
  });

  it.each(documentedLines())("are taken as they stand: %s", async (line) => {
    const life = await underWay({ spec: PAUSED });
    await life.until("the pause", ({ phase }) => phase === "Paused");
    const served = await serve(life.server);
    const words = line
      .replace(/ >.*$/, "")
      .replace("podinfo:6.9.1", "web:2")
      .replaceAll("podinfo", "web")
      .replace("canary.yaml deployment.yaml", "examples/podinfo/canary.yaml examples/podinfo/podinfo.yaml");
    const argv = [...words.matchAll(/"([^"]*)"|(\S+)/g)].slice(1).map(([word, quoted]) => quoted ?? word);
    const command = start(argv, { env: { KUBECONFIG: served.kubeconfig } });
    let finished: Finished | undefined;
    void command.ended.then((end) => {
      finished = end;
    });
    // Nothing but the end of the picture that goes on for ever is up to the user.
    while (finished === undefined) {
      await life.pass(50);
      if (line.includes("--watch") && command.out() !== "") command.interrupt();
    }
    await served.remove();
    const { code, err } = finished;
    expect(endingsOf(line), err).toContain(code);
    expect(err).not.toContain("error:");
  });
});
