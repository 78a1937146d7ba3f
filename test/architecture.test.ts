import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { entriesOfSource, parse, pathOf, sourcesBelow, type ImportOf, type Source } from "./architecture/imports.ts";

/**
 * The import law. Each folder of `src` may import itself, the folders `uses`, and the types of the folders `types`.
 * A folder that is not listed here breaks the law: think first of where it stands.
 */
const LAW: Readonly<Record<string, { readonly uses: readonly string[]; readonly types?: readonly string[] }>> = {
  lib: { uses: [] },
  api: { uses: ["lib"] },
  analysis: { uses: ["api", "lib"], types: ["metrics"] },
  decide: { uses: ["api", "lib", "analysis"], types: ["routers", "metrics", "kube"] },
  kube: { uses: ["lib"], types: ["api", "server"] },
  routers: { uses: ["api", "lib", "kube"] },
  workloads: { uses: ["lib", "kube"] },
  metrics: { uses: ["api", "lib", "kube"] },
  observe: { uses: ["api", "lib", "kube", "decide", "analysis", "routers", "workloads", "metrics"] },
  act: { uses: ["api", "lib", "kube", "decide", "routers", "workloads"], types: ["observe"] },
  report: { uses: ["api", "lib", "kube", "decide"], types: ["act", "observe", "server"] },
  server: { uses: ["api", "lib"] },
  cli: { uses: ["api", "lib", "kube", "decide", "metrics"] },
  sandbox: { uses: ["api", "lib", "kube", "metrics", "analysis", "observe"], types: ["cli", "server"] },
};

/** Of `kube`, the plug-ins and the four verbs see the port and its words, never the client, the watches or the queue; types do no harm. */
const PORT_ONLY = ["routers", "workloads", "metrics", "observe", "act", "report", "decide"];
const PORT_FILES = [
  "port",
  "kinds",
  "errors",
  "objects",
  "routeObjects",
  "jobObjects",
  "workloadObjects",
  "labelSelector",
  "reachability",
  "ownSlice",
  "configuration",
  "informer",
  "before",
  "claims",
].map((f) => `src/kube/${f}.ts`);

/** Packages with the only places that may import them, so that replacing one costs no more than these. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "@kubernetes/client-node": ["kube"],
  express: ["server"],
  "prom-client": ["server", "sandbox"],
  "prometheus-query": ["metrics"],
  "@smithy/signature-v4": ["metrics"],
  "@aws-sdk/credential-providers": ["metrics"],
  "google-auth-library": ["metrics"],
  "json-p3": ["metrics"],
  pino: ["lib"],
  commander: ["config.ts", "cli", "sandbox"],
};

/** The command `aviary` starts the sandbox as a program of its own, besides the controller. */
const COMMAND = "src/aviary.ts";

const sources = sourcesBelow("src");

/** First path component below `src`: a folder, or a file of the top. */
function placeOf(path: string): string {
  return path.split("/")[1] ?? "";
}

function isTop(path: string): boolean {
  return path.split("/").length === 2;
}

function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

function isOurs({ to }: ImportOf): boolean {
  return to.startsWith("src/");
}

function breachOf(source: Source, imported: ImportOf): string | undefined {
  const [from, to] = [placeOf(source.path), placeOf(imported.to)];
  const breach = `${source.path} imports ${imported.typeOnly ? "a type of " : ""}${imported.to}`;
  if (to === "sandbox" && from !== "sandbox" && source.path !== COMMAND)
    return `${breach}: nothing outside the sandbox may know it`;
  if (isTop(source.path)) return undefined;
  if (isTop(imported.to))
    return from === "sandbox" ? undefined : `${breach}: the top composes, folders do not reach up`;
  const law = LAW[from];
  if (law === undefined) return `${source.path}: src/${from} has no place in the import law`;
  const allowed = [from, ...law.uses, ...(imported.typeOnly ? (law.types ?? []) : [])];
  if (!allowed.includes(to)) return `${breach}: ${from} may use only ${allowed.join(", ")}`;
  if (to === "kube" && !imported.typeOnly && PORT_ONLY.includes(from) && !PORT_FILES.includes(imported.to)) {
    return `${breach}: ${from} may see only the port (${PORT_FILES.join(", ")})`;
  }
  return undefined;
}

function importBreaches(of: readonly Source[]): string[] {
  return of.flatMap((source) => {
    return source.imports.filter(isOurs).flatMap((imported) => breachOf(source, imported) ?? []);
  });
}

function packageBreaches(of: readonly Source[]): string[] {
  return of.flatMap(({ path, imports }) =>
    imports.flatMap(({ to }) => {
      const places = PACKAGES[packageOf(to)];
      return places === undefined || places.includes(placeOf(path)) ? [] : [`${path} imports ${to}`];
    }),
  );
}

