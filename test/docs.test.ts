import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { foreignFields } from "../src/act/foreignFields.ts";
import { conditionsFor, conditionTypes } from "../src/api/conditions.ts";
import { outcomes, phases } from "../src/api/status.ts";
import { rules } from "../src/decide/decide.ts";

const ROOT = join(import.meta.dirname, "..");

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort();
}

const PAGES = ["README.md", "CONTRIBUTING.md", ...filesBelow("docs", ".md")];

/** The rows of every table below a heading, cell by cell, up to the next heading of whatever level. */
function tableBelow(page: string, heading: string): string[][] {
  const start = page.indexOf(`\n${heading}\n`);
  const section = start < 0 ? "" : (page.slice(start + heading.length + 2).split(/^#+ /m)[0] ?? "");
  return section.split("\n").flatMap((line) => {
    const cells = line.startsWith("|") ? line.split(/(?<!\\)\|/).slice(1, -1) : [];
    const trimmed = cells.map((cell) => cell.trim());
    return trimmed.length === 0 || trimmed.every((cell) => /^-+$/.test(cell)) ? [] : [trimmed];
  });
}

/** What stands in backticks in the first cell of each row. */
function namesBelow(page: string, heading: string): string[] {
  return tableBelow(page, heading).flatMap(([first]) => /^`([^`]+)`$/.exec(first ?? "")?.[1] ?? []);
}

const lifecycle = read("docs/lifecycle.md");
const architecture = read("docs/architecture.md");

describe("the commands of the docs", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Readonly<Record<string, string>> };

  it.each(PAGES)("exist, as far as they are npm scripts: %s", (path) => {
    const named = [...read(path).matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g)].map(([, run, own]) => run ?? own);
    expect(named.filter((name) => !Object.hasOwn(scripts, name ?? ""))).toEqual([]);
  });

  it("are told to whoever reads the README or CONTRIBUTING, as far as people start them", () => {
    const told = read("README.md") + read("CONTRIBUTING.md");
    const started = ["start", "demo", "test", "test:cluster", "generate", "check", "fix"];
    expect(started.filter((name) => !new RegExp(String.raw`npm (run )?${name}\b`).test(told))).toEqual([]);
  });
});

describe("docs/rules.md", () => {
  it("names every rule, in the order in which they are asked", () => {
    const named = [...read("docs/rules.md").matchAll(/^\| \d+ +\| `(\w+)`/gm)].map(([, name]) => name);
    expect(named).toEqual(rules.map(({ name }) => name));
  });
});

describe("the closed list of foreign fields", () => {
  /** A pattern as the page writes it: without the signs that only a regular expression needs. */
  function pathOf({ source }: RegExp): string {
    return source
      .replace(/^\^|\$$/g, "")
      .replaceAll(String.raw`(\/|$)`, "(/…)?")
      .replaceAll(String.raw`\/`, "/")
      .replaceAll(String.raw`\d+`, "N")
      .replaceAll(String.raw`\.`, ".");
  }

  it("in docs/architecture.md is that of the code, and no other", () => {
    const rows = tableBelow(architecture, "### The closed list").slice(1);
    const written = rows.map(([kind, path, why]) => [kind, path?.replaceAll(String.raw`\|`, "|"), why]);
    expect(written).toEqual(foreignFields.map(({ kind, path, why }) => [kind, `\`${pathOf(path)}\``, why]));
  });
});

describe("docs/lifecycle.md", () => {
  it("tells of every phase, and of no other", () => {
    expect(namesBelow(lifecycle, "## Phases")).toEqual([...phases]);
  });

  it.each(phases)("says what the conditions are in phase %s", (phase) => {
    const row = tableBelow(lifecycle, "## Phases").find(([first]) => first === `\`${phase}\``);
    const conditions = conditionsFor({ phase, message: "", generation: 1, now: 0 });
    const expected = conditionTypes.map((type) => conditions.find((held) => held.type === type)?.status ?? "–");
    expect(row?.slice(2)).toEqual(expected);
  });

  it("tells of every outcome, and of no other", () => {
    expect(namesBelow(lifecycle, "## Outcomes")).toEqual([...outcomes]);
  });

  it("names no rule that does not exist", () => {
    const named = tableBelow(lifecycle, "## What is waited for").flatMap(([, rule]) =>
      [...(rule ?? "").matchAll(/`(\w+)`/g)].map(([, name]) => name),
    );
    const known = rules.map(({ name }) => name);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !known.includes(name ?? ""))).toEqual([]);
  });

  it("names tests that exist, for all that can break", () => {
    const rows = tableBelow(lifecycle, "## When things break").slice(1);
    expect(rows.length).toBeGreaterThan(15);
    const broken = rows.flatMap(([what, , shown]) => {
      const [, path = "", name = ""] = /^`([^`]+)`, `([^`]+)`$/.exec(shown ?? "") ?? [];
      return existsSync(join(ROOT, path)) && path !== "" && read(path).includes(name) ? [] : [what];
    });
    expect(broken).toEqual([]);
  });

  /** Reasons of conditions and warnings are given as literals: `reason: "A"`, or `reason = … ? "A" : "B"`. */
  function reasonsIn(paths: readonly string[]): Set<string> {
    const given = /\breason(?::| =)\s+(?:[^"\n,]*\?\s+)?("\w+"(?:\s+[:|]\s+"\w+")*)/g;
    const lists = paths.flatMap((path) => [...read(path).matchAll(given)].map(([, list]) => list ?? ""));
    return new Set(lists.flatMap((list) => [...list.matchAll(/\w+/g)].map(([reason]) => reason)));
  }

  it("explains every reason that a condition or a warning can have, and no other", () => {
    const folders = ["src/decide", "src/observe", "src/report", "src/routers"].flatMap((folder) =>
      filesBelow(folder, ".ts"),
    );
    const used = reasonsIn([...folders, "src/api/conditions.ts"]);
    const headings = ["## Who holds a paused rollout", "## What stalls a canary", "## Warnings"];
    const explained = new Set(headings.flatMap((heading) => namesBelow(lifecycle, heading)));
    expect([...explained].sort()).toEqual([...used].sort());
  });
});

describe("links", () => {
  /** The anchor that GitHub gives a heading. */
  function anchorsOf(page: string): string[] {
    return [...page.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
      (title ?? "")
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replace(/\s/g, "-"),
    );
  }

  function isBroken(from: string, target: string): boolean {
    if (/^[a-z]+:/.test(target)) return false;
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? from : join(dirname(from), path);
    if (!existsSync(join(ROOT, file))) return true;
    return anchor !== undefined && !anchorsOf(read(file)).includes(anchor);
  }

  function brokenIn(from: string, page: string): string[] {
    const text = page.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "");
    return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? "").filter((to) => isBroken(from, to));
  }

  it.each(PAGES)("lead somewhere: %s", (path) => {
    expect(brokenIn(path, read(path))).toEqual([]);
  });

  it("would be noticed when they do not", () => {
    const page = "[a](gone.md) [b](LICENSE) [c](#no-such) [d](docs/architecture.md#the-tree) [e](https://example.com)";
    expect(brokenIn("README.md", page)).toEqual(["gone.md", "#no-such"]);
  });

  it("of docs/architecture.md reach every decision record, numbered without a gap", () => {
    const records = filesBelow("docs/decisions", ".md").map((path) => path.replace(/^docs\//, ""));
    expect(records.map((path) => Number(/\/(\d{4})-/.exec(path)?.[1]))).toEqual(records.map((_, index) => index + 1));
    expect(records.filter((path) => !architecture.includes(`](${path})`))).toEqual([]);
  });
});
