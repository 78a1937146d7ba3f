import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { describe, expect, it } from "vitest";
import { sourcesBelow } from "./architecture/imports.ts";

// That the package installs and starts is tried by .ci/pack.sh; it takes a minute.

interface PackageManifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), "utf8"));
}

const manifest = readJson("package.json") as PackageManifest;

function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

describe("the package", () => {
  it("starts compiled JavaScript, since Node refuses types under node_modules", () => {
    expect(manifest.bin).toEqual({ aviary: "dist/aviary.js", "kubectl-canary": "dist/aviary.js" });
    expect(manifest.files).toContain("dist");
    expect(manifest.files).not.toContain("src");
  });

  it("brings every package that its sources import when they run", () => {
    const missing = sourcesBelow("src").flatMap(({ path, imports }) =>
      imports
        .filter(({ to, typeOnly }) => !typeOnly && !to.startsWith("src/") && !isBuiltin(to))
        .filter(({ to }) => manifest.dependencies[packageOf(to)] === undefined)
        .map(({ to }) => `${path} imports ${to}`),
    );
    expect(missing).toEqual([]);
  });

  it("needs no package that its sources never import", () => {
    const used = new Set(sourcesBelow("src").flatMap(({ imports }) => imports.map(({ to }) => packageOf(to))));
    // Peers that the PromQL grammar asks for and that npm would otherwise pick by itself.
    const peers = ["@lezer/common", "@lezer/highlight", "@lezer/lr"];
    expect(Object.keys(manifest.dependencies).filter((name) => !used.has(name) && !peers.includes(name))).toEqual([]);
  });
});