describe("the import law", () => {
  it("holds in every file of src", () => {
    expect(importBreaches(sources)).toEqual([]);
  });

  it("keeps each package in the folder that it is for", () => {
    expect(packageBreaches(sources)).toEqual([]);
  });

  it.each([
    ["src/decide/a.ts", `import { readFile } from "../kube/client.ts"`, "decide may use only"],
    ["src/decide/a.ts", `import { x } from "../routers/router.ts"`, "decide may use only"],
    ["src/analysis/a.ts", `export * from "../observe/a.ts"`, "analysis may use only"],
    ["src/api/a.ts", `const x = await import("../decide/a.ts")`, "api may use only"],
    ["src/routers/a.ts", `import { x } from "../kube/client.ts"`, "only the port"],
    ["src/main.ts", `import type { X } from "./sandbox/a.ts"`, "nothing outside the sandbox"],
    ["src/lib/a.ts", `import { readConfig } from "../config.ts"`, "folders do not reach up"],
    ["src/misc/a.ts", `import { x } from "../lib/time.ts"`, "no place in the import law"],
  ])("would notice in %s: %s", (path, text, sentence) => {
    expect(importBreaches([parse(path, text)]).join()).toContain(sentence);
  });

  it.each([
    ["src/decide/a.ts", `import type { X } from "../routers/router.ts"`],
    ["src/decide/a.ts", `import { type X } from "../metrics/provider.ts"`],
    ["src/main.ts", `import { connect } from "./kube/config.ts"`],
  ])("allows in %s: %s", (path, text) => {
    expect(importBreaches([parse(path, text)])).toEqual([]);
  });

  it("would notice a package outside its folder", () => {
    const strays = [
      parse("src/act/a.ts", `import { V1Pod } from "@kubernetes/client-node/dist/x.js"`),
      parse("src/cli/a.ts", `import express from "express"`),
    ];
    expect(packageBreaches(strays)).toHaveLength(2);
  });
});

describe("the habits of the code", () => {
  /** What makes an answer depend on more than the arguments. */
  const IMPURE =
    /^(await|setTimeout|setInterval|setImmediate|fetch|Date|Date\.now|Math\.random|performance\.now|process\..*|Promise|Promise\..*)$/;
  const impureIn = (of: readonly Source[]) =>
    of.flatMap(({ path, uses }) =>
      uses.filter(({ name }) => IMPURE.test(name)).map((u) => `${path}:${u.line} ${u.name}`),
    );

  it("decide and analysis know no clock, no chance and no promise", () => {
    const pure = sources.filter(({ path }) => ["decide", "analysis"].includes(placeOf(path)));
    expect(impureIn(pure)).toEqual([]);
    expect(impureIn([parse("src/decide/a.ts", "const t = Date.now(); await f(); new Promise(g)")])).toHaveLength(3);
  });

  it("only the configuration reads the environment and the command line, and only main ends the process", () => {
    const reads = (name: RegExp, allowed: readonly string[]) =>
      sources
        .filter(({ path }) => placeOf(path) !== "sandbox" && !allowed.includes(path))
        .flatMap(({ path, uses }) => uses.filter((use) => name.test(use.name)).map((use) => `${path}:${use.line}`));
    expect(reads(/^process\.(env|argv)$/, ["src/config.ts", COMMAND])).toEqual([]);
    expect(reads(/^process\.(exit|abort|kill)$/, ["src/main.ts"])).toEqual([]);
  });

  it("nothing has a default export", () => {
    expect(sources.filter(({ defaultExport }) => defaultExport).map(({ path }) => path)).toEqual([]);
    expect(parse("src/a.ts", "export default 1").defaultExport).toBe(true);
    expect(parse("src/a.ts", "export { a as default }").defaultExport).toBe(true);
  });

  it("every file of src is short enough to be read at once", () => {
    const long = sources.filter(({ lines }) => lines > 300);
    for (const { path, lines } of long) console.warn(`${path} has ${lines} lines; more than 300 wants to be split`);
    expect(long.filter(({ lines }) => lines > 400).map(({ path, lines }) => `${path}: ${lines} lines`)).toEqual([]);
  });
});

const PAGE = pathOf("docs/architecture.md");

/** In a fenced block whose first entry is `src/`: each entry one level below it, with its sentence. */
function treeIn(page: string): Map<string, string> {
  const block = /```[a-z]*\n(?:.*\n)*?src\/.*\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  const tree = new Map<string, string>();
  for (const line of block.split("\n")) {
    const entry = /^(?: {2}|[├└]── )([A-Za-z0-9.]+\/?)\s+(\S.*)$/.exec(line);
    if (entry?.[1] !== undefined && entry[2] !== undefined) tree.set(entry[1], entry[2]);
  }
  return tree;
}

describe("docs/architecture.md", () => {
  it.skipIf(!existsSync(PAGE))("names every folder and file at the top of src, and no other, with a sentence", () => {
    const tree = treeIn(readFileSync(PAGE, "utf8"));
    expect([...tree.keys()].sort()).toEqual(entriesOfSource());
    for (const [entry, sentence] of tree) expect(sentence, `the sentence of ${entry}`).toMatch(/^\S+(\s+\S+){2,}\.$/);
  });

  it("would be read as a tree", () => {
    const page =
      "# A\n```\nsrc/\n  api/     What users write.\n    deep.ts  Not this one.\n  main.ts  Composes it all.\n```\n";
    expect([...treeIn(page).keys()]).toEqual(["api/", "main.ts"]);
  });
});
