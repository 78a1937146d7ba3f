import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

it("runs on the Node that the package asks for", () => {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    engines: { node: string };
  };
  const needed = Number(/\d+/.exec(manifest.engines.node)?.[0]);
  const running = Number(process.versions.node.split(".")[0]);
  const advice =
    `This is Node ${process.version}, and Aviary needs ${needed} or newer. Run tests by "npm test" or "npx vitest", not by a ` +
    `vitest on the PATH. If it was npm: the optional package node-${process.platform}-${process.arch} is not installed; run ` +
    `"npm ci" without "--omit=optional", or put a Node ${needed} first in the PATH.`;
  expect(running, advice).toBeGreaterThanOrEqual(needed);
});
